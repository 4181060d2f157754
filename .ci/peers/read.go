package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream"
	"phasor/stream/kafka"
)

// read reads a topic from its start until it has seen so many records, looks at the length of each value, and prints
// how long that took. Who started the process knows what CPU time it took.
func read(args []string) error {
	var l logFlags
	f := flag.NewFlagSet("read", flag.ExitOnError)
	l.add(f)
	client := f.String("client", "phasor", "phasor or franz-go")
	_ = f.Parse(args) // It exits.
	began := time.Now()
	use := map[string]func(context.Context, *logFlags) (int64, int64, error){"phasor": readOurs, "franz-go": readFranz}[*client]
	if use == nil {
		return fmt.Errorf("-client %s: give phasor or franz-go", *client)
	}
	records, bytes, err := use(context.Background(), &l)
	if err != nil {
		return err
	}
	if records != l.records {
		return fmt.Errorf("%s read %d records, want %d", *client, records, l.records)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"records": records, "bytes": bytes, "wall": time.Since(began).Seconds(), "cpu": cpuTime().Seconds()})
}

func readOurs(ctx context.Context, l *logFlags) (records, bytes int64, err error) {
	c, err := kafka.New(kafka.Config{Brokers: strings.Split(l.brokers, ",")})
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var n, size atomic.Int64
	err = c.Static(map[string][]int{l.topic: nil}).Run(ctx, func(ctx context.Context, p stream.Partition) error {
		r := p.Read(0)
		defer r.Close()
		for {
			b, err := r.Read(ctx)
			if err != nil {
				return err
			}
			var s int64
			for i := range b.Records {
				s += int64(len(b.Records[i].Value))
			}
			size.Add(s)
			if n.Add(int64(len(b.Records))) >= l.records {
				stop()
				return nil
			}
		}
	})
	return n.Load(), size.Load(), err
}

// readFranz polls as franz-go's documentation shows it, without a group and with its defaults.
func readFranz(ctx context.Context, l *logFlags) (records, bytes int64, err error) {
	c, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(l.brokers, ",")...), kgo.ConsumeTopics(l.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	for records < l.records {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return records, bytes, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records++
			bytes += int64(len(r.Value))
		})
	}
	return records, bytes, nil
}
