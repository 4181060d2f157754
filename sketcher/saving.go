package sketcher

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"phasor/snapshot"
)

// pruneEvery is after how many saves old states are removed.
const pruneEvery = 4

// saveState belongs to the goroutine that saves.
type saveState struct {
	committed int64
	count     int
}

func (o *owner) saveLoop(ctx context.Context) {
	// Partitions that came together are not saved together: a thousand of them would ask the store at once, and then rest.
	tick := time.NewTicker(max(rand.N(o.s.cfg.Interval), 1))
	defer tick.Stop()
	for first := true; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if first {
				tick.Reset(o.s.cfg.Interval)
				first = false
			}
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

// save makes what was folded durable, and notes whether that worked.
func (o *owner) save(ctx context.Context) error {
	o.saving.Lock()
	defer o.saving.Unlock()
	o.saveBegan.now()
	defer o.saveBegan.clear()
	if err := o.trySave(ctx); err != nil {
		o.failures.Add(1)
		return err
	}
	o.failures.Store(0)
	return nil
}

// trySave cuts the fold and makes the cut durable: panes, state, live, commit.
func (o *owner) trySave(ctx context.Context) error {
	o.mu.Lock()
	if o.e.Unchanged(o.id, o.fold.Next()) && o.fold.Unsaved() == 0 {
		s := Save{Result: "skipped", Next: o.fold.Next(), Resident: o.fold.total.acc.Bytes()}
		o.mu.Unlock()
		o.report(s)
		err := o.sayLive(ctx, s.Next)
		o.commit(ctx, s.Next) // One that failed before is made up for, also if nothing comes any more.
		return err
	}
	cut := o.fold.Cut()
	o.mu.Unlock()

	began := time.Now()
	if n, err := o.write(ctx, cut); err != nil {
		o.mu.Lock()
		o.fold.Saved(cut.Panes[:n])
		o.fold.Uncut(cut.Panes[n:])
		o.mu.Unlock()
		o.report(Save{Result: "error", Took: time.Since(began)})
		return err
	}
	o.mu.Lock()
	o.fold.Saved(cut.Panes)
	o.mu.Unlock()
	s := Save{Result: "ok", Took: time.Since(began), Next: cut.State.Next, Records: cut.State.Count(),
		Panes: len(cut.Panes), Open: -1, Bytes: o.e.StateSize(o.id), Resident: cut.State.Sealed.Bytes()}
	for start := range cut.State.Open {
		s.Open = max(s.Open, start)
	}
	o.report(s)
	if o.saved.count++; o.saved.count%pruneEvery == 0 {
		if _, err := o.e.PruneStates(ctx, o.id, o.s.cfg.States); err != nil {
			o.log.Warn("old states could not be removed; they will be next time", "err", err)
		}
	}
	err := o.sayLive(ctx, s.Next)
	o.commit(ctx, s.Next) // Last, because a broker that is away takes all the time there is.
	return err
}

// write makes a cut durable and returns how many of its panes are.
func (o *owner) write(ctx context.Context, cut Cut) (panes int, err error) {
	if panes, err = o.s.savePanes(ctx, o.e, cut.Panes); err != nil {
		return panes, err
	}
	return panes, o.e.SaveState(ctx, cut.State)
}

// savePanes makes the panes of a cut durable, after what was rejected before it, and returns how many are.
func (s *Service) savePanes(ctx context.Context, e *snapshot.Epoch, panes []snapshot.Pane) (int, error) {
	if settle := s.cfg.Settle; settle != nil {
		if err := settle(ctx); err != nil {
			return 0, err
		}
	}
	for i := range panes {
		err := e.SavePane(ctx, &panes[i])
		if errors.Is(err, snapshot.ErrConflict) {
			s.cfg.Log.Error("a sealed pane exists with other bytes; the first stays", "topic", panes[i].Topic, "partition", panes[i].Partition, "err", err)
			continue
		}
		if err != nil {
			return i, err
		}
	}
	return len(panes), nil
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
