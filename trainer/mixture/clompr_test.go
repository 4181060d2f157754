package mixture_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/mixture"
)

// sketchOf calibrates on the first records and folds all of them.
func sketchOf(t testing.TB, x []float64, d int, seed uint64) *sketch.Accumulator {
	t.Helper()
	names := make([]string, d)
	for k := range names {
		names[k] = string(rune('a' + k))
	}
	spec, _, err := feature.Calibrate(x[:min(len(x), 10_000*d)], feature.CalibrateOptions{Names: names, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	a := sketch.New(m)
	q := make([]int32, d)
	for i := 0; i < len(x); i += d {
		if !m.Quantise(q, x[i:i+d]) {
			t.Fatal("a record is not finite")
		}
		a.Fold(q)
	}
	return a
}

func targetOf(t testing.TB, x []float64, d int, seed uint64) *mixture.Target {
	t.Helper()
	target, err := mixture.NewTarget(sketchOf(t, x, d, seed))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// standard returns records in the standard units of a spec.
func standard(s *feature.Spec, x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		k := i % s.Dim()
		y[i] = (s.Channels[k].Transform.Apply(v) - s.Offset[k]) * s.Scale[k]
	}
	return y
}

// ring are six round clusters on a circle of radius 3 with a deviation of 0.3.
func ring(rng *rand.Rand, n int) []float64 {
	x := make([]float64, 0, 2*n)
	for range n {
		a := 2 * math.Pi * float64(rng.IntN(6)) / 6
		x = append(x, 3*math.Cos(a)+.3*rng.NormFloat64(), 3*math.Sin(a)+.3*rng.NormFloat64())
	}
	return x
}

// A pursuit that is asked to give up does so between two steps, wherever it is.
func TestStopped(t *testing.T) {
	const seed = 5
	target := targetOf(t, ring(rand.New(rand.NewPCG(seed, 1)), 2000), 2, seed)
	for _, after := range []int{0, 1, 10, 100} {
		calls := 0
		o := mixture.Options{Components: 6, Seed: seed, Stop: func() bool { calls++; return calls > after }}
		if m, err := mixture.Fit(target, o); m != nil || !errors.Is(err, mixture.ErrStopped) {
			t.Errorf("after %d: %v, %v", after, m, err)
		}
		if calls > after+50 {
			t.Errorf("after %d: asked %d times", after, calls)
		}
	}
}

func TestSixMeansAreFound(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		rng := rand.New(rand.NewPCG(seed, 1))
		target := targetOf(t, ring(rng, 50_000), 2, seed)
		for _, shape := range []mixture.Shape{mixture.Diagonal, mixture.Full} {
			m, err := mixture.Fit(target, mixture.Options{Components: 6, Shape: shape, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for c := range 6 {
				a := 2 * math.Pi * float64(c) / 6
				least := math.Inf(1)
				for k := range m.Means {
					x := m.Physical(m.Means[k])
					least = min(least, math.Hypot(x[0]-3*math.Cos(a), x[1]-3*math.Sin(a)))
				}
				worst = max(worst, least/.3)
			}
			t.Logf("seed %d, %v: worst mean %.3f deviations off, loss %.2g, floor %.2g, weights %.3f", seed, shape, worst, m.Loss, m.Floor, m.Weights)
			if worst > .1 {
				t.Errorf("seed %d, %v: a mean is %.3f deviations off", seed, shape, worst)
			}
		}
	}
}
