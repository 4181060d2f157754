package generator

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestPartsAreTheModel follows the documented format in double precision, bin
// by bin, and compares with what the model generates.
func TestPartsAreTheModel(t *testing.T) {
	const seed = 53
	rng := rand.New(rand.NewPCG(seed, 0))
	m := fitted(t, small3(t), Config{Seed: seed, Steps: 40, Hidden: 8, Latent: 4})
	m.out.off[1] = true
	p := m.Parts()
	r := reference{shape{p.Latent, p.Hidden, p.Dim}, nil}
	for l := range layers {
		r.flat = append(r.flat, wide(p.Weights[l])...)
		r.flat = append(r.flat, wide(p.Biases[l])...)
	}
	for _, v := range [][]float32{p.Out, p.Mean, p.Linear} {
		r.flat = append(r.flat, wide(v)...)
	}
	const n = 500
	u := make([]float64, n*p.Latent)
	for i := range u {
		u[i] = float64(float32(3 * rng.NormFloat64()))
	}
	got := m.Generate(make([]float64, n*p.Dim), u)
	far := 0
	for i := range n {
		for k, v := range r.record(u[i*p.Latent : (i+1)*p.Latent]) {
			want := v
			if !p.Off[k] {
				x := p.X[k*129 : (k+1)*129]
				b := -1
				for c := range 128 {
					if x[c] < x[c+1] && (b < 0 || x[c] <= v) {
						b = c
					}
				}
				want = p.Lo[k*128+b]
				if s := (v - x[b]) / (x[b+1] - x[b]); s > 0 {
					want += min(s, 1) * (p.Hi[k*128+b] - want)
				}
			}
			// Rounding may carry a value over the end of a bin.
			if math.Abs(got[i*p.Dim+k]-want) > 1e-3 {
				far++
			}
		}
	}
	if far > 2 {
		t.Errorf("%d of %d numbers differ from the documented format", far, n*p.Dim)
	}
	p.Mean[0]++
	if m.Parts().Mean[0] == p.Mean[0] {
		t.Error("Parts shares memory with the model")
	}
}

func wide(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}
