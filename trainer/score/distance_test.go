package score

import (
	"math"
	"math/rand/v2"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
)

// bent fits a few steps to records on a bent line.
func bent(t *testing.T) *Scorer {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	var x []float64
	for range 2000 {
		u := rng.NormFloat64()
		x = append(x, u, u*u+.1*rng.NormFloat64(), u-.1*rng.NormFloat64())
	}
	spec, _, err := feature.Calibrate(x, feature.CalibrateOptions{Names: []string{"a", "b", "c"}, Seed: 1, Features: 64})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	a, q := sketch.New(m), make([]int32, 3)
	for i := 0; i < len(x); i += 3 {
		m.Quantise(q, x[i:i+3])
		a.Fold(q)
	}
	target, err := generator.NewTarget(a)
	if err != nil {
		t.Fatal(err)
	}
	f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: 50}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Step(50); err != nil {
		t.Fatal(err)
	}
	s, err := New(f.Model(), spec, nil, Options{Records: 200, Calibration: 50, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDescentStaysOnItsSphereAndOnlyComesNearer(t *testing.T) {
	s := bent(t)
	const n, seed = 60, 4
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	k, d := s.model.Latent(), s.Dim()
	y, u, before := make([]float64, n*d), make([]float64, n*k), make([]float64, n)
	for i := range y {
		y[i] = 5 * rng.NormFloat64() // Most are far from anything generated.
	}
	s.white(y)
	for i := range n {
		at, square := s.nearest(y[i*d : (i+1)*d])
		copy(u[i*k:], s.latents[at*k:(at+1)*k])
		before[i] = square
	}
	after := append([]float64{}, before...)
	s.descend(y, u, after)
	out := s.model.Generate(make([]float64, n*d), u)
	s.white(out)
	nearer, reached := 0, 0
	for i := range n {
		square, length := 0.0, 0.0
		for c := range d {
			e := out[i*d+c] - y[i*d+c]
			square += e * e
		}
		for c := range k {
			length += u[i*k+c] * u[i*k+c]
		}
		if math.Abs(square-after[i]) > 1e-6*(1+square) {
			t.Errorf("record %d: the squared distance is said to be %g and is %g", i, after[i], square)
		}
		if after[i] > before[i] {
			t.Errorf("record %d: from %g to %g", i, before[i], after[i])
		}
		if after[i] < .99*before[i] {
			nearer++
		}
		length = math.Sqrt(length)
		if length > s.radius*(1+1e-9) {
			t.Errorf("record %d: a latent of length %g, the radius is %g", i, length, s.radius)
		}
		if length > .99*s.radius {
			reached++
		}
	}
	t.Logf("%d of %d came nearer, %d to the end of the sphere", nearer, n, reached)
	if nearer < n/2 || reached == 0 {
		t.Errorf("%d of %d came nearer, %d to the end of the sphere", nearer, n, reached)
	}
}

// The whitened records have covariance 1.
func TestWhiteningIsTheInverseOfTheSpread(t *testing.T) {
	s := bent(t)
	d := s.Dim()
	n := len(s.records) / d
	mean, cov := make([]float64, d), make([]float64, d*d)
	for i, v := range s.records {
		mean[i%d] += v / float64(n)
	}
	for i := range n {
		for a := range d {
			for b := range d {
				cov[a*d+b] += (s.records[i*d+a] - mean[a]) * (s.records[i*d+b] - mean[b]) / float64(n)
			}
		}
	}
	for a := range d {
		for b := range d {
			want := 0.0
			if a == b {
				want = 1
			}
			// A direction with hardly any variance has less than 1, for leastVariance is added to it.
			if e := math.Abs(cov[a*d+b] - want); e > .05 {
				t.Errorf("covariance %d, %d is %g", a, b, cov[a*d+b])
			}
		}
	}
}
