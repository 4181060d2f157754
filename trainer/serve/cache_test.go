package serve

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"phasor/trainer/inverse"
)

type nothing struct{}

func (nothing) Solve([]float64) inverse.Answer { return inverse.Answer{} }

func TestCacheKeepsWhatWasUsedLast(t *testing.T) {
	c := newCache(10 * 100)
	made := map[string]int{}
	get := func(key string) {
		t.Helper()
		if _, err := c.get(key, 98, func() (inverse.Solver, error) { made[key]++; return nothing{}, nil }); err != nil {
			t.Error(err)
		}
	}
	for i := range 50 {
		get(fmt.Sprintf("%02d", i))
		get("00")
	}
	if made["00"] != 1 || c.order.Len() != 10 || c.size != 1000 || len(c.byKey) != 10 {
		t.Errorf("made %v, %d kept of size %d", made, c.order.Len(), c.size)
	}
	get("49")
	get("02")
	if made["49"] != 1 || made["02"] != 2 {
		t.Errorf("made %v", made)
	}
	// One that is larger than all is used and is the only one.
	if _, err := c.get("huge", 1e6, func() (inverse.Solver, error) { return nothing{}, nil }); err != nil || c.order.Len() != 1 {
		t.Errorf("%v, %d kept", err, c.order.Len())
	}
	get("00")
	if c.order.Len() != 1 || c.size != 100 {
		t.Errorf("%d kept of size %d", c.order.Len(), c.size)
	}
}

func TestCachePreparesOnce(t *testing.T) {
	c := newCache(1000)
	var made atomic.Int32
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			<-begin
			s, err := c.get("k", 1, func() (inverse.Solver, error) { made.Add(1); return nothing{}, nil })
			if s == nil || err != nil {
				t.Error(s, err)
			}
		})
	}
	close(begin)
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("prepared %d times", made.Load())
	}
}

func TestCacheForgetsFailures(t *testing.T) {
	c := newCache(1000)
	away := errors.New("no")
	if _, err := c.get("k", 1, func() (inverse.Solver, error) { return nil, away }); err != away || c.size != 0 {
		t.Errorf("%v, size %d", err, c.size)
	}
	func() {
		defer func() { recover() }()
		c.get("k", 1, func() (inverse.Solver, error) { panic("no") })
	}()
	if s, err := c.get("k", 1, func() (inverse.Solver, error) { return nothing{}, nil }); err == nil && s == nil {
		t.Error("a solver that is none")
	}
	if s, err := c.get("k", 1, func() (inverse.Solver, error) { return nothing{}, nil }); err != nil || s == nil {
		t.Errorf("%v, %v", s, err)
	}
}
