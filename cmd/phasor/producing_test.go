package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"phasor/stream/kafka"
	"phasor/stream/replay"
)

// pausing is a feed that gives rows and then waits.
type pausing struct {
	rows int
	wait <-chan struct{}
}

func (f *pausing) Channels() []string { return []string{"a"} }

func (f *pausing) Next() ([]float64, int64, error) {
	if f.rows == 0 {
		<-f.wait
		return nil, -1, io.EOF
	}
	f.rows--
	return []float64{1}, -1, nil
}

func producingTo(t *testing.T, w messageWriter, f replay.Feed) *producing {
	t.Helper()
	enc, err := replay.NewEncoder("json", f.Channels(), "")
	if err != nil {
		t.Fatal(err)
	}
	return &producing{producer: w, feed: f, enc: enc, stamp: true}
}

// What came is written although nothing more comes, as from the end of a file that tail -f follows.
func TestProducedRecordsDoNotWaitForTheNext(t *testing.T) {
	topic, wait := &fakeTopic{}, make(chan struct{})
	p := producingTo(t, topic, &pausing{rows: 3, wait: wait})
	done := make(chan error, 1)
	go func() {
		_, err := p.run(context.Background(), &rejects{}, bar{})
		done <- err
	}()
	within(t, "the records", func() bool { topic.mu.Lock(); defer topic.mu.Unlock(); return len(topic.written) == 3 })
	close(wait)
	if err := <-done; err != nil || strings.Join(topic.written, " ") != `{"a":1} {"a":1} {"a":1}` {
		t.Errorf("%v: %q", err, topic.written)
	}
}

// awayTopic takes records and is away when they are to be written.
type awayTopic struct{ asked chan struct{} }

func (w awayTopic) Send(context.Context, ...kafka.Message) error { return nil }

func (w awayTopic) Flush(ctx context.Context) error {
	close(w.asked)
	<-ctx.Done()
	return ctx.Err()
}

// The end does not wait for ever for brokers that are away.
func TestProducingEndsWithoutBrokers(t *testing.T) {
	wait := make(chan struct{})
	defer close(wait)
	w := awayTopic{make(chan struct{})}
	p := producingTo(t, w, &pausing{rows: 1 << 30, wait: wait})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := p.run(ctx, &rejects{}, bar{})
		done <- err
	}()
	<-w.asked
	stop()
	select {
	case err := <-done:
		if err == nil {
			t.Error("records that were not written are no error")
		}
	case <-time.After(time.Minute):
		t.Fatal("still there a minute after the end")
	}
}
