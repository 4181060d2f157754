package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"time"

	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/stream"
	"phasor/stream/embedded"
	"phasor/stream/kafka"
)

// The topics of the broker that is measured, with one partition each.
const (
	benchSmall = "small" // records of 60 random bytes
	benchJSON  = "json"  // records of decode/json/flat
)

// serveBench is the broker, in a process of its own: its CPU time is not the reader's.
func serveBench(e *env) error {
	b, err := embedded.Start(embedded.Config{Topics: map[string]int{benchSmall: 1, benchJSON: 1}, RetentionBytes: -1})
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, strings.Join(b.Addrs(), ","))
	_, _ = io.Copy(io.Discard, e.stdin) // However it ends, nobody needs the broker any more.
	return b.Close()
}

// benchTopics are topics of a broker in another process, full of records.
type benchTopics struct {
	client *kafka.Client
	parts  map[string]stream.Partition
	end    int64 // of each
}

// startTopics starts the broker once, and returns its topics.
func (b *bench) startTopics() (*benchTopics, error) {
	if b.topics != nil {
		return b.topics, nil
	}
	addrs, err := b.startBroker()
	if err != nil {
		return nil, fmt.Errorf("starting the broker: %w", err)
	}
	client, err := kafka.New(kafka.Config{Brokers: addrs})
	if err != nil {
		return nil, err
	}
	b.onClose(client.Close)
	t := &benchTopics{client: client, parts: map[string]stream.Partition{}, end: 300_000}
	if b.quick {
		t.end = 50_000
	}
	if err := t.fill(b.e.ctx); err != nil {
		return nil, fmt.Errorf("filling the topics: %w", err)
	}
	if err := t.open(b); err != nil {
		return nil, err
	}
	b.topics = t
	return t, nil
}

// startBroker starts this program as a broker.
func (b *bench) startBroker() (addrs []string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(b.e.ctx, self, "bench", "--broker") // #nosec G204 -- this very program
	cmd.Stderr = b.e.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() error {
		stdin.Close() // It ends the broker; that it has ended is what Wait returns.
		return cmd.Wait()
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		if e := stop(); e != nil {
			err = e
		}
		return nil, err
	}
	b.onClose(stop)
	return strings.Split(strings.TrimSpace(line), ","), nil
}

// fill writes the records; values repeat after some thousands, which no reader can notice.
func (t *benchTopics) fill(ctx context.Context) error {
	const distinct = 4096
	rng := rand.New(rand.NewPCG(4, 0))
	small := make([][]byte, distinct)
	for i := range small {
		small[i] = make([]byte, 60)
		for k := range small[i] {
			small[i][k] = byte(rng.Uint32())
		}
	}
	for _, f := range []struct {
		topic  string
		values [][]byte
	}{{benchSmall, small}, {benchJSON, benchFormats()[0].values(distinct)}} {
		p, err := t.client.Producer(ctx, f.topic, kafka.ProducerConfig{})
		if err != nil {
			return err
		}
		for i := range t.end {
			if err := p.Send(ctx, kafka.Message{Value: f.values[i%distinct], Time: benchTime + i, Partition: 0}); err != nil {
				return err
			}
		}
		if err := p.Flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open takes the partitions from their source, and gives them back when everything is measured.
func (t *benchTopics) open(b *bench) error {
	ctx, stop := context.WithCancel(b.e.ctx)
	got, ended := make(chan stream.Partition), make(chan error, 1)
	go func() {
		ended <- t.client.Static(map[string][]int{benchSmall: {0}, benchJSON: {0}}).Run(ctx, func(ctx context.Context, p stream.Partition) error {
			select {
			case got <- p:
			case <-ctx.Done():
			}
			<-ctx.Done()
			return nil
		})
	}()
	b.onClose(func() error {
		stop()
		return <-ended
	})
	for len(t.parts) < 2 {
		select {
		case p := <-got:
			t.parts[p.ID().Topic] = p
		case err := <-ended:
			ended <- err
			if err == nil {
				err = ctx.Err()
			}
			return fmt.Errorf("reading the topics: %w", err)
		}
	}
	return nil
}

// reading reads a topic from its start to its end, again and again.
type reading struct {
	part  stream.Partition
	end   int64
	again func() error                   // before each pass
	use   func(b stream.Batch) (n int64) // the records that count
}

// run returns records a second and the CPU time of a record in this process, if that can be known.
func (r *reading) run(ctx context.Context, least time.Duration) (rate, cpu float64, err error) {
	var reader stream.Reader
	var next int64
	shut := func() error {
		if reader == nil {
			return nil
		}
		err := reader.Close()
		reader = nil
		return err
	}
	pass := timed{do: func() (float64, error) {
		if reader == nil {
			if err := r.again(); err != nil {
				return 0, err
			}
			reader, next = r.part.Read(0), 0
		}
		batch, err := reader.Read(ctx)
		if err != nil {
			return 0, err
		}
		n := r.use(batch)
		if next = batch.Next; next >= r.end {
			err = shut()
		}
		return float64(n), err
	}}
	before, _ := cpuTime()
	err = takeTurns(ctx, wallClock, least, &pass)
	after, _ := cpuTime()
	if e := shut(); err == nil {
		err = e
	}
	return pass.rate(), float64((after - before).Nanoseconds()) / pass.work, err
}

func (b *bench) streamProbes() []*benchProbe {
	return []*benchProbe{
		b.readingProbe("fetch", benchSmall, func(r *reading) error {
			r.again = func() error { return nil }
			r.use = func(batch stream.Batch) int64 { return int64(len(batch.Records)) }
			return nil
		}),
		b.readingProbe("pipeline", benchJSON, b.preparePipeline),
	}
}

func (b *bench) readingProbe(name, topic string, prepare func(r *reading) error) *benchProbe {
	p := &benchProbe{name: name, measures: []benchMeasure{{"", perSecond}}, wall: true}
	_, measured := cpuTime()
	if measured {
		p.measures = append(p.measures, benchMeasure{"cpu", cpuRecord})
	}
	var r reading
	p.prepare = func() error {
		t, err := b.startTopics()
		if err != nil {
			return err
		}
		r.part, r.end = t.parts[topic], t.end
		return prepare(&r)
	}
	p.run = func(ctx context.Context, least time.Duration) ([]float64, error) {
		rate, cpu, err := r.run(ctx, least)
		return []float64{rate, cpu}[:len(p.measures)], err
	}
	return p
}

// preparePipeline folds what is read as a sketcher does.
func (b *bench) preparePipeline(r *reading) error {
	config, err := benchFold()
	if err != nil {
		return err
	}
	var fold *sketcher.Fold
	r.again = func() (err error) {
		fold, err = sketcher.NewFold(config, r.part.ID(), 0)
		return err
	}
	r.use = func(batch stream.Batch) int64 { return fold.Batch(batch).Folded }
	return nil
}

// benchFold is the fold of records of decode/json/flat.
func benchFold() (sketcher.FoldConfig, error) {
	m, err := feature.NewMap(benchSpec(benchDim, benchFeatures))
	return sketcher.FoldConfig{
		Map: m, Decode: benchDecode("json", ""), Topics: []string{benchJSON}, Isolation: "read_committed",
		Length: time.Minute, Lateness: time.Minute,
	}, err
}
