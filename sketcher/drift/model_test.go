package drift

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// plain is a layout of one S of width p and one cm of width q.
func plain(p, q int) layout {
	return layout{
		blocks: []block{{GroupS, 0, p}, {GroupCM, p, p + q}},
		spread: make([]bool, p+q),
	}
}

// normalPanes are n panes of independent standard normal coordinates with a common part
// of the given share, of 64 records.
func normalPanes(l layout, n int, common float64, rng *rand.Rand) *panes {
	x := &panes{cols: l.width()}
	for range n {
		row := make([]float64, l.width())
		c := rng.NormFloat64()
		for k := range row {
			row[k] = math.Sqrt(common)*c + math.Sqrt(1-common)*rng.NormFloat64()
		}
		x.add(row, 64)
	}
	return x
}

func TestDegreesOfFreedom(t *testing.T) {
	const seed, p = 31, 24
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, common := range []float64{0, .5} {
		m := fit(plain(p, 4), normalPanes(plain(p, 4), 400, common, rng))
		// C has 1 on its diagonal and the common share off it.
		want := float64(p*p) / (p + p*(p-1)*common*common)
		near(t, "nu", m.nu[0], want, .15*want)
		if m.student[0] < 15 {
			t.Errorf("a Student scale of %.1f degrees of freedom in normal panes", m.student[0])
		}
	}
}

func TestStudentScaleIsFound(t *testing.T) {
	const seed = 32
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := plain(24, 4)
	x := normalPanes(l, 400, 0, rng)
	for i := range x.len() {
		scale(x.row(i), math.Exp(.3*rng.NormFloat64()))
	}
	if m := fit(l, x); m.student[0] > 40 {
		t.Errorf("panes of unequal spread gave a Student scale of %.0f degrees of freedom", m.student[0])
	}
}

func TestModerationPoolsVariances(t *testing.T) {
	v := []float64{1, 4, 0}
	if live := moderate(v, []bool{true, true, false}, block{GroupS, 0, 3}, 10); live != 2 {
		t.Errorf("%d alive of 2", live)
	}
	near(t, "lower variance", v[0], (10*2+10*1)/20., 1e-12)
	near(t, "upper variance", v[1], (10*2+10*4)/20., 1e-12)
	near(t, "dead variance", v[2], 0, 0)
}

// A coordinate that never moved in the reference takes no part in its law and raises an
// alarm when it wakes.
func TestDeadCoordinateWakes(t *testing.T) {
	const seed = 33
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := plain(10, 4)
	x := normalPanes(l, 60, 0, rng)
	for i := range x.len() {
		x.row(i)[12] = 3 * 8 // a constant mean of 3 over 64 records
	}
	r := calibrate(fit(l, x), mustOptions(t, Options{Simulations: 40}))
	if r.model.live[1] != 3 || r.model.alive[12] {
		t.Fatalf("%d alive of 3", r.model.live[1])
	}
	w := newWatch(r)
	row := make([]float64, l.width())
	row[12] = 3 * 8
	if res := w.push(row, 64); res.Alarm || math.IsNaN(res.Statistic) {
		t.Errorf("an unchanged pane gave %+v", res)
	}
	row[12] = 4 * 8
	var alarm bool
	for range 4 {
		alarm = alarm || w.push(row, 64).Alarm
	}
	if !alarm {
		t.Error("a constant coordinate moved by one unit without an alarm")
	}
}

