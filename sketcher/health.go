package sketcher

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"phasor/stream"
)

const (
	// stuckAfter is how long a reading goroutine may show no sign of life: it comes by every second, whether there are
	// records or none, a broker or none, a store or none.
	stuckAfter = 2 * time.Minute
	// slowAfter is how long a partition may be taken over or saved, and the broker be silent, until the service is not
	// ready.
	slowAfter = 30 * time.Second
)

var processBegan = time.Now()

// stamp is a moment of the monotonic clock, which no correction of the host's clock moves. The zero value is none.
type stamp struct{ ns atomic.Int64 }

func (s *stamp) now()   { s.ns.Store(int64(time.Since(processBegan)) + 1) }
func (s *stamp) clear() { s.ns.Store(0) }

// age is the time since the moment, 0 if there is none.
func (s *stamp) age() time.Duration {
	if ns := s.ns.Load(); ns != 0 {
		return time.Since(processBegan) - time.Duration(ns-1)
	}
	return 0
}

// Live reports whether every owned partition's loop still goes round; a quiet stream, a broker or a store that is away
// does not stop it. Nothing but a new process helps where it fails.
func (s *Service) Live() error {
	for _, o := range s.owners.list() {
		if silent := o.beat.age(); silent > stuckAfter {
			return fmt.Errorf("sketcher: the loop of %s has shown no sign of life for %v: the process must be started anew", o.id, silent.Round(time.Second))
		}
	}
	return nil
}

// Ready reports whether the sketch is calibrated, the last save of every partition worked, and broker and store answer.
func (s *Service) Ready() error {
	if err := s.waiting.ready(); err != nil && s.pilotSize() == 0 {
		return err
	}
	if s.found() == nil {
		return fmt.Errorf("sketcher: no feature map yet: %d of %d pilot records", s.pilotSize(), s.cfg.Pilot)
	}
	if err := s.waiting.ready(); err != nil {
		return err
	}
	for _, o := range s.owners.list() {
		if n := o.failures.Load(); n > 0 {
			return fmt.Errorf("sketcher: the last %d saves of %s failed: look at the store", n, o.id)
		}
		if n := o.unprepared.Load(); n > 0 {
			return fmt.Errorf("sketcher: the schemas of records of %s could not be fetched %d times: look at the schema registry", o.id, n)
		}
		if slow := o.saveBegan.age(); slow > slowAfter {
			return fmt.Errorf("sketcher: a save of %s has been under way for %v: look at the store", o.id, slow.Round(time.Second))
		}
		if silent := o.heard.age(); silent > slowAfter {
			return fmt.Errorf("sketcher: nothing was heard of %s for %v: look at the broker", o.id, silent.Round(time.Second))
		}
	}
	return nil
}

func (s *Service) pilotSize() int {
	_, n := s.pilot.Vectors()
	return n
}

// takeovers are the partitions that are being taken over.
type takeovers struct {
	mu sync.Mutex
	m  map[stream.PartitionID]*takeover
}

type takeover struct {
	began    stamp
	failures atomic.Int64
}

func (t *takeovers) add(id stream.PartitionID) *takeover {
	w := new(takeover)
	w.began.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[id] = w
	return w
}

func (t *takeovers) remove(id stream.PartitionID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, id)
}

func (t *takeovers) ready() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, w := range t.m {
		if w.failures.Load() > 0 || w.began.age() > slowAfter {
			return fmt.Errorf("sketcher: %s cannot be taken over yet: it waits for the store or the broker; look at the log", id)
		}
	}
	return nil
}
