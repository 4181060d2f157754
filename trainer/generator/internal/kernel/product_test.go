package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

func normals(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// odd is a fused multiply-add of binary32: the sum in binary64 is rounded to odd,
// so that rounding it again to binary32 gives what one rounding would (Boldo and
// Melquiond, Emulation of FMA and correctly rounded sums, 2008).
func odd(a, b, c float32) float32 {
	p, q := float64(a)*float64(b), float64(c)
	s := p + q
	t := s - p
	if e := (p - (s - t)) + (q - t); e != 0 {
		if bits := math.Float64bits(s); bits&1 == 0 {
			if (e > 0) == (s > 0) {
				bits++
			} else {
				bits--
			}
			s = math.Float64frombits(bits)
		}
	}
	return float32(s)
}

// product is one of the three, with its elements by index.
type product struct {
	name string
	add  func(s *Set) func(c, a, b []float32, m, n, k int)
	a, b func(i, l, m, n, k int) int
}

var products = []product{
	{"AddTN", func(s *Set) func(c, a, b []float32, m, n, k int) { return s.AddTN },
		func(i, l, m, n, k int) int { return l*m + i }, func(j, l, m, n, k int) int { return l*n + j }},
	{"AddNN", func(s *Set) func(c, a, b []float32, m, n, k int) { return s.AddNN },
		func(i, l, m, n, k int) int { return i*k + l }, func(j, l, m, n, k int) int { return l*n + j }},
	{"AddNT", func(s *Set) func(c, a, b []float32, m, n, k int) { return s.AddNT },
		func(i, l, m, n, k int) int { return i*k + l }, func(j, l, m, n, k int) int { return j*k + l }},
}

// check compares a product with chains of fused multiply-adds, to the bit for
// assembly and to the rounding for the portable kernel.
func (p product) check(t *testing.T, s *Set, c, c0, a, b []float32, m, n, k int) {
	t.Helper()
	for i := range m {
		for j := range n {
			want, scale := c0[i*n+j], math.Abs(float64(c0[i*n+j]))
			for l := range k {
				x, y := a[p.a(i, l, m, n, k)], b[p.b(j, l, m, n, k)]
				want = odd(x, y, want)
				scale += math.Abs(float64(x) * float64(y))
			}
			got := c[i*n+j]
			if s == portable && math.Abs(float64(got)-float64(want)) > 1e-6*scale || s != portable && got != want {
				t.Fatalf("%s %dx%dx%d at %d,%d: %g, want %g", p.name, m, n, k, i, j, got, want)
			}
		}
	}
}

// shapes returns sizes m, n and k that meet every tile and every tail.
func shapes() [][3]int {
	v := [][3]int{{64, 128, 128}, {128, 64, 129}, {13, 41, 300}, {5, 16, 257}, {129, 33, 127}}
	sizes := []int{0, 1, 2, 5, 8, 11, 16, 17, 33, 50}
	if os.Getenv("PHASOR_LONG") != "" {
		for i := range 40 {
			sizes = append(sizes, i)
		}
	}
	for _, m := range sizes {
		for _, n := range sizes {
			for _, k := range sizes {
				v = append(v, [3]int{m, n, k})
			}
		}
	}
	return v
}

// TestProducts walks odd and even shapes on memory between pages that cannot be
// touched.
func TestProducts(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, s := range available {
		t.Run(s.Name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			const most = 300 * 300
			for _, atEnd := range []bool{true, false} {
				room := [3][]float32{fenced(t, most, atEnd), fenced(t, most, atEnd), fenced(t, most, atEnd)}
				take := func(r, n int) []float32 {
					v := room[r][:n]
					if atEnd {
						v = room[r][most-n:]
					}
					for i := range v {
						v[i] = float32(rng.NormFloat64())
					}
					return v
				}
				for _, shape := range shapes() {
					m, n, k := shape[0], shape[1], shape[2]
					a, b, c := take(0, m*k), take(1, n*k), take(2, m*n)
					c0 := slices.Clone(c)
					a0, b0 := slices.Clone(a), slices.Clone(b)
					for _, p := range products {
						copy(c, c0)
						p.add(s)(c, a, b, m, n, k)
						p.check(t, s, c, c0, a, b, m, n, k)
					}
					if !slices.Equal(a, a0) || !slices.Equal(b, b0) {
						t.Fatalf("%dx%dx%d overwrote a factor", m, n, k)
					}
				}
			}
		})
	}
}

// TestProductsLeaveTheRest: nothing around C is written, not even with what was
// there.
func TestProductsLeaveTheRest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	nan := float32(math.NaN())
	for _, s := range available {
		for _, p := range products {
			for m := 1; m < 20; m++ {
				for n := 1; n < 40; n++ {
					const k, before = 3, 40
					all := slices.Repeat([]float32{nan}, before+m*n+40)
					c := all[before : before+m*n]
					clear(c)
					p.add(s)(c, normals(rng, m*k), normals(rng, n*k), m, n, k)
					for i, v := range all {
						if outside := i < before || i >= before+m*n; outside != (v != v) {
							t.Fatalf("%s %s %dx%d: element %d of C is %v", s.Name, p.name, m, n, i-before, v)
						}
					}
				}
			}
		}
	}
}