func mustOptions(t testing.TB, o Options) Options {
	t.Helper()
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// kolmogorov returns the largest distance of the p-values' distribution from uniform.
func kolmogorov(p []float64) float64 {
	sort.Float64s(p)
	var d float64
	n := float64(len(p))
	for i, v := range p {
		d = max(d, math.Abs(v-float64(i)/n), math.Abs(v-float64(i+1)/n))
	}
	return d
}

// Without a change the p-values of a group's window and of the scan are uniform.
func TestPValuesAreUniform(t *testing.T) {
	const seed = 34
	rng := rand.New(rand.NewPCG(seed, 0))
	l := layout{blocks: []block{{GroupS, 0, 24}}, spread: make([]bool, 24)}
	var single, scan []float64
	for range 60 {
		m := fit(l, normalPanes(l, 200, .2, rng))
		y := normalPanes(l, 8*20, .2, rng)
		for i := range 20 {
			res, err := m.compare(y.slice(i*8, i*8+8), nil, significance)
			if err != nil {
				t.Fatal(err)
			}
			single = append(single, res.PValue)
		}
	}
	l = plain(24, 6)
	for i := range 20 {
		r := calibrate(fit(l, normalPanes(l, 200, .2, rng)), mustOptions(t, Options{Simulations: 60, Seed: uint64(i)}))
		w := newWatch(r)
		y := normalPanes(l, 1200, .2, rng)
		for k := range y.len() {
			if res := w.push(y.row(k), 64); k%40 == 39 {
				scan = append(scan, res.PValue)
			}
		}
	}
	d, ds := kolmogorov(single), kolmogorov(scan)
	t.Logf("seed %d: distance from uniform %.3f of %d windows, %.3f of %d scanned panes", seed, d, len(single), ds, len(scan))
	if d > .09 {
		t.Errorf("p-values of a window are %.3f away from uniform", d)
	}
	if ds > .09 {
		t.Errorf("p-values of the scan are %.3f away from uniform", ds)
	}
}

// The comparison of ranges holds its level against short references too.
func TestCompareHoldsItsLevel(t *testing.T) {
	const seed, window, each, refs = 38, 8, 5, 150
	rng := rand.New(rand.NewPCG(seed, 0))
	l := plain(32, 8)
	for _, size := range []int{30, 200} {
		var five, one int
		for range refs {
			x := normalPanes(l, size+each*window, .2, rng)
			m := fit(l, x.slice(0, size))
			for i := range each {
				res, err := m.compare(x.slice(size+i*window, size+(i+1)*window), nil, significance)
				if err != nil {
					t.Fatal(err)
				}
				if res.PValue < .05 {
					five++
				}
				if res.PValue < .01 {
					one++
				}
			}
		}
		t.Logf("seed %d, reference of %d panes: %d and %d of %d below 5 %% and 1 %%", seed, size, five, one, refs*each)
		if five > refs*each*8/100 || one > refs*each*3/100 || five < refs*each*2/100 {
			t.Errorf("reference of %d panes: %d and %d of %d below 5 %% and 1 %%", size, five, one, refs*each)
		}
	}
}

func TestSteadyRefusesAChangeAndASeason(t *testing.T) {
	const seed = 35
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := plain(24, 6)
	var refused int
	for range 200 {
		if fit(l, normalPanes(l, 200, .2, rng)).steady() != nil {
			refused++
		}
	}
	if refused > 2 {
		t.Errorf("%d of 200 steady references refused", refused)
	}
	for _, c := range []struct {
		what  string
		shift func(t int) float64
	}{
		{"a change half way", func(t int) float64 { return float64(t / 100) }},
		{"a slow season", func(t int) float64 { return math.Sin(2 * math.Pi * float64(t) / 312) }},
		{"a trend", func(t int) float64 { return float64(t) / 100 }},
	} {
		x := normalPanes(l, 200, .2, rng)
		for i := range x.len() {
			for k := range 12 {
				x.row(i)[k] += 1.5 * c.shift(i)
			}
		}
		var e *HistoryError
		if err := fit(l, x).steady(); !errors.As(err, &e) || e.Lacks != Unsteady || e.Group != GroupS {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestThresholdsGrowWithRunLength(t *testing.T) {
	const seed = 36
	t.Logf("seed %d", seed)
	l := plain(24, 6)
	m := fit(l, normalPanes(l, 200, .2, rand.New(rand.NewPCG(seed, 0))))
	tr := simulate(newScorer(m, []int{1, 2, 4, 8, 16, 32, 64}, math.Inf(1)), 100, 1)
	var last []float64
	for arl := 20.0; arl < 1e6; arl *= 1.7 {
		h := slices.Clone(tr.thresholds(arl, caution))
		for g := range last {
			if h[g] < last[g] {
				t.Errorf("group %d: threshold fell from %v to %v at one alarm in %v panes", g, last[g], h[g], arl)
			}
		}
		last = h
	}
	again := simulate(newScorer(m, []int{1, 2, 4, 8, 16, 32, 64}, math.Inf(1)), 100, 1)
	if !slices.Equal(tr.score, again.score) {
		t.Error("two simulations of one seed differ")
	}
	// One alarm in a million panes lies beyond the simulated runs, not beyond reason.
	for _, v := range last {
		if v < 6 || v > 14 {
			t.Errorf("threshold %v for one alarm in a million panes", v)
		}
	}
}

// The simulated panes must have the innovations' correlation: the factorised bootstrap
// equals the multiplier one in law.
func TestFactorHasTheInnovationsCovariance(t *testing.T) {
	const seed = 37
	t.Logf("seed %d", seed)
	l := plain(5, 3)
	m := fit(l, normalPanes(l, 300, .4, rand.New(rand.NewPCG(seed, 0))))
	f := m.factor()
	p, n := l.width(), float64(len(m.innov)/l.width())
	a := .05 + 5/n
	for i := range p {
		for j := range p {
			var got, want float64
			for k := range min(i, j) + 1 {
				got += f.Data[i*f.Stride+k] * f.Data[j*f.Stride+k]
			}
			for s := range int(n) {
				want += m.innov[s*p+i] * m.innov[s*p+j] * (1 - a) / n
			}
			if i == j {
				want += a
			}
			near(t, "covariance", got, want, 1e-9)
		}
	}
}

// The simulation does not know how badly a reference of fewer than 50 panes knows memory and
// tails: such a one is calibrated for fewer alarms.
func TestCautionOfShortReferences(t *testing.T) {
	for _, c := range []struct {
		panes int
		want  float64
	}{{20, 6.25}, {25, 4}, {50, 1}, {200, 1}} {
		m := &model{layout: plain(4, 2), size: c.panes}
		near(t, fmt.Sprintf("caution of %d panes", c.panes), cautionOfReference(m)/cautionOf(m), c.want, 1e-12)
	}
}

// A short reference is estimated badly, and its thresholds must allow for that.
func TestThresholdsAllowForAShortReference(t *testing.T) {
	const seed = 39
	l := plain(24, 6)
	var h []float64
	for _, size := range []int{30, 100, 1000} {
		m := fit(l, normalPanes(l, size, .2, rand.New(rand.NewPCG(seed, 0))))
		h = append(h, calibrate(m, mustOptions(t, Options{Simulations: 100})).h[0])
	}
	t.Logf("seed %d: thresholds of S %.2f after 30, 100 and 1,000 panes", seed, h)
	if h[0] < h[2]+.5 || h[1] < h[2] {
		t.Errorf("thresholds of S %.2f after 30, 100 and 1,000 panes", h)
	}
}
