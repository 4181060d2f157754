package generator

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator/internal/draw"
)

// factors is the sketch of n records of d channels: ten factors, each in every tenth channel, and noise of half their
// deviation. Most directions have a fortieth of the variance of the ten.
func factors(t *testing.T, d, n int) *Target {
	t.Helper()
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, seed))
	x := make([]float64, n*d)
	for i := 0; i < len(x); i += d {
		var z [10]float64
		for k := range z {
			z[k] = rng.NormFloat64()
		}
		for k := range d {
			x[i+k] = z[k%10] + .5*rng.NormFloat64()
		}
	}
	names := make([]string, d)
	for k := range names {
		names[k] = fmt.Sprint(k)
	}
	s, _, err := feature.Calibrate(x, feature.CalibrateOptions{Names: names, Features: 512, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(s)
	if err != nil {
		t.Fatal(err)
	}
	a := sketch.New(m)
	q := make([]int32, d)
	for i := 0; i < len(x); i += d {
		m.Quantise(q, x[i:i+d])
		a.Fold(q)
	}
	target, err := NewTarget(a)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// TestManyChannels: what a fit of many channels adds to the Gaussian that it starts from leaves the directions of least
// variance as wide as they are. Steps of the rate that suits thirty channels lose them, and then every record of the
// stream is odd.
func TestManyChannels(t *testing.T) {
	const d, n = 100, 4096
	target := factors(t, d, 2000)
	f := start(t, target, Config{Seed: 1, Steps: 150, Full: true}, nil)
	advance(t, f, 150)
	w := f.shape.view(f.mean)
	y, raw := make([]float32, d*block), w.raw(3, draw.Samples)
	x := mat.NewDense(n, d, nil)
	for b := range n / block {
		raw(uint64(b), y)
		for k := range d {
			for i := range block {
				x.Set(b*block+i, k, float64(y[k*block+i]))
			}
		}
	}
	c := mat.NewSymDense(d, nil)
	stat.CovarianceMatrix(c, x, nil)
	var e mat.EigenSym
	if !e.Factorize(c, false) {
		t.Fatal("the covariance has no eigenvalues")
	}
	// The noise has a variance of 0.2 standard units. The least direction of the 2000 records shows 0.60 of that, and
	// that of n generated ones 0.71 of theirs (Marchenko and Pastur, 1967).
	const want = .2 * .60 * .71
	least := e.Values(nil)[0]
	t.Logf("least variance %.3f, of the Gaussian that the fit starts from %.3f", least, want)
	if least < want/2 {
		t.Errorf("the least variance of generated records is %.3f where %.3f is known", least, want)
	}
}
