package trainer

import (
	"context"
	"errors"
	"maps"
	"math"
	"sync"
	"time"

	"phasor/snapshot"
)

// states are the newest states of all partitions, and the listing that they were loaded by.
type states struct {
	newest map[snapshot.PartitionID]int64 // Next of the newest state that is listed, valid or not.
	loaded []*snapshot.State
	seen   map[snapshot.PartitionID]int64 // The largest Next that was ever loaded.
}

// records is the number of records ever folded.
func (s *states) records() (n int64) {
	for _, st := range s.loaded {
		n += st.Count()
	}
	return n
}

// look reads what is new in the store, scans the panes that have become complete, and begins a refit if one is due.
func (s *Service) look(ctx context.Context, fits *sync.WaitGroup) error {
	if err := s.openEpoch(ctx); err != nil || s.epoch == nil {
		return err
	}
	if err := s.follow(ctx); err != nil {
		return err
	}
	if err := s.loadStates(ctx); err != nil || len(s.states.loaded) == 0 {
		return err
	}
	if s.firstSeen.IsZero() {
		s.firstSeen = time.Now()
	}
	lives, err := s.epoch.LoadLives(ctx)
	if err != nil {
		return err
	}
	if s.monitor == nil {
		s.newMonitor()
	}
	f := frontierOf(s.states.loaded, lives, s.cutting, s.cfg.Idle)
	if err := s.readReference(ctx, f); err != nil {
		return err
	}
	if err := s.scan(ctx, f); err != nil {
		return err
	}
	s.prune(ctx, f)
	return s.maybeRefit(ctx, fits, lives, f)
}

// openEpoch opens the newest epoch. If it is another one than before, everything begins anew.
func (s *Service) openEpoch(ctx context.Context) error {
	numbers, err := s.cfg.Store.Epochs(ctx)
	if err != nil || len(numbers) == 0 {
		return err
	}
	newest := numbers[len(numbers)-1]
	if s.epoch != nil && s.epoch.Number == newest {
		return nil
	}
	e, err := s.cfg.Store.OpenEpoch(ctx, newest)
	if err != nil {
		return err
	}
	if s.epoch != nil {
		s.cfg.Log.Info("new epoch", "epoch", newest)
	}
	if s.running != nil {
		s.running.stop(errPointless)
	}
	s.epoch, s.generation, s.served, s.monitor, s.states = e, 0, nil, nil, states{}
	s.quiet, s.heldUntil, s.heldAt = 0, 0, time.Time{}
	s.fitted, s.lastFit, s.firstSeen, s.notBefore, s.answer, s.short = 0, time.Time{}, time.Time{}, time.Time{}, attempt{}, attempt{}
	s.mu.Lock()
	alarms := s.status.Drift.Alarms
	s.status.Records, s.status.Partitions, s.status.Version, s.status.Published, s.status.Evaluated = 0, 0, 0, time.Time{}, false
	s.status.Drift = noDrift(&s.cfg)
	s.status.Drift.Alarms = alarms
	drift := s.status.Drift
	s.mu.Unlock()
	if s.cfg.Hooks.Drift != nil {
		s.cfg.Hooks.Drift(drift, false)
	}
	return nil
}

// loadStates loads the newest states if the listing says that there are other ones than at the last look.
func (s *Service) loadStates(ctx context.Context) error {
	refs, err := s.epoch.ListStates(ctx)
	if err != nil {
		return err
	}
	newest := map[snapshot.PartitionID]int64{}
	for _, r := range refs {
		if n, ok := newest[r.PartitionID]; !ok || r.Next > n {
			newest[r.PartitionID] = r.Next
		}
	}
	if s.states.newest != nil && maps.Equal(newest, s.states.newest) {
		s.count("skipped", len(s.states.loaded))
		return nil
	}
	loaded, err := s.epoch.LoadStates(ctx)
	switch {
	case errors.Is(err, snapshot.ErrAllCorrupt):
		s.count("corrupt", 1)
	case errors.Is(err, snapshot.ErrMismatch):
		s.count("incompatible", 1)
	}
	if err != nil {
		return err
	}
	if len(loaded) > 0 {
		if s.cutting, err = cuttingOfAll(loaded); err != nil {
			s.count("incompatible", 1)
			return err
		}
	}
	s.observe(loaded, newest)
	return nil
}