// TestProductsInParts: rows and columns that different goroutines compute have the
// bits of the whole.
func TestProductsInParts(t *testing.T) {
	const m, n, k, cut = 45, 77, 300, 31
	rng := rand.New(rand.NewPCG(2, 0))
	a, b := normals(rng, m*k), normals(rng, n*k)
	for _, s := range available {
		whole, parts := make([]float32, m*n), make([]float32, m*n)
		s.AddNT(whole, a, b, m, n, k)
		s.AddNT(parts, a, b, cut, n, k)
		s.AddNT(parts[cut*n:], a[cut*k:], b, m-cut, n, k)
		if !slices.Equal(whole, parts) {
			t.Errorf("%s: rows in two parts have other bits", s.Name)
		}
		left, right := make([]float32, m*cut), make([]float32, m*(n-cut))
		s.AddNT(left, a, b, m, cut, k)
		s.AddNT(right, a, b[cut*k:], m, n-cut, k)
		for i := range m {
			if !slices.Equal(whole[i*n:i*n+cut], left[i*cut:i*cut+cut]) || !slices.Equal(whole[i*n+cut:i*n+n], right[i*(n-cut):(i+1)*(n-cut)]) {
				t.Fatalf("%s: columns in two parts have other bits in row %d", s.Name, i)
			}
		}
	}
}

func TestShortSlicesPanic(t *testing.T) {
	v := func(n int) []float32 { return make([]float32, n) }
	for _, s := range available {
		for name, f := range map[string]func(){
			"AddTN":   func() { s.AddTN(v(3), v(2), v(2), 2, 2, 1) },
			"AddNN":   func() { s.AddNN(v(4), v(2), v(1), 2, 2, 1) },
			"AddNT":   func() { s.AddNT(v(4), v(1), v(2), 2, 2, 1) },
			"size":    func() { s.AddNT(v(4), v(4), v(4), -1, 2, 1) },
			"Sums":    func() { s.Sums(new(Room), v(Tile), v(Tile), v(Tile*2), v(5), 3, 2) },
			"partial": func() { s.Sums(new(Room), v(Tile-1), v(Tile-1), v(Tile*2-2), v(6), 3, 2) },
			"many":    func() { s.Sums(new(Room), v(Tile), v(Tile), v(Tile), v(Width+1), Width+1, 1) },
			"Pull":    func() { s.Pull(new(Room), v(6), v(6), v(Tile*2), v(Tile), v(Tile), v(Tile), 3, 2) },
			"Tanh":    func() { s.Tanh(v(6), v(2), 4) },
			"Through": func() { s.Through(v(2), v(6), v(5), 3) },
			"Adam":    func() { s.Adam(v(2), v(2), v(2), v(3), Moments{}) },
			"Average": func() { s.Average(v(2), v(3), 1) },
			"Add":     func() { s.Add(v(2), v(3)) },
		} {
			func() {
				defer func() {
					if recover() != ErrShape {
						t.Errorf("%s: %s with a wrong length did not panic with ErrShape", s.Name, name)
					}
				}()
				f()
			}()
		}
	}
}

func TestNoAllocation(t *testing.T) {
	a, b, c := make([]float32, 64*128), make([]float32, 64*128), make([]float32, 128*128)
	var room Room
	for _, s := range available {
		if n := testing.AllocsPerRun(10, func() {
			s.AddTN(c, a, b, 64, 128, 64)
			s.AddNN(c, a, b, 64, 128, 64)
			s.AddNT(c, a, b, 64, 64, 128)
			s.Sums(&room, c[:64], c[64:128], a[:640], b, 100, 10)
			s.Pull(&room, c, b, a[:640], a[:640], b[:64], b[:64], 100, 10)
			s.Tanh(c, a[:128], 128)
			s.Through(c[:64], a, b, 128)
			s.Adam(a, b, c[:len(a)], c[len(a):], Moments{Epsilon: 1})
			s.Average(a, b, .5)
			s.Add(a, b)
		}); n != 0 {
			t.Errorf("%s: %v allocations", s.Name, n)
		}
	}
}

func BenchmarkProducts(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 0))
	for _, p := range products {
		for _, size := range [][3]int{{64, 128, 64}, {128, 128, 128}, {16, 128, 128}, {128, 128, 16}, {10, 128, 928}, {128, 10, 128}} {
			m, n, k := size[0], size[1], size[2]
			x, y, z := normals(rng, m*k), normals(rng, n*k), make([]float32, m*n)
			for _, s := range available {
				b.Run(fmt.Sprintf("%s/m=%d/n=%d/k=%d/kernel=%s", p.name, m, n, k, s.Name), func(b *testing.B) {
					add := p.add(s)
					for b.Loop() {
						add(z, x, y, m, n, k)
					}
					b.ReportMetric(float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
				})
			}
		}
	}
}
