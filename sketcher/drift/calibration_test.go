package drift

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"phasor/sketcher/drift/streams"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// trial is what a scan of a stream without a change gave.
type trial struct {
	panes   int // until the alarm, or all
	alarm   bool
	group   Group
	window  int
	refused bool
}

// scanQuiet scans streams without a change, each against a reference of its own, until
// their first alarm. size gives the records of pane i.
func scanQuiet(t *testing.T, m *feature.Map, source func(seed uint64) *process, runs, reference, length int, size func(i int) int, groups []Group, seed uint64) []trial {
	t.Helper()
	out := make([]trial, runs)
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for r := range runs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			free <- struct{}{}
			defer func() { <-free }()
			p := source(seed + uint64(r) + 1)
			var past []*sketch.Accumulator
			for i := range reference {
				past = append(past, pane(t, m, p.records(size(i), nil)))
			}
			ref, err := NewReference(NewProjection(m, groups...), past, Options{ARL: 1000, Seed: uint64(r), Simulations: simulations()})
			if errors.Is(err, ErrNotEnoughHistory) {
				out[r].refused = true
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			s := NewScan(ref)
			for i := range length {
				res := s.Push(pane(t, m, p.records(size(reference+i), nil)))
				out[r].panes++
				if res.Alarm {
					out[r].alarm, out[r].group, out[r].window = true, res.Group, res.Window
					break
				}
			}
		}()
	}
	wg.Wait()
	return out
}

// simulations is fewer than the default where many references are made.
func simulations() int {
	if long() {
		return 300
	}
	return 100
}

func summary(tr []trial) (rate float64, text string) {
	var panes, alarms, refused int
	cells := map[string]int{}
	for _, r := range tr {
		panes += r.panes
		if r.alarm {
			alarms++
			cells[fmt.Sprintf("%v/%d", r.group, r.window)]++
		}
		if r.refused {
			refused++
		}
	}
	var keys []string
	for k := range cells {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cells[b] - cells[a] })
	if len(keys) > 6 {
		keys = keys[:6]
	}
	rate = 1000 * float64(alarms) / float64(panes)
	text = fmt.Sprintf("%d alarms in %d panes, %.2f per 1,000, %d references refused; first", alarms, panes, rate, refused)
	for _, k := range keys {
		text += fmt.Sprintf(" %s:%d", k, cells[k])
	}
	return rate, text
}

// A stream without a change must not raise much more than the one alarm in 1,000 panes
// that was asked for, however strongly its records depend on each other.
func TestFalseAlarms(t *testing.T) {
	runs, length := 3, 250
	if long() {
		runs, length = 60, 1000
	}
	sets := [][]Group{DefaultGroups()}
	if long() {
		sets = append(sets, []Group{GroupS, GroupCM, GroupCV})
	}
	for _, rho := range []float64{0, .5, .9} {
		seed := uint64(1000 + 100*rho)
		m := streamMap(t, rho)
		for _, groups := range sets {
			tr := scanQuiet(t, m, func(seed uint64) *process { return newProcess(rho, seed) }, runs, 200, length, func(int) int { return 64 }, groups, seed)
			rate, text := summary(tr)
			t.Logf("seed %d, dependence %v, groups %v: %s", seed, rho, groups, text)
			if limit := map[bool]float64{false: 6, true: 2}[long()]; rate > limit {
				t.Errorf("dependence %v: %.2f false alarms per 1,000 panes where 1 was asked for", rho, rate)
			}
		}
	}
}

// Streams that break simpler tests: short references, long and mixed memory, heavy
// tails, few values. Long runs only; the limits are what was measured with some room.
func TestFalseAlarmsOfHardStreams(t *testing.T) {
	if !long() {
		t.Skip("long run only: set PHASOR_LONG=1")
	}
	for i, c := range []struct {
		name      string
		reference int
		limit     float64
		source    func(seed uint64) *process
	}{
		{"reference of 30 panes", 30, 3, func(s uint64) *process { return newProcess(0, s) }},
		{"dependence .5, reference of 50 panes", 50, 3, func(s uint64) *process { return newProcess(.5, s) }},
		{"dependence .98, reference of 400 panes", 400, 3, func(s uint64) *process { return newProcess(.98, s) }},
		{"dependence from 0 to .98", 400, 5, func(s uint64) *process { return newStream(streams.Mixed, s) }},
		{"Student's t with 3 degrees of freedom", 200, 5, func(s uint64) *process { return newStream(streams.Heavy, s) }},
	} {
		seed := uint64(7000 + 100*i)
		m := newMap(t, c.source(seed).records(10_000, nil), 1)
		rate, text := summary(scanQuiet(t, m, c.source, 30, c.reference, 1000, func(int) int { return 64 }, nil, seed))
		t.Logf("seed %d, %s: %s", seed, c.name, text)
		if rate > c.limit {
			t.Errorf("%s: %.2f false alarms per 1,000 panes where 1 was asked for", c.name, rate)
		}
	}
}
