package sketcher

import (
	"context"
	"errors"
	"time"

	"phasor/stream"
)

// pulse is how often a reading goroutine that waits for records shows that it is not stuck.
const pulse = time.Second

// errSilent ends a reader that has heard nothing for too long.
var errSilent = errors.New("sketcher: silent reader")

func (o *owner) read(ctx context.Context) error {
	for {
		r := o.p.Read(o.fold.Next())
		err := o.readFrom(ctx, r)
		r.Close()
		if errors.Is(err, errSilent) {
			continue
		}
		var pos *stream.PositionError
		if !errors.As(err, &pos) {
			return err
		}
		if err := o.bridge(ctx, err); err != nil {
			return err
		}
	}
}

func (o *owner) readFrom(ctx context.Context, r stream.Reader) error {
	for {
		b, quiet, err := o.readOnce(ctx, r)
		o.beat.now()
		if quiet {
			if silent := o.heard.age(); silent > o.s.cfg.Stall {
				o.heard.now()
				o.log.Warn("nothing was heard from the broker; the reader is opened anew", "offset", o.fold.Next(), "silent", silent.Round(time.Second))
				if h := o.s.cfg.Hooks.Restarted; h != nil {
					h(o.p.ID())
				}
				return errSilent
			}
			continue
		}
		o.heard.now()
		if err != nil {
			return err
		}
		if err := o.prepare(ctx, b.Records); err != nil {
			return err
		}
		for left := -1; left != 0; {
			if left > 0 {
				b.Records = b.Records[len(b.Records)-left:]
			}
			var unsaved int
			unsaved, left = o.foldBatch(b)
			if err := o.awaitRoom(ctx, unsaved); err != nil {
				return err
			}
		}
	}
}

// readOnce reads for at most one pulse; quiet says that it ended so.
func (o *owner) readOnce(ctx context.Context, r stream.Reader) (b stream.Batch, quiet bool, err error) {
	limited, cancel := context.WithTimeout(ctx, pulse)
	defer cancel()
	b, err = r.Read(limited)
	return b, ctx.Err() == nil && limited.Err() != nil && errors.Is(err, context.DeadlineExceeded), err
}

// awaitRoom waits until fewer sealed panes wait for the store than may.
func (o *owner) awaitRoom(ctx context.Context, unsaved int) error {
	if unsaved < o.s.cfg.MaxUnsaved {
		return nil
	}
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	for unsaved >= o.s.cfg.MaxUnsaved {
		o.wake(o.full)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.room:
		case <-tick.C:
		}
		o.beat.now()
		o.heard.now() // The silence is ours.
		o.mu.Lock()
		unsaved = o.fold.Unsaved()
		o.mu.Unlock()
	}
	return nil
}

// foldBatch folds b, or what MaxUnsaved allows. It returns the number of sealed panes that wait to be written and of
// records that are left.
func (o *owner) foldBatch(b stream.Batch) (unsaved, left int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	began := time.Now()
	c := o.fold.Batch(b)
	o.highWatermark.Store(b.HighWatermark)
	if o.fold.Next() < b.HighWatermark {
		o.caughtUp.Store(0)
	} else if c.Records > 0 || o.caughtUp.Load() == 0 {
		o.caughtUp.Store(began.UnixMilli())
	}
	h := &o.s.cfg.Hooks
	if h.Folded != nil && c.Records > 0 {
		h.Folded(o.p.ID(), c, time.Since(began))
	}
	if h.Position != nil {
		h.Position(o.p.ID(), o.fold.Next(), b.HighWatermark)
	}
	return o.fold.Unsaved(), c.Left
}
