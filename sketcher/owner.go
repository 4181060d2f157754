package sketcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"phasor/snapshot"
	"phasor/stream"
)

// owner folds one partition and saves it: one goroutine reads and folds, one writes.
type owner struct {
	s   *Service
	e   *snapshot.Epoch
	p   stream.Partition
	id  snapshot.PartitionID
	log *slog.Logger

	saving sync.Mutex // Held from a cut until it is durable or given back; taken before mu.
	mu     sync.Mutex // Guards fold; held for one batch or one cut.
	fold   *Fold

	highWatermark atomic.Int64
	caughtUp      atomic.Int64  // Unix milliseconds since when next is the high watermark; 0: it is not.
	beat          atomic.Int64  // Unix nanoseconds of the last return of Read, for liveness.
	failures      atomic.Int64  // Saves that failed since the last that worked.
	full          chan struct{} // Capacity 1: sealed panes wait, save now.
	room          chan struct{} // Capacity 1: a save has ended.
	saved         saveState
	rejects       *rejectLog
}

// pruneEvery is after how many saves old states are removed.
const pruneEvery = 4

// saveState belongs to the goroutine that saves.
type saveState struct {
	committed int64
	count     int
}

func newOwner(s *Service, e *snapshot.Epoch, p stream.Partition, f *Fold, log *slog.Logger) *owner {
	o := &owner{s: s, e: e, p: p, id: snapshot.PartitionID(p.ID()), log: log, fold: f,
		full: make(chan struct{}, 1), room: make(chan struct{}, 1), saved: saveState{committed: -1}, rejects: newRejectLog(log)}
	f.OnReject = o.rejects.add
	o.beat.Store(time.Now().UnixNano())
	return o
}

// run folds until ctx ends or reading fails, and then saves once more.
func (o *owner) run(ctx context.Context) error {
	saving, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.saveLoop(saving)
	}()
	err := o.read(ctx)
	stop()
	<-done
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.s.cfg.SaveTimeout)
	defer cancel()
	if serr := o.save(last); serr != nil {
		serr = fmt.Errorf("sketcher: %s: the last save failed, its records will be folded again by the next owner: %w", o.id, serr)
		if err == nil || errors.Is(err, context.Canceled) {
			o.log.Warn(serr.Error())
		} else {
			err = errors.Join(err, serr)
		}
	}
	return err
}

func (o *owner) read(ctx context.Context) error {
	for {
		r := o.p.Read(o.fold.Next())
		err := o.readFrom(ctx, r)
		r.Close()
		var pos *stream.PositionError
		if !errors.As(err, &pos) {
			return err
		}
		if err := o.bridge(ctx, err); err != nil {
			return err
		}
	}
}

func (o *owner) bridge(ctx context.Context, err error) error {
	o.saving.Lock()
	defer o.saving.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.s.bridge(ctx, o.e, o.fold, o.p, err)
}

func (o *owner) readFrom(ctx context.Context, r stream.Reader) error {
	for {
		b, err := r.Read(ctx)
		o.beat.Store(time.Now().UnixNano())
		if err != nil {
			return err
		}
		unsaved := o.foldBatch(b)
		for unsaved >= o.s.cfg.MaxUnsaved {
			o.wake(o.full)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-o.room:
			}
			o.beat.Store(time.Now().UnixNano())
			o.mu.Lock()
			unsaved = o.fold.Unsaved()
			o.mu.Unlock()
		}
	}
}

// foldBatch folds b and returns the number of sealed panes that wait to be written.
func (o *owner) foldBatch(b stream.Batch) int {
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
	return o.fold.Unsaved()
}

func (o *owner) wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (o *owner) saveLoop(ctx context.Context) {
	tick := time.NewTicker(o.s.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-o.full:
		}
		err := o.save(ctx)
		o.wake(o.room)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		o.log.Warn("the partition could not be saved; folding goes on and the next save will catch up", "err", err, "failures", o.failures.Load())
		select { // A store that fails is not asked again at once, however many panes wait.
		case <-ctx.Done():
			return
		case <-time.After(min(o.s.cfg.Interval, time.Second)):
		}
	}
}

// save cuts the fold and makes the cut durable: panes, state, commit, live.
func (o *owner) save(ctx context.Context) error {
	o.saving.Lock()
	defer o.saving.Unlock()
	o.mu.Lock()
	if o.e.Unchanged(o.id, o.fold.Next()) && o.fold.Unsaved() == 0 {
		s := Save{Result: "skipped", Next: o.fold.Next(), Resident: o.fold.total.acc.Bytes()}
		o.mu.Unlock()
		o.report(s)
		return o.sayLive(ctx, s.Next)
	}
	cut := o.fold.Cut()
	o.mu.Unlock()

	began := time.Now()
	if n, err := o.write(ctx, cut); err != nil {
		o.mu.Lock()
		o.fold.Saved(cut.Panes[:n])
		o.fold.Uncut(cut.Panes[n:])
		o.mu.Unlock()
		o.failures.Add(1)
		o.report(Save{Result: "error", Took: time.Since(began)})
		return err
	}
	o.failures.Store(0)
	o.mu.Lock()
	o.fold.Saved(cut.Panes)
	o.mu.Unlock()
	s := Save{Result: "ok", Took: time.Since(began), Next: cut.State.Next, Records: cut.State.Count(),
		Panes: len(cut.Panes), Open: -1, Bytes: o.e.StateSize(o.id), Resident: cut.State.Sealed.Bytes()}
	for start := range cut.State.Open {
		s.Open = max(s.Open, start)
	}
	o.report(s)
	o.commit(ctx, s.Next)
	if o.saved.count++; o.saved.count%pruneEvery == 0 {
		if _, err := o.e.PruneStates(ctx, o.id, o.s.cfg.States); err != nil {
			o.log.Warn("old states could not be removed; they will be next time", "err", err)
		}
	}
	return o.sayLive(ctx, s.Next)
}

// write makes a cut durable and returns how many of its panes are.
func (o *owner) write(ctx context.Context, cut Cut) (panes int, err error) {
	for i := range cut.Panes {
		err := o.e.SavePane(ctx, &cut.Panes[i])
		if errors.Is(err, snapshot.ErrConflict) {
			o.log.Error("a sealed pane exists with other bytes; the first stays", "err", err)
			continue
		}
		if err != nil {
			return i, err
		}
	}
	return len(cut.Panes), o.e.SaveState(ctx, cut.State)
}

func (o *owner) report(s Save) {
	if h := o.s.cfg.Hooks.Saved; h != nil {
		h(o.p.ID(), s)
	}
}

// commit tells the group what is durable. Nobody resumes from it, so a failure is only logged.
func (o *owner) commit(ctx context.Context, next int64) {
	if next == o.saved.committed {
		return
	}
	if err := o.p.Commit(ctx, next); err != nil {
		o.log.Debug("advisory commit failed", "offset", next, "err", err)
		return
	}
	o.saved.committed = next
}

// sayLive tells readers of the store how far the partition is behind, which no state can say.
func (o *owner) sayLive(ctx context.Context, next int64) error {
	l := snapshot.Live{Next: next, HighWatermark: o.highWatermark.Load(), CaughtUp: o.caughtUp.Load(), Time: time.Now().UnixMilli()}
	if next < l.HighWatermark {
		l.CaughtUp = 0
	}
	return o.e.SaveLive(ctx, o.id, l)
}
