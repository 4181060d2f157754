package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

func simulateAR(n int, a []float64, rng *rand.Rand) []float64 {
	x := make([]float64, n+200)
	for t := range x {
		x[t] = rng.NormFloat64()
		for i, c := range a {
			if t > i {
				x[t] += c * x[t-1-i]
			}
		}
	}
	x = x[200:]
	var mean float64
	for _, v := range x {
		mean += v / float64(n)
	}
	for t := range x {
		x[t] -= mean
	}
	return x
}

// Kendall's correction must remove the bias that a plain first autocorrelation has.
func TestLagOneIsUnbiased(t *testing.T) {
	const seed, trials, n = 21, 4000, 40
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, phi := range []float64{0, .5, .8} {
		var plain, corrected float64
		for range trials {
			x := simulateAR(n, []float64{phi}, rng)
			c := lagOne(x)
			corrected += c / trials
			plain += (c - 1/float64(n)) / (1 + 3/float64(n)) / trials
		}
		t.Logf("seed %d, phi %v: plain %.4f, corrected %.4f", seed, phi, plain, corrected)
		near(t, "mean estimate", corrected, phi, .05)
		if math.Abs(corrected-phi) > math.Abs(plain-phi) {
			t.Errorf("phi %v: the correction moved %.4f to %.4f, away", phi, plain, corrected)
		}
	}
}

func TestAutoregressionFindsOrderAndCoefficients(t *testing.T) {
	const seed = 22
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	a, order := autoregression(simulateAR(5000, []float64{1.2, -.5}, rng), maxOrder)
	if order != 2 {
		t.Errorf("order %d of a series of order 2", order)
	}
	near(t, "first coefficient", a[0], 1.2, .05)
	near(t, "second coefficient", a[1], -.5, .05)
	var higher int
	for range 200 {
		if _, order := autoregression(simulateAR(200, nil, rng), maxOrder); order > 1 {
			higher++
		}
	}
	if higher > 20 {
		t.Errorf("order above 1 in %d of 200 series without memory", higher)
	}
	if _, order := autoregression(make([]float64, 50), maxOrder); order != 0 {
		t.Errorf("order %d of a constant", order)
	}
}

func TestShrinkPullsToTheMean(t *testing.T) {
	phi := []float64{.1, .2, .3, .4}
	shrink(phi, 20)
	for _, v := range phi {
		near(t, "phi where noise explains the spread", v, .25, 1e-9)
	}
	phi = []float64{0, .3, .6, .9}
	shrink(phi, 10_000)
	near(t, "phi where it does not", phi[3], .9, .01)
}
