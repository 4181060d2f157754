package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

// regimePanes appends n panes of a segment: a level of its own, and deviations that are
// apart times as large in some of the coordinates.
func regimePanes(x *panes, l layout, n int, apart float64, rng *rand.Rand) {
	p := l.width()
	sd, level := make([]float64, p), make([]float64, p)
	for k := range p {
		sd[k], level[k] = 1, 3*rng.NormFloat64()
		if rng.IntN(4) == 0 {
			sd[k] = apart
		}
	}
	for range n {
		row := make([]float64, p)
		for k := range p {
			row[k] = level[k] + sd[k]*rng.NormFloat64()
		}
		x.add(row, 64)
	}
}

// regimes is a Rolling that has found so many segments of 30 panes.
func regimes(t *testing.T, l layout, segments int, apart float64, rng *rand.Rand) *Rolling {
	t.Helper()
	opt := mustOptions(t, Options{Windows: rollingWindows, Simulations: 150})
	r := &Rolling{opt: opt, projection: &Projection{layout: l}, taught: true}
	for range segments {
		r.starts = append(r.starts, r.history.len())
		regimePanes(&r.history, l, 30, apart, rng)
	}
	if err := r.estimate(); err != nil {
		t.Fatal(err)
	}
	return r
}

// Within segments of which each has deviations of its own, a Rolling raises about as many
// false alarms as were asked for.
func TestSegmentsOfUnequalSpread(t *testing.T) {
	const seed, segments, length, asked = 51, 200, 30, 1000
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := plain(24, 4)
	for _, apart := range []float64{1, 4} {
		r := regimes(t, l, 30, apart, rng)
		s := &r.segment
		seen, alarms := 0, 0
		for range segments {
			x := &panes{}
			regimePanes(x, l, length, apart, rng)
			s.begin()
			for i := range length {
				seen++
				s.push(x.row(i), 64)
				if s.scan().Alarm {
					alarms++
					break
				}
			}
		}
		expected := float64(seen) / asked
		t.Logf("deviations up to %v times as large: %d alarms in %d panes, priors %.1f", apart, alarms, seen, r.segment.r.model.prior)
		if float64(alarms) > expected+4*math.Sqrt(expected) {
			t.Errorf("deviations up to %v times as large: %d false alarms where %.0f are asked for", apart, alarms, expected)
		}
	}
}

// Segments that differ in their level alone have one law, which their variances are not
// estimated against.
func TestSegmentsOfOneLaw(t *testing.T) {
	const seed = 52
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := plain(24, 4)
	for _, v := range regimes(t, l, 30, 1, rng).segment.r.model.prior {
		if !math.IsInf(v, 1) {
			t.Errorf("segments of one law have a prior of %v degrees of freedom", v)
		}
	}
	prior := regimes(t, l, 30, 3, rng).segment.r.model.prior
	if len(prior) == 0 || prior[0] > 12 {
		t.Errorf("priors of %.1f degrees of freedom where a quarter of the deviations are three times the others", prior)
	}
}

// What a segment's covariance is moved to lies between its own and that of all, and the
// laws keep the innovations' mean covariance.
func TestLawsOfSegments(t *testing.T) {
	const seed = 53
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := plain(6, 2)
	p := l.width()
	x := &panes{}
	var segments []span
	for i := range 8 {
		lo := x.len()
		for range 60 {
			row := make([]float64, p)
			for k := range row {
				row[k] = rng.NormFloat64()
			}
			row[0] *= 1 + 2*float64(i%2)
			x.add(row, 64)
		}
		segments = append(segments, span{lo, x.len()})
	}
	m := fit(l, x)
	laws, _ := m.newLaws(segments)
	if laws == nil {
		t.Fatal("segments of which one deviation is three times the other's have one law")
	}
	variance := func(share float64) float64 {
		f := laws.at(m, share)
		return f.Data[0] * f.Data[0]
	}
	var mean float64
	for i := range 8 {
		v := variance((float64(i) + .5) / 8)
		mean += v / 8
		if odd := i%2 == 1; odd != (v > 1) {
			t.Errorf("segment %d has variance %.2f of the first coordinate", i, v)
		}
	}
	near(t, "mean variance", mean, m.factor().Data[0]*m.factor().Data[0], .1)
}
