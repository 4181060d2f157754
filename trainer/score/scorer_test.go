package score_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
	"phasor/trainer/score"
)

// crescent are records on a curve, a temperature around 300 and a pressure that follows it.
func crescent(rng *rand.Rand, n int) []float64 {
	x := make([]float64, 0, 2*n)
	for range n {
		u := 4*rng.Float64() - 2
		x = append(x, 300+10*u+rng.NormFloat64(), 5+u*u+.1*rng.NormFloat64())
	}
	return x
}

var names = []string{"temperature", "pressure"}

// crescentScorer is shared by tests: a fit takes a second.
func crescentScorer(t *testing.T, opt score.Options) (*score.Scorer, *generator.Model, *sketch.Accumulator) {
	t.Helper()
	if shape.model == nil {
		shape.model, shape.sketch = fitted(t, names, crescent(rand.New(rand.NewPCG(1, 1)), 5000), 1, 1500)
	}
	s, err := score.New(shape.model, shape.sketch.Map().Spec(), shape.sketch.Phasor(nil), opt)
	if err != nil {
		t.Fatal(err)
	}
	return s, shape.model, shape.sketch
}

var shape struct {
	model  *generator.Model
	sketch *sketch.Accumulator
}

func TestRecordsOfTheStreamAreNotOdd(t *testing.T) {
	s, _, _ := crescentScorer(t, score.Options{Seed: 3})
	const n, seed = 2000, 9
	t.Logf("seed %d", seed)
	scores := make([]score.Score, n)
	s.Score(scores, crescent(rand.New(rand.NewPCG(seed, 1)), n))
	var density, distance, odd float64
	for _, v := range scores {
		density += v.DensityQuantile / n
		distance += v.DistanceQuantile / n
		if v.Odd > 2 {
			odd += 1. / n
		}
	}
	t.Logf("mean quantiles %.3f and %.3f, share of one in a hundred %.4f", density, distance, odd)
	// Quantiles of the model's own records have the mean 1/2; those of the stream differ by what the model misses.
	if math.Abs(density-.5) > .05 || math.Abs(distance-.5) > .1 {
		t.Errorf("mean quantiles %.3f and %.3f", density, distance)
	}
	if odd > .03 {
		t.Errorf("%.4f of the records are said to be one in a hundred", odd)
	}
}

func TestFartherIsOdder(t *testing.T) {
	s, _, _ := crescentScorer(t, score.Options{Seed: 3})
	// On the curve; inside the bow, where each channel alone is usual; and away in steps.
	x := []float64{300, 5, 300, 9, 300, 20, 300, 40, 300, 1e3, 300, 1e6}
	scores := make([]score.Score, len(x)/2)
	s.Score(scores, x)
	for i, v := range scores {
		t.Logf("%v: %+v", x[2*i:2*i+2], v)
		if i > 0 && !(v.Odd >= scores[i-1].Odd && v.Distance >= scores[i-1].Distance) {
			t.Errorf("%v is not odder than the one before", x[2*i:2*i+2])
		}
	}
	if scores[0].Odd > 1 {
		t.Errorf("a record on the curve is odd: %+v", scores[0])
	}
	if scores[1].Odd < 2 || scores[1].DensityQuantile < .8 {
		t.Errorf("a record inside the bow is not odd: %+v", scores[1])
	}
}

// The density is the mean of the kernel over the records themselves, which the scorer never saw.
func TestDensityIsTheMeanOfTheKernel(t *testing.T) {
	s, _, a := crescentScorer(t, score.Options{Seed: 3})
	spec := a.Map().Spec()
	x := crescent(rand.New(rand.NewPCG(1, 1)), 5000)
	at := []float64{303, 5.4}
	got := make([]score.Score, 1)
	s.Score(got, at)
	want := 0.0
	for i := 0; i < len(x); i += 2 {
		for j := range spec.Features {
			turns := 0.0
			for k := range 2 {
				turns += float64(spec.Omega[2*j+k]) / (1 << 16) * (at[k] - x[i+k]) * spec.Scale[k]
			}
			want += math.Cos(2 * math.Pi * turns)
		}
	}
	want /= float64(len(x)/2) * float64(spec.Features)
	if math.Abs(got[0].Density-want) > 1e-4 {
		t.Errorf("density %g, mean of the kernel %g", got[0].Density, want)
	}
}

