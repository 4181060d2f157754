package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"phasor/stream/kafka"
)

const (
	outletRecords  = 4096      // That wait for a topic.
	outletBytes    = 16 << 20  // The same, with keys and headers.
	outletLargest  = 900 << 10 // A broker takes batches of 1 MiB unless it is told otherwise.
	outletPatience = time.Minute
	outletRoom     = 2 * time.Second
	outletGrace    = 5 * time.Second
)

// outlet writes messages to a topic beside the stream, from a queue of bounded length and size. A message whose topic does
// not take it for a minute is given up, so that nothing waits for ever; what becomes of each is told once.
type outlet struct {
	topic    string
	open     func(ctx context.Context, topic string) (messageWriter, error)
	retry    time.Duration
	patience time.Duration // That a message waits for its topic.
	room     time.Duration // That put waits for room.
	log      *slog.Logger
	done     chan struct{}

	mu      sync.Mutex
	queue   []outgoing
	bytes   int
	queued  uint64        // Messages that were ever queued,
	settled uint64        // and those of them of which was told what became of them: always the oldest.
	change  chan struct{} // Closed, and made anew, when settled changes.
	stuck   bool          // Put waited in vain, and nothing was written since.
	warned  time.Time
	more    chan struct{} // Capacity 1: the queue is not empty, or closed.
	closed  bool
}

// messageWriter is the part of a kafka.Producer that an outlet needs.
type messageWriter interface {
	Send(ctx context.Context, messages ...kafka.Message) error
	Flush(ctx context.Context) error
}

// outgoing is a message and who wants to know what became of it: ok, error or dropped.
type outgoing struct {
	m    kafka.Message
	told func(result string)
	at   time.Time
}

func (o outgoing) size() int {
	n := len(o.m.Key) + len(o.m.Value)
	for _, h := range o.m.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

func newOutlet(c *kafka.Client, topic string, log *slog.Logger) *outlet {
	return &outlet{topic: topic, retry: 5 * time.Second, patience: outletPatience, room: outletRoom, log: log.With("topic", topic),
		more: make(chan struct{}, 1), done: make(chan struct{}), change: make(chan struct{}),
		open: func(ctx context.Context, topic string) (messageWriter, error) {
			return c.Producer(ctx, topic, kafka.ProducerConfig{})
		}}
}

// offer queues a message, whose bytes must stay as they are. It never waits: what finds no room is dropped.
func (o *outlet) offer(m kafka.Message, told func(result string)) {
	if fits, _ := o.add(outgoing{m, told, time.Now()}); !fits {
		o.refuse(told)
	}
}

// put queues a message like offer, but waits a little for room, so that a burst slows down who puts instead of being lost.
// A topic that has taken nothing meanwhile is not waited for again before it takes something.
func (o *outlet) put(m kafka.Message, told func(result string)) {
	out := outgoing{m, told, time.Now()}
	fits, change := o.add(out)
	if !fits && change != nil {
		t := time.NewTimer(o.room)
		defer t.Stop()
		for !fits && change != nil {
			select {
			case <-change:
				fits, change = o.add(out)
			case <-t.C:
				o.mu.Lock()
				o.stuck = true
				o.mu.Unlock()
				change = nil
			}
		}
	}
	if !fits {
		o.refuse(told)
	}
}

// add queues a message that finds room. If it does not, the channel is closed when there may be some; nil: do not wait.
func (o *outlet) add(out outgoing) (fits bool, change <-chan struct{}) {
	size := out.size()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed || size > outletLargest:
		return false, nil
	case len(o.queue) >= outletRecords || o.bytes+size > outletBytes:
		if o.stuck {
			return false, nil
		}
		return false, o.change
	}
	o.queue, o.bytes, o.queued = append(o.queue, out), o.bytes+size, o.queued+1
	o.wake()
	return true, nil
}

