package mixture_test

import (
	"math/rand/v2"
	"testing"

	"phasor/trainer/mixture"
)

// Three sets: round clusters of unequal size in two channels, clusters of any shape in six, and a curve that has none.
var clustered = []struct {
	name    string
	dim, k  int
	shape   mixture.Shape
	records func(rng *rand.Rand, n int) []float64
}{
	{"ten round clusters", 2, 10, mixture.Diagonal, func(rng *rand.Rand, n int) []float64 {
		c := make([]float64, 20)
		for i := range c {
			c[i] = 20 * rng.Float64()
		}
		var x []float64
		for range n {
			k := min(rng.IntN(10), rng.IntN(12))
			x = append(x, c[2*k]+.5*rng.NormFloat64(), c[2*k+1]+.5*rng.NormFloat64())
		}
		return x
	}},
	{"five long clusters", 6, 5, mixture.Full, func(rng *rand.Rand, n int) []float64 {
		c, l := make([]float64, 5*6), make([]float64, 5*36)
		for i := range c {
			c[i] = 4 * rng.NormFloat64()
		}
		for i := range l {
			l[i] = .5 * rng.NormFloat64()
		}
		var x []float64
		e := make([]float64, 6)
		for range n {
			k := rng.IntN(5)
			for i := range e {
				e[i] = rng.NormFloat64()
			}
			for i := range 6 {
				v := c[k*6+i]
				for j, u := range e {
					v += l[k*36+i*6+j] * u
				}
				x = append(x, v)
			}
		}
		return x
	}},
	{"a moon without clusters", 2, 6, mixture.Full, func(rng *rand.Rand, n int) []float64 {
		var x []float64
		for range n {
			u := 4*rng.Float64() - 2
			x = append(x, u+.1*rng.NormFloat64(), u*u+.1*rng.NormFloat64())
		}
		return x
	}},
}

func TestCentresCostLittleMoreThanLloyds(t *testing.T) {
	for i, set := range clustered {
		seed := uint64(i + 1)
		x := set.records(rand.New(rand.NewPCG(seed, 2)), 20_000)
		target := targetOf(t, x, set.dim, seed)
		c, err := mixture.Means(target, mixture.Options{Components: set.k, Shape: set.shape, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		y := standard(target.Spec(), x)
		var flat []float64
		for _, m := range c.Means {
			flat = append(flat, m...)
		}
		have := mixture.Cost(y, set.dim, flat, nil)
		_, _, best := mixture.Lloyd(y, set.dim, set.k, 10, seed)
		t.Logf("%s (seed %d): cost %.5f, best of ten runs on the records %.5f, ratio %.3f; expected %.5f", set.name, seed, have, best, have/best, c.Cost)
		if have > 1.05*best {
			t.Errorf("%s: cost %.5f is above 1.05 times %.5f", set.name, have, best)
		}
	}
}
