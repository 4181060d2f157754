package sketcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"phasor/snapshot"
	"phasor/stream"
	"phasor/stream/decode"
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
	beat          stamp         // When the reading goroutine came by last.
	heard         stamp         // When the broker said something last.
	saveBegan     stamp         // When the save under way began; zero: none is.
	failures      atomic.Int64  // Saves that failed since the last that worked.
	unprepared    atomic.Int64  // Attempts to fetch what records need that failed since the last that worked.
	full          chan struct{} // Capacity 1: sealed panes wait, save now.
	room          chan struct{} // Capacity 1: a save has ended.
	saved         saveState
	rejects       *rejectLog
}

func newOwner(s *Service, e *snapshot.Epoch, p stream.Partition, f *Fold, log *slog.Logger) *owner {
	o := &owner{s: s, e: e, p: p, id: snapshot.PartitionID(p.ID()), log: log, fold: f,
		full: make(chan struct{}, 1), room: make(chan struct{}, 1), saved: saveState{committed: -1}, rejects: newRejectLog(log, &s.rejects)}
	f.MaxUnsaved = s.cfg.MaxUnsaved
	h := s.cfg.Hooks
	f.OnReject = func(r *stream.Record, reason decode.Reason) {
		o.rejects.add(r, reason)
		if h.Reject != nil {
			h.Reject(p.ID(), r, reason)
		}
	}
	if h.Record != nil {
		f.OnRecord = func(r *stream.Record, x []float64) { h.Record(p.ID(), r, x) }
	}
	o.beat.now()
	o.heard.now()
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
		if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errGone) {
			o.log.Warn(serr.Error())
		} else {
			err = errors.Join(err, serr)
		}
	}
	return err
}

func (o *owner) bridge(ctx context.Context, err error) error {
	o.saving.Lock()
	defer o.saving.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.failures.Store(0)
	return o.s.bridge(ctx, o.e, o.fold, o.p, err, func(error) {
		o.failures.Add(1)
		o.beat.now()
		o.heard.now() // The silence is ours.
	})
}

func (o *owner) wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
