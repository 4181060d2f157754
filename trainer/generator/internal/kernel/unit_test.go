package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// TestTanh walks the numbers up to 16 in both signs.
func TestTanh(t *testing.T) {
	stride := uint32(4001)
	if os.Getenv("PHASOR_LONG") != "" {
		stride = 97
	}
	for _, s := range available {
		worst, at := 0.0, float32(0)
		x := make([]float32, 0, 4096)
		var from []float32
		flush := func() {
			from = append(from[:0], x...)
			s.Tanh(x, []float32{0}, len(x))
			for i, v := range x {
				if d := math.Abs(float64(v) - math.Tanh(float64(from[i]))); !(d <= worst) || v > 1 || v < -1 {
					worst, at = d, from[i]
					if v > 1 || v < -1 {
						worst = math.Inf(1)
					}
				}
			}
			x = x[:0]
		}
		for bits := uint32(0); bits < math.Float32bits(16); bits += stride {
			v := math.Float32frombits(bits)
			if x = append(x, v, -v); len(x) == cap(x) {
				flush()
			}
		}
		flush()
		t.Logf("%s: largest error %.3g at %g", s.Name, worst, at)
		if worst > 4e-7 {
			t.Errorf("%s: largest error %.3g at %g, want at most 4e-7, and nothing beyond 1", s.Name, worst, at)
		}
	}
}

func TestTanhOfSpecialValues(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, s := range available {
		x := []float32{0, inf, -inf, 3e38, -3e38, float32(math.NaN()), 20, -20}
		s.Tanh(x, []float32{0}, len(x))
		if want := []float32{0, 1, -1, 1, -1}; !slices.Equal(x[:5], want) || x[5] == x[5] || x[6] != 1 || x[7] != -1 {
			t.Errorf("%s: tanh of 0, ±Inf, ±3e38, NaN, ±20: %v", s.Name, x)
		}
	}
}

// TestElementwise compares all lengths with double precision, on memory between
// pages that cannot be touched.
func TestElementwise(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, s := range available {
		rng := rand.New(rand.NewPCG(seed, 0))
		for n := range 70 {
			put := func(v []float32) []float32 {
				f := fenced(t, len(v), n%2 == 0)
				copy(f, v)
				return f
			}
			near := func(what string, got float32, want float64) {
				t.Helper()
				if !(math.Abs(float64(got)-want) <= 1e-6*(1+math.Abs(want))) {
					t.Fatalf("%s: %s of %d: %v, want %v", s.Name, what, n, got, want)
				}
			}
			x, y := put(normals(rng, n)), put(normals(rng, n))
			x0 := slices.Clone(x)
			s.Add(x, y)
			for i := range x {
				near("sum", x[i], float64(x0[i])+float64(y[i]))
			}
			copy(x0, x)
			s.Average(x, y, .9)
			for i := range x {
				near("average", x[i], .9*float64(x0[i])+.1*float64(y[i]))
			}

			rows := 1 + n%3
			bias, dh, h := put(normals(rng, rows)), put(normals(rng, rows*n)), put(normals(rng, rows*n))
			h0 := slices.Clone(h)
			s.Tanh(h, bias, n)
			for i, v := range h {
				near("tanh", v, math.Tanh(float64(h0[i])+float64(bias[i/n])))
			}
			bias0, dh0 := slices.Clone(bias), slices.Clone(dh)
			s.Through(bias, dh, h, n)
			for r := range bias {
				sum, size := float64(bias0[r]), math.Abs(float64(bias0[r]))
				for i := r * n; i < r*n+n; i++ {
					near("gradient", dh[i], float64(dh0[i])*(1-float64(h[i])*float64(h[i])))
					sum += float64(dh[i])
					size += math.Abs(float64(dh[i]))
				}
				if !(math.Abs(float64(bias[r])-sum) <= 1e-6*size) {
					t.Fatalf("%s: gradient of a bias of %d: %v, want %v", s.Name, n, bias[r], sum)
				}
			}

			w, g, m, v := put(normals(rng, n)), put(normals(rng, n)), put(normals(rng, n)), put(normals(rng, n))
			for i := range v {
				v[i] *= v[i]
			}
			w0, m0, v0 := slices.Clone(w), slices.Clone(m), slices.Clone(v)
			s.Adam(w, g, m, v, Moments{.9, .99, .01, 3, 1e-8})
			for i := range w {
				first, second := .9*float64(m0[i])+.1*float64(g[i]), .99*float64(v0[i])+.01*float64(g[i])*float64(g[i])
				near("first moment", m[i], first)
				near("second moment", v[i], second)
				near("weight", w[i], float64(w0[i])-.01*first/(math.Sqrt(3*second)+1e-8))
			}
		}
	}
}

func BenchmarkUnits(b *testing.B) {
	const n = 4096
	rng := rand.New(rand.NewPCG(3, 0))
	start := normals(rng, 4*n)
	for _, s := range available {
		all := slices.Clone(start)
		w, g, m, v := all[:n], all[n:2*n], all[2*n:3*n], all[3*n:]
		for _, f := range []struct {
			name string
			call func()
		}{
			{"Tanh", func() { copy(w, m); s.Tanh(w, g[:n/128], 128) }},
			{"Through", func() { copy(g, m); s.Through(v[:n/128], g, w, 128) }},
			{"Adam", func() { s.Adam(w, g, m, v, Moments{.9, .99, .01, 1, 1e-8}) }},
			{"Average", func() { s.Average(m, w, .99) }},
			{"Add", func() { s.Add(m, w) }},
		} {
			b.Run(fmt.Sprintf("%s/kernel=%s", f.name, s.Name), func(b *testing.B) {
				// Numbers that do not get so small that they take longer.
				copy(all, start)
				for i := range v {
					v[i] *= v[i]
				}
				for b.Loop() {
					f.call()
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/element")
			})
		}
	}
}
