package drift

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"

	"phasor/sketcher/drift/streams"
	"phasor/sketcher/sketch"
)

// sampled returns n records of a process, each the last of so many.
func (p *process) sampled(n, every int, f func(x *[channels]float64)) []float64 {
	out := make([]float64, 0, n*channels)
	for range n {
		p.records(every-1, nil)
		out = append(out, p.records(1, f)...)
	}
	return out
}

// A stream whose records come faster or more slowly after a reference of panes of 64 raises
// about as many alarms as asked, be it that a pane holds the same stretch of the process
// (rho is then that of a quarter of the reference's records) or as much more of it. The
// rate asked for is 6 % in a run of 60 panes, 4 or 5 of the 75 runs. More than 15 have a
// probability below 2 %, were all three runs of a reference to alarm together.
func TestRateAlone(t *testing.T) {
	const reference, length, seeds = 200, 60, 5
	rates := []int{32, 128, 256}
	var mu sync.Mutex
	var tr []trial
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, c := range []struct {
		rho    float64
		method Method
		every  func(n int) int
	}{
		{.8, WindowScan, func(n int) int { return 256 / n }},
		{.95, WindowScan, func(n int) int { return 256 / n }},
		{.99, WindowScan, func(n int) int { return 256 / n }},
		{.98, WindowScan, func(int) int { return 1 }},
		{.8, ShiryaevRoberts, func(n int) int { return 256 / n }},
	} {
		m := newMap(t, newProcess(c.rho, 1000).sampled(10_000, c.every(64), nil), 1)
		for r := range uint64(seeds) {
			seed := uint64(9000+100*i) + r
			wg.Go(func() {
				free <- struct{}{}
				defer func() { <-free }()
				p := newProcess(c.rho, seed)
				var past []*sketch.Accumulator
				for range reference {
					past = append(past, pane(t, m, p.sampled(64, c.every(64), nil)))
				}
				ref, err := NewReference(NewProjection(m), past, Options{Method: c.method, Seed: seed, Simulations: 60})
				if err != nil {
					t.Errorf("seed %d, dependence %v: %v", seed, c.rho, err)
					return
				}
				for _, n := range rates {
					s, q := NewScan(ref), &process{Source: p.Clone()}
					var one trial
					for one.panes = 0; one.panes < length && !one.alarm; one.panes++ {
						res := s.Push(pane(t, m, q.sampled(n, c.every(n), nil)))
						one.alarm, one.group, one.window = res.Alarm, res.Group, res.Window
						if res.Caution == "" {
							t.Errorf("a pane of %d records is scanned without a caution", n)
						}
					}
					mu.Lock()
					tr = append(tr, one)
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	var alarms int
	for _, r := range tr {
		if r.alarm {
			alarms++
		}
	}
	_, text := summary(tr)
	t.Logf("seeds from 9000: %s", text)
	if alarms > 15 {
		t.Errorf("%d of %d runs with a change of rate alone raised an alarm", alarms, len(tr))
	}
}

// Independent records tell at any size of pane what they tell at the reference's.
func TestRateOfIndependentRecords(t *testing.T) {
	const seed = 47
	t.Logf("seed %d", seed)
	p := newProcess(0, seed)
	m := streamMap(t, 0)
	ref, err := NewReference(NewProjection(m), p.panes(t, m, 200, 64, nil), Options{Simulations: 60, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(x *[channels]float64){
		func(x *[channels]float64) { x[2] += .5 },
		func(x *[channels]float64) { x[2] *= 1.5 },
	} {
		s := NewScan(ref)
		var found bool
		for range 2 {
			found = found || s.Push(pane(t, m, p.records(256, change))).Alarm
		}
		if !found {
			t.Error("a change that 256 independent records show is not found in two such panes")
		}
	}
}

func TestPanesOutsideTheReferencesSizes(t *testing.T) {
	const seed = 48
	t.Logf("seed %d", seed)
	p := newProcess(.9, seed)
	m := streamMap(t, .9)
	past := p.panes(t, m, 200, 64, nil)
	for i := range 10 {
		past[7+i] = pane(t, m, p.records(80, nil))
	}
	past[40], past[50] = pane(t, m, p.records(500, nil)), pane(t, m, p.records(20, nil)) // The rare is not what was seen.
	ref, err := NewReference(NewProjection(m), past, Options{Simulations: 60, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[float64]bool{16: true, 59: true, 61: false, 64: false, 80: false, 84: false, 86: true, 500: true} {
		if got := ref.model.outside(n); got != want {
			t.Errorf("%v records are outside of 64 to 80: %v", n, got)
		}
	}
	s := NewScan(ref)
	a, b := pane(t, m, p.records(64, nil)), pane(t, m, p.records(200, nil))
	if n := testing.AllocsPerRun(50, func() { s.Push(a); s.Push(b) }); n != 0 {
		t.Errorf("%v allocations a push", n)
	}

	scales := Options{Groups: []Group{GroupCV, GroupC}, Simulations: 60, Seed: seed}
	if ref, err = NewReference(NewProjection(m), past, scales); err != nil {
		t.Fatal(err)
	}
	s = NewScan(ref)
	if r := s.Push(b); r.Skip != OtherSize || !math.IsNaN(r.PValue) || s.Skipped() != 1 {
		t.Errorf("a pane of 200 records against scales at 64 gave %+v", r)
	}
	if r := s.Push(a); r.Skip != Scanned {
		t.Errorf("a pane of 64 records gave %+v", r)
	}
	more := p.panes(t, m, 40, 200, nil)
	var e *HistoryError
	if _, err := TwoRanges(past, more, scales); !errors.As(err, &e) || e.Lacks != OtherSizes || e.Have != 40 {
		t.Errorf("ranges of 64 and of 200 records by scales: %v", err)
	}
	if r, err := TwoRanges(past, more, Options{}); err != nil || r.Caution == "" || r.Alarm {
		t.Errorf("ranges of 64 and of 200 records: %+v, %v", r, err)
	}
	if _, err := TwoRanges(past, append(more, p.panes(t, m, 40, 64, nil)...), scales); err != nil {
		t.Errorf("ranges of 64 and of 200 and 64 records by scales: %v", err)
	}
}

// The variance of sums of an autoregression against its closed forms.
func TestWidestSum(t *testing.T) {
	m := &model{order: 1, sd: []float64{2}}
	for _, phi := range []float64{0, .5, .9, -.5} {
		m.coef[0] = []float64{phi}
		want := 2 / (1 - phi) // of long sums
		if phi < 0 {
			want = 2 / math.Sqrt(1-phi*phi) // of one pane
		}
		near(t, fmt.Sprint("deviation at ", phi), m.widest(0), want, .02*want)
	}
}

// Dependence that is weak against a pane is found, and independence of heavy tails is not
// taken for it.
func TestDependenceIsShown(t *testing.T) {
	const seed = 49
	t.Logf("seed %d", seed)
	for _, c := range []struct {
		kind streams.Kind
		want bool
	}{{streams.Independent, false}, {streams.Heavy, false}, {streams.AR(.1), true}, {streams.AR(.9), true}} {
		m := newMap(t, newStream(c.kind, 1000).records(10_000, nil), 1)
		proj := NewProjection(m)
		past := newStream(c.kind, seed).panes(t, m, 200, 64, nil)
		proj.learn(past)
		x, _, err := proj.panes(past, 8)
		if err != nil {
			t.Fatal(err)
		}
		if got := fit(proj.layout, x).linked; got != c.want {
			t.Errorf("%s shows dependence: %v", c.kind.Name, got)
		}
	}
}
