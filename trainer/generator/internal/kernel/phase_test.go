package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// layout returns frequencies by tiles of 32.
func layout(omega []float32, d int) []float32 {
	tiles := make([]float32, len(omega))
	for i, v := range omega {
		j, k := i/d, i%d
		tiles[j/Tile*Tile*d+k*Tile+j%Tile] = v
	}
	return tiles
}

// turn returns the cosine and sine of omega_j.y_i in double precision.
func turn(omega, y []float32, i, j, n, d int) (cos, sin float64) {
	p := 0.0
	for k := range d {
		p += float64(omega[j*d+k]) * float64(y[k*n+i])
	}
	sin, cos = math.Sincos(2 * math.Pi * math.Mod(p, 1))
	return cos, sin
}

// TestPhases compares sums and gradients with double precision, for all numbers of
// records on memory between pages that cannot be touched.
func TestPhases(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, s := range available {
		rng := rand.New(rand.NewPCG(seed, 0))
		var room Room
		for _, m := range []int{32, 96, 160} {
			for _, d := range []int{1, 2, 3, 8, 10, 33} {
				for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 100, 127, 128} {
					put := func(v []float32) []float32 {
						f := fenced(t, len(v), n%2 == 0)
						copy(f, v)
						return f
					}
					omega := put(normals(rng, m*d))
					tiles := put(layout(omega, d))
					y, re, im := put(normals(rng, n*d)), put(normals(rng, m)), put(normals(rng, m))
					cos, sin, dy := put(make([]float32, m)), put(make([]float32, m)), put(normals(rng, n*d))
					s.Sums(&room, cos, sin, tiles, y, n, d)
					s.Pull(&room, dy, y, tiles, omega, re, im, n, d)
					want := make([]float64, n*d)
					size := 0.0
					for j := range m {
						var c, si float64
						for i := range n {
							x, z := turn(omega, y, i, j, n, d)
							c, si = c+x, si+z
							w := float64(re[j])*z - float64(im[j])*x
							size += w * w
							for k := range d {
								want[k*n+i] += w * float64(omega[j*d+k])
							}
						}
						if e := max(math.Abs(float64(cos[j])-c), math.Abs(float64(sin[j])-si)); !(e < 1e-5*float64(n)*math.Sqrt(float64(d))) {
							t.Fatalf("%s m=%d d=%d n=%d: sums of frequency %d are %v, %v, want %v, %v", s.Name, m, d, n, j, cos[j], sin[j], c, si)
						}
					}
					for i, v := range want {
						if !(math.Abs(float64(dy[i])-v) < 1e-4*math.Sqrt(size/float64(n)*float64(d))) {
							t.Fatalf("%s m=%d d=%d n=%d: gradient %d is %v, want %v", s.Name, m, d, n, i, dy[i], v)
						}
					}
				}
			}
		}
	}
}

// phasors returns cosine and sine of phases, one call a phase: the phase of the
// first frequency is that of the only record.
func phasors(s *Set, room *Room, turns []float32) (cos, sin []float32) {
	for ; len(turns) > 0; turns = turns[Tile:] {
		var c, si [Tile]float32
		s.Sums(room, c[:], si[:], turns[:Tile], []float32{1}, 1, 1)
		cos, sin = append(cos, c[:]...), append(sin, si[:]...)
	}
	return cos, sin
}

// TestPhasors is the accuracy of one phasor, by Sums and by Pull.
func TestPhasors(t *testing.T) {
	var turns []float32
	for v := -3.0; v < 3; v += 1e-4 {
		turns = append(turns, float32(v))
	}
	turns = append(turns, 0, 0.25, -0.25, 0.5, -0.5, 0.75, 1, -1, 1000.125, -4096.375, 100000.5, 1<<22, 1<<23+1, 3e38, -3e38, 1e-30, math.SmallestNonzeroFloat32)
	turns = slices.Grow(turns, Tile)[:(len(turns)+Tile-1)/Tile*Tile]
	for _, s := range available {
		var room Room
		cos, sin := phasors(s, &room, turns)
		worst, weights := 0.0, 0.0
		for i, v := range turns {
			wantSin, wantCos := math.Sincos(2 * math.Pi * math.Mod(float64(v), 1))
			worst = max(worst, math.Abs(float64(cos[i])-wantCos), math.Abs(float64(sin[i])-wantSin))
			// One frequency of weight 1 in a channel that does not turn anything.
			var dy [2]float32
			omega, re, im := make([]float32, 2*Tile), make([]float32, Tile), make([]float32, Tile)
			omega[0], omega[1] = v, 1
			re[0], im[0] = 0.6, -0.8
			s.Pull(&room, dy[:], []float32{1, 0}, layout(omega, 2), omega, re, im, 1, 2)
			weights = max(weights, math.Abs(float64(dy[1])-(float64(re[0])*wantSin-float64(im[0])*wantCos)))
		}
		t.Logf("%s: largest error %.3g, of weighted sums %.3g", s.Name, worst, weights)
		if limit := 8e-7; worst > limit || weights > limit {
			t.Errorf("%s: largest errors %.3g and %.3g, want at most %g", s.Name, worst, weights, limit)
		}
	}
}

func TestPhasesOfInfinityAndNaN(t *testing.T) {
	for _, s := range available {
		var room Room
		turns := make([]float32, Tile)
		turns[0], turns[1], turns[2] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
		cos, sin := phasors(s, &room, turns)
		for i := range 3 {
			if cos[i] == cos[i] || sin[i] == sin[i] {
				t.Errorf("%s: phase %v gives %v, %v: a diverged fit must not look finite", s.Name, turns[i], cos[i], sin[i])
			}
		}
		if cos[3] != 1 || sin[3] != 0 {
			t.Errorf("%s: phase 0 beside them gives %v, %v", s.Name, cos[3], sin[3])
		}
	}
}

func BenchmarkSums(b *testing.B) { benchmarkPhases(b, false) }

func BenchmarkPull(b *testing.B) { benchmarkPhases(b, true) }

func benchmarkPhases(b *testing.B, back bool) {
	const m, n = 928, 128
	rng := rand.New(rand.NewPCG(3, 0))
	for _, d := range []int{2, 10, 52} {
		omega := normals(rng, m*d)
		tiles, y, re, im, dy := layout(omega, d), normals(rng, n*d), normals(rng, m), normals(rng, m), make([]float32, n*d)
		var room Room
		for _, s := range available {
			b.Run(fmt.Sprintf("d=%d/kernel=%s", d, s.Name), func(b *testing.B) {
				for b.Loop() {
					if back {
						s.Pull(&room, dy, y, tiles, omega, re, im, n, d)
					} else {
						s.Sums(&room, re, im, tiles, y, n, d)
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/(m*n), "ns/phase")
			})
		}
	}
}
