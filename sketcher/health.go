package sketcher

import (
	"fmt"
	"time"
)

// stuckAfter is how long a reading goroutine may be silent: it returns from every read within a second or so, even from
// one of a quiet stream.
const stuckAfter = 2 * time.Minute

// Live reports whether every owned partition still reads; a quiet stream is live.
func (s *Service) Live() error {
	for _, o := range s.owners.list() {
		if silent := time.Since(time.Unix(0, o.beat.Load())); silent > stuckAfter {
			return fmt.Errorf("sketcher: %s has not returned from reading for %v", o.id, silent.Round(time.Second))
		}
	}
	return nil
}

// Ready reports whether the sketch is calibrated and the last save of every partition worked.
func (s *Service) Ready() error {
	s.mu.Lock()
	calibrated := s.epoch != nil
	s.mu.Unlock()
	if !calibrated {
		return fmt.Errorf("sketcher: no feature map yet: %d of %d pilot records", s.pilotSize(), s.cfg.Pilot)
	}
	if n := s.waiting.Load(); n > 0 {
		return fmt.Errorf("sketcher: %d partitions wait for the store or the broker: look at the log", n)
	}
	for _, o := range s.owners.list() {
		if n := o.failures.Load(); n > 0 {
			return fmt.Errorf("sketcher: the last %d saves of %s failed: look at the store", n, o.id)
		}
	}
	return nil
}

func (s *Service) pilotSize() int {
	_, n := s.pilot.Vectors()
	return n
}
