package generator

import (
	"math"
	"math/rand/v2"
	"testing"

	"phasor/sketcher/feature"
)

// TestExcessIsTheDistance judges normal sources of known scale on a sketch of
// normal records: the excess is the distance of the characteristic functions,
// the equivalent records follow, and a perfect source has "at least".
func TestExcessIsTheDistance(t *testing.T) {
	skipRaced(t)
	const seed, n = 59, 40000
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	x := make([]float64, 2*n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	target, err := NewTarget(accumulate(t, x, feature.CalibrateOptions{Names: names(2), Seed: seed, Features: 512}))
	if err != nil {
		t.Fatal(err)
	}
	spec := target.Spec()
	normal := func(scale float64) func() source {
		return func() source {
			return func(number uint64, y []float32) {
				r := rand.New(rand.NewPCG(seed, number))
				for i := range y {
					k := i / block
					y[i] = float32((scale*r.NormFloat64() - spec.Offset[k]) * spec.Scale[k])
				}
			}
		}
	}
	for _, scale := range []float64{1, 1.05, .8} {
		e := target.judge(normal(scale), groups, 1)
		var want, spread float64
		for _, j := range target.problem.heldOut {
			q := 0.0
			for k := range 2 {
				v := float64(target.problem.omega[2*j+k]) * spec.Scale[k]
				q += v * v
			}
			a, b := math.Exp(-2*math.Pi*math.Pi*q), math.Exp(-2*math.Pi*math.Pi*q*scale*scale)
			want += (a - b) * (a - b) / float64(len(target.problem.heldOut))
			spread += (1 - a*a) / float64(len(target.problem.heldOut))
		}
		t.Logf("scale %g: excess %.3g ± %.2g, distance %.3g, %.0f records, at least %v", scale, e.Excess, e.HeldOutSE, want, e.EquivalentRecords, e.AtLeast)
		// The records behind the sketch move all frequencies together, which
		// the standard error cannot know: allow for it beside.
		slack := 4*e.HeldOutSE + 2*math.Sqrt(want*e.Floor) + e.Floor
		if math.Abs(e.Excess-want) > slack {
			t.Errorf("scale %g: excess %.4g ± %.2g, distance %.4g", scale, e.Excess, e.HeldOutSE, want)
		}
		if scale == 1 && (!e.AtLeast || e.EquivalentRecords < 5000) {
			t.Errorf("a perfect source: %+v", e)
		}
		if scale == .8 && (e.AtLeast || math.Abs(e.EquivalentRecords-spread/want) > .3*spread/want) {
			t.Errorf("scale %g: %.0f equivalent records, want about %.0f", scale, e.EquivalentRecords, spread/want)
		}
		if e.Biased < e.Unbiased {
			t.Errorf("scale %g: biased loss %.4g below the unbiased %.4g", scale, e.Biased, e.Unbiased)
		}
	}
}

// TestEquivalentRecords: a source that repeats N' true records is worth about
// N' of them.
func TestEquivalentRecords(t *testing.T) {
	skipRaced(t)
	const seed, n = 61, 30000
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	acc := accumulate(t, plane[0].records(n, rng), feature.CalibrateOptions{Names: names(2), Seed: seed, Features: 512})
	target, err := NewTarget(acc)
	if err != nil {
		t.Fatal(err)
	}
	for _, few := range []int{128, 1024} {
		var records float64
		const runs = 6
		for range runs {
			x := plane[0].records(few, rng)
			y := make([]float64, 2)
			e := target.judge(func() source {
				return func(number uint64, dst []float32) {
					for i := range block {
						at := (int(number)*block + i) % few
						acc.Map().Standardise(y, x[2*at:2*at+2])
						dst[i], dst[block+i] = float32(y[0]), float32(y[1])
					}
				}
			}, quickGroups, 1)
			records += 1 / e.EquivalentRecords / runs
		}
		t.Logf("%d true records are judged as %.0f", few, 1/records)
		if got := 1 / records; got < .75*float64(few) || got > 1.35*float64(few) {
			t.Errorf("%d true records are judged as %.0f", few, got)
		}
	}
}

// TestModelOfAnotherMap is judged in physical units and gets the same figures
// up to noise.
func TestModelOfAnotherMap(t *testing.T) {
	skipRaced(t)
	rng := rand.New(rand.NewPCG(67, 0))
	x := plane[0].records(10000, rng)
	target := func(seed uint64) *Target {
		target, err := NewTarget(accumulate(t, x, feature.CalibrateOptions{Names: names(2), Seed: seed, Features: 256}))
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	own, other := target(1), target(2)
	m := fitted(t, own, Config{Steps: 300, Hidden: 32})
	a, b := Evaluate(own, m, 1), Evaluate(other, m, 1)
	if a == b || b.HeldOut > 3*a.HeldOut+4*b.HeldOutSE {
		t.Errorf("held-out loss %.3g ± %.2g, under another map %.3g ± %.2g", a.HeldOut, a.HeldOutSE, b.HeldOut, b.HeldOutSE)
	}
}
