package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"phasor/stream/kafka"
	"phasor/stream/replay"
)

// producing writes the rows of a feed to a topic.
type producing struct {
	producer messageWriter
	feed     replay.Feed
	enc      replay.Encoder
	stamp    bool  // With the time of producing instead of the rows' own.
	count    int64 // Rows to write; 0: all.

	mu      sync.Mutex // Of what follows: the feed may let the loop wait while a batch must go.
	buffer  []byte     // The producer keeps the records' bytes until they are flushed.
	pending int64
	flushed time.Time
	failed  error
}

func newProducing(ctx context.Context, client *kafka.Client, topic string, feed replay.Feed, format, timeField, compression string) (*producing, error) {
	enc, verbatim := replay.Verbatim(feed)
	if !verbatim {
		var err error
		if enc, err = replay.NewEncoder(format, feed.Channels(), timeField); err != nil {
			return nil, err
		}
	}
	p, err := client.Producer(ctx, topic, kafka.ProducerConfig{Compression: compression})
	if err != nil {
		return nil, err
	}
	return &producing{producer: p, feed: feed, enc: enc, stamp: true}, nil
}

const (
	flushEvery = 50 * time.Millisecond // How long a record may wait in a batch.
	lastFlush  = 5 * time.Second       // How long the last batch may take after the end: the brokers may be away.
)

// run writes until the feed or ctx ends and returns the number of records that are in the log.
func (p *producing) run(ctx context.Context, bad *rejects, b bar) (n int64, err error) {
	flushing, give := context.WithCancel(context.WithoutCancel(ctx))
	defer give()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastFlush, give) })()
	p.flushed = time.Now()
	var timer sync.WaitGroup
	defer timer.Wait()
	done := make(chan struct{})
	defer close(done)
	timer.Go(func() { p.flushInTime(flushing, done, b) })
	for p.count == 0 || n < p.count {
		x, ms, err := p.feed.Next()
		switch {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return n, p.flush(flushing, 0, b)
		case err != nil && bad.add(err):
			continue
		case err != nil:
			return n, errors.Join(err, p.flush(flushing, 0, b))
		}
		if err := p.send(flushing, x, ms, b); err != nil {
			return n, err
		}
		n++
	}
	return n, p.flush(flushing, 0, b)
}

// send adds a record to the batch, and writes it if it is old.
func (p *producing) send(ctx context.Context, x []float64, ms int64, b bar) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return p.failed
	}
	now := time.Now()
	if p.stamp || ms < 0 {
		ms = now.UnixMilli()
	}
	from := len(p.buffer)
	p.buffer = p.enc.Append(p.buffer, x, ms)
	value := p.buffer[from:len(p.buffer):len(p.buffer)]
	if err := p.producer.Send(ctx, kafka.Message{Value: value, Time: ms, Partition: kafka.AnyPartition}); err != nil {
		return err
	}
	p.pending++
	return p.flushOld(ctx, now, flushEvery, b)
}

// flush writes the batch if it is as old as that. An error stays.
func (p *producing) flush(ctx context.Context, age time.Duration, b bar) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flushOld(ctx, time.Now(), age, b)
}

func (p *producing) flushOld(ctx context.Context, now time.Time, age time.Duration, b bar) error {
	if p.failed == nil && p.pending > 0 && now.Sub(p.flushed) >= age {
		p.failed = p.producer.Flush(ctx)
		b.add(p.pending)
		p.flushed, p.pending, p.buffer = time.Now(), 0, make([]byte, 0, cap(p.buffer))
	}
	return p.failed
}

// flushInTime writes batches that the loop does not come to, because the feed has nothing more for now.
func (p *producing) flushInTime(ctx context.Context, done <-chan struct{}, b bar) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			_ = p.flush(ctx, flushEvery, b) // The loop meets it.
		}
	}
}
