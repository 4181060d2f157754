package drift

import (
	"errors"
	"math"
	"slices"
	"testing"

	"phasor/sketcher/drift/streams"
)

// The test of two sketches holds its level on independent records, of the pilot's law
// and of another.
func TestTwoSketchesHoldTheirLevel(t *testing.T) {
	runs := 120
	if long() {
		runs = 1000
	}
	const seed = 71
	p := newProcess(0, seed)
	m := streamMap(t, 0)
	for _, c := range []struct {
		what   string
		change func(x *[channels]float64)
	}{
		{"the pilot's law", nil},
		{"another law", func(x *[channels]float64) {
			tail := math.Exp(.4 * p.rng.NormFloat64())
			x[0], x[3], x[5], x[6] = .5*x[0]+1, math.Abs(x[3]), x[5]*tail, x[6]*tail
		}},
	} {
		var five, one int
		for range runs {
			res, err := TwoSketches(pane(t, m, p.records(300, c.change)), pane(t, m, p.records(500, c.change)))
			if err != nil {
				t.Fatal(err)
			}
			if res.PValue < .05 {
				five++
			}
			if res.PValue < .01 {
				one++
			}
			if res.Assumes == "" || res.Alarm != (res.PValue < significance) {
				t.Fatalf("%+v", res)
			}
		}
		t.Logf("seed %d, %s: %d and %d of %d equal pairs below 5 %% and 1 %%", seed, c.what, five, one, runs)
		if float64(five) > .05*float64(runs)+3*math.Sqrt(.05*float64(runs)) {
			t.Errorf("%s: %d of %d equal pairs below 5 %%", c.what, five, runs)
		}
	}
}

// The phasors' statistic alone has its law; a hidden fault there would pass under the
// other tests' Bonferroni share.
func TestPhasorTestIsUniform(t *testing.T) {
	const seed, runs = 72, 300
	p := newProcess(0, seed)
	m := streamMap(t, 0)
	v := make([]float64, runs)
	for r := range v {
		v[r] = math.Pow(10, -phasorTest(m.Spec(), pane(t, m, p.records(200, nil)), pane(t, m, p.records(200, nil))))
	}
	var five int
	for _, p := range v {
		if p < .05 {
			five++
		}
	}
	d := kolmogorov(v)
	t.Logf("seed %d: distance from uniform %.3f of %d pairs, %d below 5 %%", seed, d, runs, five)
	if d > .15 || five > 27 {
		t.Errorf("p-values are %.3f away from uniform", d)
	}
}

func TestTwoSketchesFindAndName(t *testing.T) {
	const seed = 73
	t.Logf("seed %d", seed)
	p := newProcess(0, seed)
	m := streamMap(t, 0)
	a := pane(t, m, p.records(4000, nil))
	for _, c := range []struct {
		what    string
		channel string
		change  func(x *[channels]float64)
	}{
		{"a mean", "d", func(x *[channels]float64) { x[3] += .3 }},
		{"a scale", "g", func(x *[channels]float64) { x[6] *= 1.3 }},
		{"a shape", "b", func(x *[channels]float64) { x[1] = .9*math.Copysign(1, x[1]) + .4359*p.rng.NormFloat64() }},
		{"correlation", "", func(x *[channels]float64) { streams.Correlate(x, nil) }},
	} {
		res, err := TwoSketches(a, pane(t, m, p.records(4000, c.change)))
		if err != nil || !res.Alarm {
			t.Errorf("%s: %+v, %v", c.what, res, err)
			continue
		}
		if c.channel != "" && (!slices.Contains(res.Channels, c.channel) || len(res.Channels) > 2) {
			t.Errorf("%s of %s: named %v", c.what, c.channel, res.Channels)
		}
		if c.channel == "" && !slices.Contains(res.Pairs, [2]string{"c", "h"}) {
			t.Errorf("%s: named the pairs %v", c.what, res.Pairs)
		}
	}
	if _, err := TwoSketches(a, pane(t, m, p.records(10, nil))); !errors.Is(err, ErrNotEnoughHistory) {
		t.Errorf("ten records: %v", err)
	}
	if _, err := TwoSketches(a, pane(t, newMap(t, p.records(3000, nil), 9), p.records(100, nil))); !errors.Is(err, ErrMap) {
		t.Errorf("two maps: %v", err)
	}
}

func TestDivergence(t *testing.T) {
	p := []int64{4, 4, 0, 0}
	near(t, "of equal counts", jensenShannon(p, []int64{8, 8, 0, 0}), 0, 1e-12)
	near(t, "of disjoint counts", jensenShannon(p, []int64{0, 0, 1, 0}), 1, 1e-12)
	near(t, "of half", jensenShannon([]int64{1, 0}, []int64{1, 1}), .31127812445913283, 1e-12)
	near(t, "of none", jensenShannon(p, make([]int64, 4)), 0, 0)
	const seed = 74
	s := newProcess(0, seed)
	m := streamMap(t, 0)
	d, err := Divergence(pane(t, m, s.records(500, nil)), pane(t, m, s.records(500, func(x *[channels]float64) { x[2] += 2 })))
	if err != nil || len(d) != channels || d[2] < .3 || d[0] > .15 {
		t.Errorf("seed %d: %v, %v", seed, d, err)
	}
}
