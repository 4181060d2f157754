package generator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"phasor/trainer/generator/internal/kernel"
	"phasor/trainer/generator/optim"
)

// noise returns a problem of m random frequencies in d dimensions.
func noise(d, m int) *problem {
	rng := rand.New(rand.NewPCG(1, 0))
	omega, z := make([]float32, m*d), make([]complex128, m)
	for i := range omega {
		omega[i] = float32(rng.NormFloat64() / 6)
	}
	for j := range z {
		z[j] = complex(rng.NormFloat64()/10, rng.NormFloat64()/10)
	}
	return newProblem(d, 1e4, omega, z, 1)
}

// BenchmarkStep is a whole step of a fit, with the optimiser's.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		d, m, subset, hidden, batch int
	}{
		{2, 1024, 512, 64, 512}, {8, 1024, 512, 64, 512}, {8, 1024, 1024, 64, 512}, {10, 1024, 1024, 128, 1024}, {52, 4096, 512, 128, 512},
	} {
		for _, set := range kernel.Available() {
			b.Run(fmt.Sprintf("d=%d/m=%d/subset=%d/hidden=%d/batch=%d/kernel=%s", c.d, c.m, c.subset, c.hidden, c.batch, set.Name), func(b *testing.B) {
				b.Setenv("PHASOR_KERNEL", set.Name)
				p := noise(c.d, c.m)
				config := Config{Subset: c.subset, Hidden: c.hidden, Batch: c.batch}.withDefaults(c.d, false)
				s := shape{config.Latent, config.Hidden, c.d}
				flat := s.start(make([]float64, c.d), identity(c.d), 1)
				w, mean := s.view(flat), slices.Clone(flat)
				st, adam := newStepper(p, s, config), optim.NewAdam(len(flat))
				n := 0
				for b.Loop() {
					st.gradient(&w, n)
					adam.Update(flat, st.grad, config.LR)
					st.set.Average(mean, flat, decay)
					n++
				}
			})
		}
	}
}

func identity(d int) []float64 {
	c := make([]float64, d*d)
	for k := range d {
		c[k*d+k] = 1
	}
	return c
}

func BenchmarkSample(b *testing.B) {
	m := tiny(b)
	for b.Loop() {
		m.Sample(1024, 1)
	}
	b.ReportMetric(float64(b.N)*1024/b.Elapsed().Seconds(), "records/s")
}