// observe takes over and counts the states of a look.
func (s *Service) observe(loaded []*snapshot.State, newest map[snapshot.PartitionID]int64) {
	if s.states.seen == nil {
		s.states.seen = map[snapshot.PartitionID]int64{}
	}
	fresh, same, stale, corrupt := 0, 0, 0, 0
	for _, st := range loaded {
		seen, known := s.states.seen[st.PartitionID]
		switch {
		case !known || st.Next > seen:
			s.states.seen[st.PartitionID] = st.Next
			fresh++
		case st.Next == seen:
			same++
		default:
			stale++
		}
		if st.Next < newest[st.PartitionID] {
			corrupt++
		}
	}
	s.count("ok", fresh)
	s.count("skipped", same)
	s.count("stale", stale)
	s.count("corrupt", corrupt)
	s.states.loaded, s.states.newest = loaded, newest
	s.mu.Lock()
	s.status.Records, s.status.Partitions = s.states.records(), len(loaded)
	s.mu.Unlock()
}

func (s *Service) count(result string, n int) {
	if n > 0 && s.cfg.Hooks.Snapshots != nil {
		s.cfg.Hooks.Snapshots(result, n)
	}
}

// scan pushes the panes that have become complete since the last look. An alarm ends the fit that is running: it learns
// what the stream no longer is.
func (s *Service) scan(ctx context.Context, f frontier) error {
	from := int64(math.MinInt64)
	if s.monitor.pushed {
		from = s.monitor.last + s.cutting.length
	} else if s.monitor.since > 0 {
		from = s.monitor.since
	}
	if f.until <= from {
		return nil
	}
	err := eachInterval(ctx, s.epoch, from, f, s.cutting.length, func(p timedPane) error {
		latched := s.monitor.status.Alarm
		raised, err := s.monitor.push(p)
		if latched != nil && s.monitor.status.Alarm == nil && s.running != nil && s.running.answers {
			s.running.stop(errPointless) // It learns what has passed.
		}
		if raised {
			a := s.monitor.status.Alarm
			s.cfg.Log.Warn("drift", append([]any{"pane", time.UnixMilli(a.Pane).UTC(), "change", time.UnixMilli(a.Change).UTC()}, a.attributes()...)...)
			s.answer = attempt{}
			if s.running != nil {
				s.running.stop(errPointless)
			}
		}
		s.publishDrift(raised)
		return err
	})
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil // The next look lists anew.
	}
	return err
}

// publishDrift shows what the monitor says. It is called for each pane, so that a long catch-up shows as life.
func (s *Service) publishDrift(raised bool) {
	s.mu.Lock()
	s.status.Drift, s.beat = s.monitor.status, time.Now()
	s.mu.Unlock()
	if s.cfg.Hooks.Drift != nil {
		s.cfg.Hooks.Drift(s.monitor.status, raised)
	}
}

const (
	pruneEvery = 5 * time.Minute // Between two times that old objects are removed and old panes merged into longer ones,
	olderEvery = time.Hour       // and that the same is done in older epochs, where nothing new is written.
	pruneFor   = time.Minute     // Then it goes on the next time: meanwhile nobody looks at the store.
)

// prune keeps the store within its retention. It runs in the loop, so that no pane is merged away under a scan.
func (s *Service) prune(ctx context.Context, f frontier) {
	if time.Since(s.pruned) < pruneEvery {
		return
	}
	s.pruned = time.Now()
	limited, cancel := context.WithTimeout(ctx, pruneFor)
	defer cancel()
	retention := s.cfg.Retention
	retention.Held = s.held(f, s.pruned)
	_, err := s.epoch.Prune(limited, s.pruned, retention)
	if time.Since(s.prunedOlder) >= olderEvery {
		s.prunedOlder = s.pruned
		err = errors.Join(err, s.pruneOlder(limited))
	}
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("not all old objects could be removed; they will be next time", "err", err)
	}
}

// pruneOlder does the same in the epochs before this one: their past ends, too.
func (s *Service) pruneOlder(ctx context.Context) error {
	numbers, err := s.cfg.Store.Epochs(ctx)
	errs := []error{err}
	for _, n := range numbers {
		if n >= s.epoch.Number {
			break
		}
		e, err := s.cfg.Store.OpenEpoch(ctx, n)
		if err == nil {
			_, err = e.Prune(ctx, s.pruned, s.cfg.Retention)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
