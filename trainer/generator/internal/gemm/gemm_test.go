package gemm

import (
	"math"
	"math/rand/v2"
	"testing"
)

func fill(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// TestAgainstDefinition walks odd and even shapes, compares with the triple
// loop in double precision and guards the memory behind C.
func TestAgainstDefinition(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	sizes := []int{0, 1, 2, 3, 5, 8, 17, 64, 129}
	for _, m := range sizes {
		for _, n := range sizes {
			for _, k := range sizes {
				a, b, c0 := fill(rng, m*k), fill(rng, n*k), fill(rng, m*n)
				for _, transposed := range []bool{true, false} {
					guarded := append(append([]float32{}, c0...), float32(math.NaN()))
					c := guarded[:m*n]
					if transposed {
						AddTN(c, a, b, m, n, k)
					} else {
						AddNT(c, a, b, m, n, k)
					}
					if !math.IsNaN(float64(guarded[m*n])) {
						t.Fatalf("%dx%dx%d wrote behind C", m, n, k)
					}
					for i := range m {
						for j := range n {
							want, scale := float64(c0[i*n+j]), 1.0
							for l := range k {
								var p float64
								if transposed {
									p = float64(a[l*m+i]) * float64(b[l*n+j])
								} else {
									p = float64(a[i*k+l]) * float64(b[j*k+l])
								}
								want, scale = want+p, scale+math.Abs(p)
							}
							if got := float64(c[i*n+j]); math.Abs(got-want) > 1e-6*scale {
								t.Fatalf("%dx%dx%d transposed=%v at %d,%d: %g, want %g", m, n, k, transposed, i, j, got, want)
							}
						}
					}
				}
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	a := []float32{1, 2, 3, 4, 5, 6}
	dst := make([]float32, 6)
	Transpose(dst, a, 2, 3)
	for i, want := range []float32{1, 4, 2, 5, 3, 6} {
		if dst[i] != want {
			t.Fatalf("transpose of 2x3: %v", dst)
		}
	}
}

func TestShortSlicesPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"AddTN":     func() { AddTN(make([]float32, 3), make([]float32, 2), make([]float32, 2), 2, 2, 1) },
		"AddNT":     func() { AddNT(make([]float32, 4), make([]float32, 1), make([]float32, 2), 2, 2, 1) },
		"Transpose": func() { Transpose(make([]float32, 4), make([]float32, 3), 2, 2) },
	} {
		func() {
			defer func() {
				if recover() != ErrShape {
					t.Errorf("%s with a short slice did not panic with ErrShape", name)
				}
			}()
			f()
		}()
	}
}

func TestNoAllocation(t *testing.T) {
	a, b, c := make([]float32, 64*64), make([]float32, 64*128), make([]float32, 64*128)
	if n := testing.AllocsPerRun(10, func() {
		AddTN(c, a, b, 64, 128, 64)
		AddNT(a, b, c, 64, 64, 128)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkAddTN(b *testing.B) {
	x, y, z := make([]float32, 64*64), make([]float32, 64*128), make([]float32, 64*128)
	for b.Loop() {
		AddTN(z, x, y, 64, 128, 64)
	}
	b.ReportMetric(64*128*64*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}

func BenchmarkAddNT(b *testing.B) {
	x, y, z := make([]float32, 64*128), make([]float32, 64*128), make([]float32, 64*64)
	for b.Loop() {
		AddNT(z, x, y, 64, 64, 128)
	}
	b.ReportMetric(64*128*64*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}
