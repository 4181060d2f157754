package drift

import (
	"errors"
	"math"
	"slices"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// small is a reference of 60 panes with few simulations, and the stream it came from.
func small(t testing.TB, seed uint64, groups ...Group) (*Reference, *feature.Map, *process) {
	t.Helper()
	p := newProcess(.5, seed)
	m := streamMap(t, .5)
	ref, err := NewReference(NewProjection(m, groups...), p.panes(t, m, 60, 64, nil), Options{Simulations: 60, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return ref, m, p
}

func TestReferenceIsReproducible(t *testing.T) {
	const seed = 41
	t.Logf("seed %d", seed)
	p := newProcess(.5, seed)
	m := streamMap(t, .5)
	past, next := p.panes(t, m, 60, 64, nil), p.panes(t, m, 80, 64, nil)
	proj := NewProjection(m)
	scan := func(seed uint64) (float64, []Result) {
		ref, err := NewReference(proj, past, Options{Simulations: 40, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		s := NewScan(ref)
		var out []Result
		for _, a := range next {
			r := s.Push(a)
			r.Channels = slices.Clone(r.Channels)
			out = append(out, r)
		}
		return ref.Threshold(), out
	}
	h, a := scan(1)
	again, b := scan(1)
	if h != again {
		t.Errorf("thresholds %v and %v of one seed", h, again)
	}
	for i := range a {
		if a[i].Statistic != b[i].Statistic || a[i].PValue != b[i].PValue || a[i].Group != b[i].Group || a[i].Window != b[i].Window {
			t.Fatalf("pane %d: %+v and %+v", i, a[i], b[i])
		}
		if a[i].Alarm != (a[i].Statistic > a[i].Threshold) {
			t.Fatalf("pane %d: alarm does not follow from %+v", i, a[i])
		}
		if !(a[i].PValue > 0 && a[i].PValue <= 1) || !(a[i].EffectiveRatio > 0 && a[i].EffectiveRatio <= 1) {
			t.Fatalf("pane %d: %+v", i, a[i])
		}
	}
	if other, _ := scan(2); other == h {
		t.Error("the seed does not reach the simulation")
	}
}

// All that a scan knows is the last 64 panes and the lags before them.
func TestRescanOfTheLastPanesIsTheSameScan(t *testing.T) {
	const seed = 42
	t.Logf("seed %d", seed)
	ref, m, p := small(t, seed)
	panes := p.panes(t, m, 150, 64, nil)
	whole, again := NewScan(ref), NewScan(ref)
	for _, a := range panes {
		whole.Push(a)
	}
	for _, a := range panes[len(panes)-largestWindow-maxOrder-1:] {
		again.Push(a)
	}
	a := pane(t, m, p.records(64, nil))
	x, y := whole.Push(a), again.Push(a)
	near(t, "statistic", y.Statistic, x.Statistic, 1e-9)
	again.Reset(nil)
	fresh := NewScan(ref)
	if x, y := fresh.Push(a), again.Push(a); x.Statistic != y.Statistic {
		t.Errorf("a scan that was reset says %v, a new one %v", y.Statistic, x.Statistic)
	}
}

func TestSmallAndForeignPanesAreSkipped(t *testing.T) {
	const seed = 43
	t.Logf("seed %d", seed)
	ref, m, p := small(t, seed, GroupS, GroupCM, GroupCV)
	s := NewScan(ref)
	s.Push(pane(t, m, p.records(64, nil)))
	for _, c := range []struct {
		a    *sketch.Accumulator
		want Skip
	}{{nil, FewRecords}, {sketch.New(m), FewRecords}, {pane(t, m, p.records(7, nil)), FewRecords}, {pane(t, m, p.records(8, nil)), Scanned}} {
		r := s.Push(c.a)
		if r.Skip != c.want || math.IsNaN(r.PValue) != (c.want != Scanned) || r.Alarm {
			t.Errorf("want %v: %+v", c.want, r)
		}
	}
	if s.Skipped() != 3 {
		t.Errorf("%d panes counted as skipped of 3", s.Skipped())
	}
	other := newMap(t, p.records(3000, nil), seed+1)
	if r := s.Push(pane(t, other, p.records(64, nil))); r.Skip != OtherMap {
		t.Errorf("a pane of another map gave %+v", r)
	}
}

func TestNotEnoughHistory(t *testing.T) {
	const seed = 44
	t.Logf("seed %d", seed)
	p := newProcess(0, seed)
	m := streamMap(t, .5)
	past := append(p.panes(t, m, 19, 64, nil), p.panes(t, m, 5, 3, nil)...)
	proj := NewProjection(m)
	var e *HistoryError
	_, err := NewReference(proj, past, Options{})
	if !errors.Is(err, ErrNotEnoughHistory) || !errors.As(err, &e) || e.Lacks != TooFewPanes || e.Have != 19 || e.Skipped != 5 {
		t.Errorf("19 panes and 5 of 3 records: %v", err)
	}
	if _, err := NewReference(proj, append(past, p.panes(t, m, 1, 64, nil)...), Options{Simulations: 20}); err != nil {
		t.Errorf("20 panes: %v", err)
	}
	many := p.panes(t, m, 200, 64, nil)
	evidence := Options{Method: ShiryaevRoberts, Simulations: 20}
	if _, err := NewReference(proj, many[1:], evidence); !errors.As(err, &e) || e.Have != 199 || e.Need != 200 || e.Need != evidence.LeastReference() {
		t.Errorf("199 panes for Shiryaev and Roberts' method: %v", err)
	}
	if _, err := NewReference(proj, many, evidence); err != nil {
		t.Errorf("200 panes for Shiryaev and Roberts' method: %v", err)
	}
	moved := append(p.panes(t, m, 40, 64, nil), p.panes(t, m, 40, 64, func(x *[channels]float64) { x[1] += 1 })...)
	if _, err := NewReference(proj, moved, Options{}); !errors.As(err, &e) || e.Lacks != Unsteady {
		t.Errorf("a reference with a change in it: %v", err)
	}
	other := newMap(t, p.records(3000, nil), seed+1)
	if _, err := NewReference(NewProjection(other), past, Options{}); !errors.Is(err, ErrMap) {
		t.Errorf("panes of another map: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{ARL: -1}, {ARL: math.Inf(1)}, {ARL: math.NaN()}, {Windows: []int{}}, {Windows: []int{4, 2}}, {Windows: []int{0}}, {Windows: []int{65}}, {Simulations: 1}, {MinRecords: 1}} {
		if _, err := o.withDefaults(); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	for _, g := range DefaultGroups() {
		if back, err := ParseGroup(g.String()); err != nil || back != g {
			t.Errorf("%v reads back as %v, %v", g, back, err)
		}
	}
	if _, err := ParseGroup("none"); err == nil {
		t.Error("none is a group")
	}
	ref, m, p := small(t, 45, GroupS)
	if _, err := NewReference(ref.projection, p.panes(t, m, 30, 64, nil), Options{Groups: []Group{GroupCM}}); err == nil {
		t.Error("a group that the projection does not give is accepted")
	}
}

func TestPushDoesNotAllocate(t *testing.T) {
	ref, m, p := small(t, 46)
	s := NewScan(ref)
	a := pane(t, m, p.records(64, nil))
	moved := pane(t, m, p.records(64, func(x *[channels]float64) { x[0] += 5 }))
	if n := testing.AllocsPerRun(100, func() { s.Push(a); s.Push(moved) }); n != 0 {
		t.Errorf("%v allocations a push", n)
	}
	if r := s.Push(moved); !r.Alarm || !slices.Contains(r.Channels, "a") {
		t.Errorf("a channel that moved by 5 gave %+v", r)
	}
}

// Panes whose size varies sixteenfold raise no more alarms than equal ones, and of
// independent records a rate that changes after the reference is no change.
func TestUnequalPanes(t *testing.T) {
	runs, length := 3, 250
	if long() {
		runs, length = 40, 1000
	}
	for _, rho := range []float64{0, .9} {
		seed := uint64(5000 + 100*rho)
		m := streamMap(t, rho)
		for _, c := range []struct {
			name string
			size func(i int) int
		}{
			{"16 to 256 records", func(i int) int { return 16 << (uint(i*7+i*i/3) % 5) }},
			{"64, then 192 records", func(i int) int {
				if i < 200 {
					return 64
				}
				return 192
			}},
			{"96, then 32 records", func(i int) int {
				if i < 200 {
					return 96
				}
				return 32
			}},
		} {
			if varied := c.name == "16 to 256 records"; rho == 0 && varied && !long() {
				continue
			}
			rate, text := summary(scanQuiet(t, m, func(seed uint64) *process { return newProcess(rho, seed) }, runs, 200, length, c.size, nil, seed))
			t.Logf("seed %d, dependence %v, %s: %s", seed, rho, c.name, text)
			if limit := map[bool]float64{false: 8, true: 4}[long()]; rate > limit {
				t.Errorf("dependence %v, %s: %.2f false alarms per 1,000 panes where 1 was asked for", rho, c.name, rate)
			}
		}
	}
}