func TestSearchComesNearer(t *testing.T) {
	// Of few records and without a search the distances are larger.
	few, _, _ := crescentScorer(t, score.Options{Seed: 3, Records: 500, Steps: 1})
	searched, _, _ := crescentScorer(t, score.Options{Seed: 3, Records: 500, Steps: 40})
	x := crescent(rand.New(rand.NewPCG(11, 1)), 300)
	a, b := make([]score.Score, 300), make([]score.Score, 300)
	few.Score(a, x)
	searched.Score(b, x)
	var sums [2]float64
	for i := range a {
		if b[i].Distance > a[i].Distance+1e-12 {
			t.Fatalf("record %d: the search went from %g to %g", i, a[i].Distance, b[i].Distance)
		}
		sums[0] += a[i].Distance
		sums[1] += b[i].Distance
	}
	t.Logf("mean distance %.4f, searched %.4f", sums[0]/300, sums[1]/300)
	if sums[1] > .5*sums[0] {
		t.Errorf("40 steps only come from %g to %g", sums[0], sums[1])
	}
}

func TestEqualSeedsGiveEqualScores(t *testing.T) {
	x := crescent(rand.New(rand.NewPCG(12, 1)), 50)
	var two [2][]score.Score
	for i := range two {
		s, _, _ := crescentScorer(t, score.Options{Seed: 5, Records: 500, Calibration: 200})
		two[i] = make([]score.Score, 50)
		s.Score(two[i], x)
	}
	if !reflect.DeepEqual(two[0], two[1]) {
		t.Error("the scores differ")
	}
	// One at a time or all together is the same.
	s, _, _ := crescentScorer(t, score.Options{Seed: 5, Records: 500, Calibration: 200})
	one := make([]score.Score, 1)
	for i := range 50 {
		s.Score(one, x[2*i:2*i+2])
		if d := math.Abs(one[0].Distance - two[0][i].Distance); d > 1e-6 || one[0].Density != two[0][i].Density {
			t.Fatalf("record %d alone is %+v, among others %+v", i, one[0], two[0][i])
		}
	}
}

func TestWhatIsNotFiniteIsOdd(t *testing.T) {
	s, _, _ := crescentScorer(t, score.Options{Seed: 5, Records: 500, Calibration: 200})
	x := []float64{300, math.NaN(), math.Inf(1), 5, 300, 5, math.Inf(-1), math.NaN()}
	scores := make([]score.Score, 4)
	s.Score(scores, x)
	for _, i := range []int{0, 1, 3} {
		if !math.IsInf(scores[i].Odd, 1) || !math.IsNaN(scores[i].Density) {
			t.Errorf("record %d: %+v", i, scores[i])
		}
	}
	if scores[2].Odd > 1 {
		t.Errorf("the good record among them: %+v", scores[2])
	}
}

func TestWhatDoesNotBelongTogetherIsRefused(t *testing.T) {
	_, m, a := crescentScorer(t, score.Options{Seed: 5, Records: 500, Calibration: 200})
	other := *a.Map().Spec()
	other.Seed++
	other.Omega = append([]int32{1}, other.Omega[1:]...)
	if _, err := score.New(m, &other, nil, score.Options{}); !errors.Is(err, score.ErrMismatch) {
		t.Errorf("another map: %v", err)
	}
	if _, err := score.New(m, a.Map().Spec(), a.Phasor(nil)[1:], score.Options{}); !errors.Is(err, score.ErrMismatch) {
		t.Errorf("another size: %v", err)
	}
	if _, err := score.New(m, a.Map().Spec(), nil, score.Options{Calibration: -1}); err == nil {
		t.Error("a negative number of records was taken")
	}
	// Without a sketch the model's own phasors stand for it.
	own, err := score.New(m, a.Map().Spec(), nil, score.Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	with, _, _ := crescentScorer(t, score.Options{Seed: 3})
	x := crescent(rand.New(rand.NewPCG(2, 2)), 100)
	c, d := make([]score.Score, 100), make([]score.Score, 100)
	own.Score(c, x)
	with.Score(d, x)
	for i := range c {
		if math.Abs(c[i].Density-d[i].Density) > .05 {
			t.Errorf("density %g by the model, %g by the sketch", c[i].Density, d[i].Density)
		}
	}
}
