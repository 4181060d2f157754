package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"

	"phasor/stream/kafka"
)

// logFlags name the records of a topic.
type logFlags struct {
	brokers, topic string
	partitions     int
	records        int64
}

func (l *logFlags) add(f *flag.FlagSet) {
	f.StringVar(&l.brokers, "brokers", "", "addresses, joined by commas")
	f.StringVar(&l.topic, "topic", "", "topic")
	f.IntVar(&l.partitions, "partitions", 1, "its partitions")
	f.Int64Var(&l.records, "records", 0, "records in all partitions together")
}

// fill creates a topic and writes records of 60 random bytes, or of JSON with 10 numbers, uncompressed, in batches of
// half a megabyte, the partitions in turn. Times go on by a millisecond a record of a partition.
func fill(args []string) error {
	var l logFlags
	f := flag.NewFlagSet("fill", flag.ExitOnError)
	l.add(f)
	kind := f.String("kind", "small", "small or json")
	_ = f.Parse(args) // It exits.
	const distinct = 4096
	values := jsonRecords(distinct)
	if *kind == "small" {
		rng := rand.New(rand.NewPCG(4, 0))
		for i := range values {
			values[i] = make([]byte, 60)
			for k := range values[i] {
				values[i][k] = byte(rng.Uint32())
			}
		}
	}
	client, err := kafka.New(kafka.Config{Brokers: strings.Split(l.brokers, ",")})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx := context.Background()
	if _, err := client.CreateTopic(ctx, l.topic, l.partitions, 1, map[string]string{"retention.ms": "-1"}); err != nil {
		return err
	}
	p, err := client.Producer(ctx, l.topic, kafka.ProducerConfig{Acks: "leader"})
	if err != nil {
		return err
	}
	for i := range l.records {
		n := int64(l.partitions)
		m := kafka.Message{Value: values[i%distinct], Time: firstTime + i/n, Partition: int(i % n)}
		if err := p.Send(ctx, m); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	return p.Flush(ctx)
}
