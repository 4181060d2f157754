package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"phasor/stream/kafka"
)

// fakeTopic is a topic that can be away, silent or refuse what it is given.
type fakeTopic struct {
	mu      sync.Mutex
	away    bool          // It cannot be opened.
	silent  chan struct{} // Not nil: writing ends when it is closed, or when the context does.
	refuses bool
	written []string
	opened  int
	sent    []string
}

func (f *fakeTopic) set(change func(*fakeTopic)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeTopic) open(context.Context, string) (messageWriter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	if f.away {
		return nil, errors.New("no such topic")
	}
	f.sent = nil
	return f, nil
}

func (f *fakeTopic) Send(_ context.Context, messages ...kafka.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range messages {
		f.sent = append(f.sent, string(m.Value))
	}
	return nil
}

func (f *fakeTopic) Flush(ctx context.Context) error {
	f.mu.Lock()
	silent := f.silent
	f.mu.Unlock()
	if silent != nil {
		select {
		case <-silent:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	sent := f.sent
	f.sent = nil
	if f.refuses {
		return errors.New("not allowed")
	}
	f.written = append(f.written, sent...)
	return nil
}

// results counts what became of messages.
type results struct {
	mu sync.Mutex
	m  map[string]int
}

func (r *results) told(result string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		r.m = map[string]int{}
	}
	r.m[result]++
}

func (r *results) count(result string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.m[result]
}

// startOutlet runs an outlet until the test ends.
func startOutlet(t *testing.T, f *fakeTopic) *outlet {
	t.Helper()
	o := newOutlet(nil, "letters", slog.New(slog.DiscardHandler))
	o.open, o.retry = f.open, time.Millisecond
	ctx, stop := context.WithCancel(context.Background())
	go o.run(ctx)
	t.Cleanup(func() { o.close(stop); stop() })
	return o
}

func text(s string) kafka.Message { return kafka.Message{Value: []byte(s)} }

// heavy is a message of which 16 find room.
func heavy() kafka.Message { return kafka.Message{Value: make([]byte, outletLargest)} }

func TestOutletWritesInOrderAndSettles(t *testing.T) {
	f, r := &fakeTopic{away: true}, &results{}
	o := startOutlet(t, f)
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
		o.offer(text(want[i]), r.told)
	}
	within(t, "a few tries", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.opened > 3 })
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := o.settle(brief); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("settled although nothing is written: %v", err)
	}
	f.set(func(f *fakeTopic) { f.away = false })
	if err := o.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.written, want) || r.count("ok") != 100 {
		t.Errorf("written %v, told %v", f.written, r.m)
	}
}

// What a topic refuses is an error and is left; the next messages are written.
func TestOutletLeavesWhatIsRefused(t *testing.T) {
	f, r := &fakeTopic{refuses: true}, &results{}
	o := startOutlet(t, f)
	o.offer(text("a"), r.told)
	if err := o.settle(t.Context()); err != nil || r.count("error") != 1 {
		t.Fatalf("%v, told %v", err, r.m)
	}
	f.set(func(f *fakeTopic) { f.refuses = false })
	o.offer(text("b"), r.told)
	if err := o.settle(t.Context()); err != nil || r.count("ok") != 1 || !slices.Equal(f.written, []string{"b"}) {
		t.Errorf("%v, told %v, written %v", err, r.m, f.written)
	}
}

// A topic that is not there, or does not answer, is given up after a while, so that states do not wait for ever.
func TestOutletIsNotPatientForEver(t *testing.T) {
	for name, f := range map[string]*fakeTopic{"away": {away: true}, "silent": {silent: make(chan struct{})}} {
		t.Run(name, func(t *testing.T) {
			r := &results{}
			o := startOutlet(t, f)
			o.patience = 50 * time.Millisecond
			o.offer(text("a"), r.told)
			if err := o.settle(t.Context()); err != nil || r.count("ok") != 0 || r.count("error")+r.count("dropped") != 1 {
				t.Errorf("%v, told %v", err, r.m)
			}
		})
	}
}

// A full queue drops what is offered at once, and lets a put wait; a topic that takes nothing is waited for once.
func TestOutletIsBounded(t *testing.T) {
	f, r := &fakeTopic{silent: make(chan struct{})}, &results{}
	o := startOutlet(t, f)
	o.room = 50 * time.Millisecond
	o.offer(kafka.Message{Value: make([]byte, outletLargest+1)}, r.told)
	if r.count("dropped") != 1 {
		t.Error("a message larger than a batch was queued")
	}
	for range 40 {
		o.offer(heavy(), r.told)
	}
	if n := r.count("dropped"); n < 20 || n > 24 { // 18 of 900 KiB are in 16 MiB, and one or two are being written.
		t.Errorf("%d of 41 dropped", n)
	}
	dropped := r.count("dropped")
	began := time.Now()
	o.put(heavy(), r.told)
	if time.Since(began) < o.room || r.count("dropped") != dropped+1 {
		t.Error("put did not wait for room")
	}
	o.room = time.Hour
	o.put(heavy(), r.told) // Returns at once, for nothing was written since.
	if r.count("dropped") != dropped+2 {
		t.Errorf("told %v", r.m)
	}
	close(f.silent)
	if err := o.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 100 { // There is room again as fast as it is written.
		o.put(heavy(), r.told)
	}
	if err := o.settle(t.Context()); err != nil || r.count("dropped") != dropped+2 {
		t.Errorf("%v, told %v", err, r.m)
	}
}

// At the end the queue is written, and after that nothing is taken.
func TestOutletEndsEmpty(t *testing.T) {
	f, r := &fakeTopic{silent: make(chan struct{})}, &results{}
	o := newOutlet(nil, "letters", slog.New(slog.DiscardHandler))
	o.open = f.open
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go o.run(ctx)
	for range 10 {
		o.offer(text("a"), r.told)
	}
	time.AfterFunc(20*time.Millisecond, func() { close(f.silent) })
	o.close(stop)
	o.offer(text("b"), r.told)
	o.put(text("b"), r.told)
	if r.count("ok") != 10 || r.count("dropped") != 2 {
		t.Errorf("told %v", r.m)
	}
}