func (o *outlet) refuse(told func(result string)) {
	o.mu.Lock()
	warn := time.Since(o.warned) >= time.Minute
	if warn {
		o.warned = time.Now()
	}
	waiting := len(o.queue)
	o.mu.Unlock()
	if warn {
		o.log.Warn("records are not written to the topic: they are too large for it, or it takes too few", "waiting", waiting)
	}
	told("dropped")
}

// settle returns when it is known of every message that was queued before what became of it.
func (o *outlet) settle(ctx context.Context) error {
	o.mu.Lock()
	until := o.queued
	o.mu.Unlock()
	for {
		o.mu.Lock()
		done, change := o.settled >= until, o.change
		o.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return fmt.Errorf("records wait to be written to the topic %s: %w", o.topic, ctx.Err())
		}
	}
}

func (o *outlet) wake() {
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// take returns what waits, up to one batch, and whether anything can still come.
func (o *outlet) take() (batch []outgoing, open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := 0
	for len(batch) < len(o.queue) && (len(batch) == 0 || size+o.queue[len(batch)].size() <= outletLargest/2) {
		size += o.queue[len(batch)].size()
		batch = o.queue[:len(batch)+1]
	}
	o.queue = o.queue[len(batch):]
	if len(o.queue) == 0 {
		o.queue = nil
	}
	o.bytes -= size
	return batch, !o.closed
}

// run writes until close is called and the queue is empty, or ctx ends. A topic that is absent and a broker that is away
// are waited for; what a broker refuses for good is counted as an error, and left.
func (o *outlet) run(ctx context.Context) {
	defer close(o.done)
	var w messageWriter
	for ctx.Err() == nil {
		batch, open := o.take()
		if len(batch) == 0 {
			if !open {
				return
			}
			select {
			case <-ctx.Done():
			case <-o.more:
			}
			continue
		}
		w = o.write(ctx, w, batch)
	}
	o.drop()
}

// write writes a batch with w, or with a writer that it opens, and returns the writer for the next one.
func (o *outlet) write(ctx context.Context, w messageWriter, batch []outgoing) messageWriter {
	ctx, cancel := context.WithDeadline(ctx, batch[0].at.Add(o.patience))
	defer cancel()
	for w == nil {
		var err error
		if w, err = o.open(ctx, o.topic); err == nil {
			break
		}
		w = nil
		o.log.Warn("the topic cannot be written; records for it wait", "err", err, "again_in", o.retry, "given_up_after", o.patience)
		select {
		case <-ctx.Done():
			o.tell(batch, "dropped")
			return nil
		case <-time.After(o.retry):
		}
	}
	err := writeAll(ctx, w, batch)
	if err != nil {
		o.log.Warn("records were not written to the topic", "records", len(batch), "err", err)
		o.tell(batch, "error")
		return nil // The number of partitions may have changed.
	}
	o.tell(batch, "ok")
	return w
}

func writeAll(ctx context.Context, w messageWriter, batch []outgoing) error {
	for _, out := range batch {
		if err := w.Send(ctx, out.m); err != nil {
			return err
		}
	}
	return w.Flush(ctx)
}

// tell says what became of the oldest messages.
func (o *outlet) tell(batch []outgoing, result string) {
	for _, out := range batch {
		out.told(result)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settled += uint64(len(batch))
	if result == "ok" {
		o.stuck = false
	}
	close(o.change)
	o.change = make(chan struct{})
}

// drop gives up what waits.
func (o *outlet) drop() {
	o.mu.Lock()
	batch := o.queue
	o.queue, o.bytes, o.closed = nil, 0, true
	o.mu.Unlock()
	o.tell(batch, "dropped")
}

// close ends run when all is written, or after a grace that stop then cuts short. Nothing is queued after it.
func (o *outlet) close(stop context.CancelFunc) {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.wake()
	select {
	case <-o.done:
	case <-time.After(outletGrace):
		stop()
		<-o.done
	}
}
