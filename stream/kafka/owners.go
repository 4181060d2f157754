package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"phasor/stream"
)

// own is what a Source calls for each partition.
type own = func(ctx context.Context, p stream.Partition) error

// owners runs one goroutine for each partition that is owned, and never two for one partition: a new one waits until the
// one before has returned.
type owners struct {
	c    *Client
	own  own
	fail context.CancelCauseFunc // Ends the whole Source with the error of one owner.
	wg   sync.WaitGroup

	mu   sync.Mutex
	last map[partitionKey]*owner
}

type partitionKey struct {
	topic     string
	partition int
}

type owner struct {
	id     stream.PartitionID
	cancel context.CancelFunc
	done   chan struct{}
}

func newOwners(c *Client, f own, fail context.CancelCauseFunc) *owners {
	return &owners{c: c, own: f, fail: fail, last: map[partitionKey]*owner{}}
}

// start runs own for a partition until ctx ends or the owner is stopped.
func (o *owners) start(ctx context.Context, p *partition) *owner {
	ctx, cancel := context.WithCancel(ctx)
	w := &owner{id: p.id, cancel: cancel, done: make(chan struct{})}
	key := partitionKey{p.id.Topic, p.id.Partition}
	o.mu.Lock()
	before := o.last[key]
	o.last[key] = w
	o.mu.Unlock()
	o.wg.Go(func() {
		defer close(w.done)
		defer cancel()
		if before != nil {
			<-before.done // It was cancelled already; this goroutine has nothing else to do.
		}
		if ctx.Err() != nil {
			return
		}
		if err := o.own(ctx, p); err != nil && !(ctx.Err() != nil && errors.Is(err, ctx.Err())) {
			o.fail(err)
		}
	})
	return w
}

// stop cancels all of ws, waits until they have returned but at most for the bound, and says who did and who did not.
func stop(ws []*owner, bound time.Duration) (returned, late []stream.PartitionID) {
	for _, w := range ws {
		w.cancel()
	}
	t := time.NewTimer(bound)
	defer t.Stop()
	expired := false
	for _, w := range ws {
		if !expired {
			select {
			case <-w.done:
			case <-t.C:
				expired = true
			}
		}
		select {
		case <-w.done:
			returned = append(returned, w.id)
		default:
			late = append(late, w.id)
		}
	}
	return returned, late
}
