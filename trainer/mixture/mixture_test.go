package mixture_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"phasor/sketcher/sketch"
	"phasor/trainer/mixture"
)

// pair is a mixture whose density can be summed over a grid.
func pair() *mixture.Mixture {
	return &mixture.Mixture{Dim: 2, Weights: []float64{.7, .3}, Means: [][]float64{{-1, .5}, {1.5, -1}},
		Covariance: [][]float64{{.5, .2, .2, .3}, {.1, 0, 0, .4}}}
}

func TestDensityIsOneInSum(t *testing.T) {
	m := pair()
	const h = .02
	sum, first := 0.0, 0.0
	for a := -6.0; a < 6; a += h {
		for b := -6.0; b < 6; b += h {
			p := math.Exp(m.LogDensity([]float64{a, b})) * h * h
			sum += p
			first += a * p
		}
	}
	if math.Abs(sum-1) > 1e-6 || math.Abs(first-(-.7+.45)) > 1e-5 {
		t.Errorf("mass %g, mean %g", sum, first)
	}
	if v := m.LogDensity([]float64{1e200, 0}); !math.IsInf(v, -1) {
		t.Errorf("far away the density is exp(%g)", v)
	}
}

func TestSamplesHaveTheMoments(t *testing.T) {
	m := pair()
	const n = 200_000
	y := m.Sample(n, 5)
	if !reflect.DeepEqual(y[:2000], m.Sample(1000, 5)) {
		t.Error("fewer records are not the first of more")
	}
	var mean, square [2]float64
	cross := 0.0
	for i := 0; i < len(y); i += 2 {
		for k := range 2 {
			mean[k] += y[i+k] / n
			square[k] += y[i+k] * y[i+k] / n
		}
		cross += y[i] * y[i+1] / n
	}
	for _, c := range []struct{ have, want float64 }{
		{mean[0], -.25}, {mean[1], .05}, {square[0], .7*1.5 + .3*2.35}, {square[1], .7*.55 + .3*1.4}, {cross, .7*(.2-.5) + .3*-1.5},
	} {
		if math.Abs(c.have-c.want) > .02 {
			t.Errorf("a moment is %g, want %g", c.have, c.want)
		}
	}
}

func TestLossIsThatOfTheRecords(t *testing.T) {
	// The records are drawn from the mixture itself, in units that are nearly standard, so that the loss of what is decoded
	// is below the noise of the sketch, and that of one component is not.
	x := pair().Sample(20_000, 8)
	target := targetOf(t, x, 2, 8)
	two, err := mixture.Fit(target, mixture.Options{Components: 2, Shape: mixture.Full, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	again, err := mixture.Fit(target, mixture.Options{Components: 2, Shape: mixture.Full, Seed: 1})
	if err != nil || !reflect.DeepEqual(two, again) {
		t.Errorf("equal seeds give different mixtures: %v", err)
	}
	one, err := mixture.Fit(target, mixture.Options{Components: 1, Shape: mixture.Full, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if two.Loss > 2*two.Floor || one.Loss < 100*one.Floor {
		t.Errorf("loss of two components %g, of one %g, floor %g", two.Loss, one.Loss, two.Floor)
	}
	if math.Abs(two.Weights[0]-.7) > .02 {
		t.Errorf("weights %v", two.Weights)
	}
}

func TestWhatCannotBeDecodedIsRefused(t *testing.T) {
	a := sketchOf(t, ring(rand.New(rand.NewPCG(1, 1)), 1000), 2, 1)
	if _, err := mixture.NewTarget(nil); !errors.Is(err, mixture.ErrTarget) {
		t.Errorf("no sketch: %v", err)
	}
	if _, err := mixture.NewTarget(sketch.New(a.Map())); !errors.Is(err, mixture.ErrTarget) {
		t.Errorf("an empty sketch: %v", err)
	}
	b, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	unbound, err := sketch.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mixture.NewTarget(unbound); !errors.Is(err, mixture.ErrTarget) {
		t.Errorf("an unbound sketch: %v", err)
	}
	target, err := mixture.NewTarget(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []mixture.Options{{}, {Components: -1}, {Components: 1 << 20}, {Components: 2, Shape: 9}, {Components: 2, Restarts: -1}, {Components: 2, Frequencies: -1}} {
		if _, err := mixture.Fit(target, o); !errors.Is(err, mixture.ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
		if _, err := mixture.Means(target, o); !errors.Is(err, mixture.ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// A channel that never moves and more components than there is room for are no reason to fail.
func TestDegenerateRecords(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var x []float64
	for range 3000 {
		x = append(x, float64(rng.IntN(2)), 7)
	}
	target := targetOf(t, x, 2, 4)
	for _, shape := range []mixture.Shape{mixture.Diagonal, mixture.Full} {
		m, err := mixture.Fit(target, mixture.Options{Components: 5, Shape: shape, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for k, w := range m.Weights {
			sum += w
			for _, v := range append(m.Deviations(k), m.Means[k]...) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%v: component %d: %v, %v", shape, k, m.Means[k], m.Deviations(k))
				}
			}
		}
		if math.Abs(sum-1) > 1e-9 || m.Loss > .01 {
			t.Errorf("%v: weights of sum %g, loss %g", shape, sum, m.Loss)
		}
	}
}
