package mixture

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The solution of a convex problem is the point with a slope of zero where it is positive, and not below where it is zero.
func TestNNLSMeetsItsConditions(t *testing.T) {
	const seed = 3
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	zeros := 0
	for trial := range 500 {
		n, rows := 1+rng.IntN(8), 1+rng.IntN(12)
		a, b := make([]float64, rows*n), make([]float64, rows)
		for i := range a {
			a[i] = rng.NormFloat64()
		}
		if trial%5 == 0 && n > 1 { // Two equal columns.
			for i := range rows {
				a[i*n] = a[i*n+1]
			}
		}
		for i := range b {
			b[i] = rng.NormFloat64()
		}
		g, h := make([]float64, n*n), make([]float64, n)
		for i := range n {
			for r := range rows {
				h[i] += a[r*n+i] * b[r]
				for j := range n {
					g[i*n+j] += a[r*n+i] * a[r*n+j]
				}
			}
		}
		x := nnls(g, h)
		for i, v := range x {
			slope := -h[i]
			for j := range n {
				slope += g[i*n+j] * x[j]
			}
			switch {
			case v < 0 || math.IsNaN(v):
				t.Fatalf("trial %d: x = %v", trial, x)
			case v == 0:
				zeros++
				if slope < -1e-6 {
					t.Fatalf("trial %d: slope %g at zero %d", trial, slope, i)
				}
			case math.Abs(slope) > 1e-6:
				t.Fatalf("trial %d: slope %g at %g, number %d", trial, slope, v, i)
			}
		}
	}
	if zeros == 0 {
		t.Error("no bound was ever met")
	}
}
