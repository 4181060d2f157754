package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// values returns n numbers of which some are extremes of int32 within the bound.
func values(rng *rand.Rand, n int, bound int32) []int32 {
	v := make([]int32, n)
	for i := range v {
		switch rng.IntN(16) {
		case 0:
			v[i] = bound
		case 1:
			v[i] = -bound
		case 2:
			v[i] = 0
		case 3:
			v[i] = int32(rng.Uint32()) % bound
		default:
			v[i] = int32(rng.NormFloat64()*0x1p16) % bound
		}
	}
	return v
}

// frequencies returns rows of which some fit in 16 bits, to their ends.
func frequencies(rng *rand.Rand, d int) [][Lanes]int32 {
	omega := make([][Lanes]int32, d)
	for k := range omega {
		if rng.IntN(2) == 0 {
			copy(omega[k][:], values(rng, Lanes, math.MaxInt32))
			continue
		}
		for j := range Lanes {
			omega[k][j] = []int32{math.MinInt16, math.MaxInt16, rng.Int32N(1<<16) + math.MinInt16}[rng.IntN(3)]
		}
	}
	return omega
}

const limit = 1<<23 - 1

// guarded is a slice between two canaries, at any alignment of its elements.
type guarded[T int32 | int64] struct {
	all      []T
	from, to int
}

const canary = 0x5a5a5a5a

func guard[T int32 | int64](v []T, shift int) *guarded[T] {
	g := &guarded[T]{make([]T, len(v)+96+shift), 64 + shift, 64 + shift + len(v)}
	for i := range g.all {
		g.all[i] = canary
	}
	copy(g.slice(), v)
	return g
}

func (g *guarded[T]) slice() []T { return g.all[g.from:g.to:g.to] }

func (g *guarded[T]) intact() bool {
	for i, x := range g.all {
		if (i < g.from || i >= g.to) && x != canary {
			return false
		}
	}
	return true
}

func dims(t *testing.T) []int {
	if os.Getenv("PHASOR_LONG") == "" {
		return []int{1, 2, 3, 7, 8, 9, 10, 16, 17, 31, 64, 127, 128, 129, 130, 513}
	}
	var d []int
	for k := range 130 {
		d = append(d, k+1)
	}
	return d
}

// slowly is Sums with the definition of an element.
func slowly(a, b *[Lanes]int64, omega [][Lanes]int32, q []int32) {
	for d := len(omega); len(q) > 0; q = q[d:] {
		for j := range Lanes {
			var p int32
			for k, x := range q[:d] {
				p += x * omega[k][j]
			}
			s, c := byOdd(p)
			a[j], b[j] = a[j]+int64(s), b[j]+int64(c)
		}
	}
}

// Every kernel adds the same integers as the portable one, and that one those of
// the definition, for every number of records, and touches nothing around its
// arguments.
func TestSetsAreEqual(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, set := range available() {
		t.Run(set.Name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			for _, d := range dims(t) {
				for n := range MaxRecords + 1 {
					if few := d > 3 && d != 10 && n%23 > 4 || set.Name == portable.Name && n%61 > 4; few && os.Getenv("PHASOR_LONG") == "" {
						continue
					}
					omega := frequencies(rng, d)
					q := guard(values(rng, n*d, limit), n%16)
					start := make([]int64, 2*Lanes)
					for i := range start {
						start[i] = rng.Int64() >> 1
					}
					got, want := guard(start, n%8), slices.Clone(start)
					frozen := slices.Clone(omega)
					before := slices.Clone(q.slice())
					set.Blocks(got.slice()[:Lanes], got.slice()[Lanes:], set.Pack(omega, d), q.slice(), d)
					reference := Portable
					if set.Name == portable.Name {
						reference = slowly
					}
					reference((*[Lanes]int64)(want), (*[Lanes]int64)(want[Lanes:]), omega, q.slice())
					if !slices.Equal(got.slice(), want) {
						t.Fatalf("d=%d n=%d: sums %v, portable %v", d, n, got.slice(), want)
					}
					if !got.intact() || !q.intact() || !slices.Equal(q.slice(), before) || !slices.Equal(frozen, omega) {
						t.Fatalf("d=%d n=%d: wrote where it must not", d, n)
					}
				}
			}
		})
	}
}

// Frequencies with high halves change places: their sums must not, and only the last
// blocks may have rows for them.
func TestHighHalvesAreGathered(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, set := range available() {
		rng := rand.New(rand.NewPCG(seed, 0))
		for _, m := range []int{32, 64, 96, 1024, 4096} {
			for _, share := range []float64{0, 0.03, 0.5, 1} {
				const d = 5
				n := 1 + rng.IntN(20)
				omega, q := make([][Lanes]int32, m/Lanes*d), values(rng, n*d, limit)
				rare := 0
				for j := range m {
					if rng.Float64() < share {
						omega[j/Lanes*d+rng.IntN(d)][j%Lanes] = math.MinInt16 - 1 - rng.Int32N(1<<20)
						rare++
					}
				}
				for i := range omega {
					for j := range Lanes {
						if omega[i][j] == 0 {
							omega[i][j] = rng.Int32N(1<<16) + math.MinInt16
						}
					}
				}
				got, want := make([]int64, 2*m), make([]int64, 2*m)
				for i := range got {
					got[i] = rng.Int64() >> 1
				}
				copy(want, got)
				packed := set.Pack(omega, d)
				set.Blocks(got[:m], got[m:], packed, q, d)
				PortableBlocks(want[:m], want[m:], portable.Pack(omega, d), q, d)
				if !slices.Equal(got, want) {
					t.Fatalf("%s m=%d, %d rare frequencies, n=%d: sums differ from the portable ones", set.Name, m, rare, n)
				}
				plain := m/Lanes - (rare+Lanes-1)/Lanes
				for i, block := range packed.blocks[:min(plain, len(packed.blocks))] {
					if block.all != 2*pairs(d) {
						t.Fatalf("%s m=%d, %d rare frequencies: block %d has %d rows", set.Name, m, rare, i, block.all)
					}
				}
			}
		}
	}
}

// The extreme phases, one frequency of one channel that is the phase itself.
func TestSetsAtTheCorners(t *testing.T) {
	for _, set := range available() {
		list := corners()
		for len(list)%Lanes != 0 {
			list = append(list, 0)
		}
		for ; len(list) > 0; list = list[Lanes:] {
			var a, b, x, y [Lanes]int64
			omega := [][Lanes]int32{[Lanes]int32(list)}
			q := slices.Repeat([]int32{1}, MaxRecords)
			set.Blocks(a[:], b[:], set.Pack(omega, 1), q, 1)
			for j, p := range list[:Lanes] {
				s, c := exact(p)
				x[j], y[j] = MaxRecords*int64(s), MaxRecords*int64(c)
			}
			if a != x || b != y {
				t.Fatalf("%s: phases %v: %v %v, want %v %v", set.Name, list[:Lanes], a, b, x, y)
			}
		}
	}
}

// Every one of the 2^32 phases, with PHASOR_LONG=1.
func TestSetsOnEveryPhase(t *testing.T) {
	step := int64(1_000_003)
	if os.Getenv("PHASOR_LONG") != "" {
		step = Lanes * MaxRecords
	}
	for _, set := range available() {
		if set.Name == portable.Name {
			continue
		}
		for p := int64(0); p < 1<<32; p += step {
			// Channel 0 counts records, channel 1 carries lanes and the start.
			var omega [2][Lanes]int32
			var q [2 * MaxRecords]int32
			for j := range Lanes {
				omega[0][j], omega[1][j] = Lanes, int32(p+int64(j))
			}
			for i := range MaxRecords {
				q[2*i], q[2*i+1] = int32(i), 1
			}
			var a, b, x, y [Lanes]int64
			set.Blocks(a[:], b[:], set.Pack(omega[:], 2), q[:], 2)
			Portable(&x, &y, omega[:], q[:])
			if a != x || b != y {
				t.Fatalf("%s: %d phases from %d: %v %v, portable %v %v", set.Name, Lanes*MaxRecords, p, a, b, x, y)
			}
		}
	}
}

func TestMomentsAreEqual(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, set := range available() {
		rng := rand.New(rand.NewPCG(seed, 0))
		for _, d := range dims(t) {
			for _, n := range []int{0, 1, 2, 7, 8, 9, 31, 63, 64, 65, 127, 129, 255} {
				q := guard(values(rng, n*d, limit), n%16)
				first, second := guard(make([]int64, d), n%8), guard(make([]int64, Pairs(d)), n%8)
				lo, hi := guard(slices.Repeat([]int32{math.MaxInt32}, d), n%16), guard(slices.Repeat([]int32{math.MinInt32}, d), n%16)
				for i := range first.slice() {
					first.slice()[i], second.slice()[i] = rng.Int64()>>1, rng.Int64()>>1
				}
				first2, second2, lo2, hi2 := slices.Clone(first.slice()), slices.Clone(second.slice()), slices.Clone(lo.slice()), slices.Clone(hi.slice())
				set.Moments(first.slice(), second.slice(), lo.slice(), hi.slice(), q.slice())
				definition(first2, second2, lo2, hi2, q.slice())
				if !slices.Equal(first.slice(), first2) || !slices.Equal(second.slice(), second2) || !slices.Equal(lo.slice(), lo2) || !slices.Equal(hi.slice(), hi2) {
					t.Fatalf("%s d=%d n=%d: moments differ from the definition", set.Name, d, n)
				}
				if !first.intact() || !second.intact() || !lo.intact() || !hi.intact() || !q.intact() {
					t.Fatalf("%s d=%d n=%d: wrote where it must not", set.Name, d, n)
				}
			}
		}
	}
}

// definition adds the moments as Set says, with no thought of speed.
func definition(first, second []int64, lo, hi, q []int32) {
	d := len(lo)
	v := func(x int32) int64 {
		y := math.Floor((float64(x) + 32) / 64)
		return int64(math.Max(-32767, math.Min(32767, y)))
	}
	for i := 0; i < len(q); i += d {
		x := q[i : i+d]
		at := 0
		for k := range d {
			first[k] += v(x[k])
			lo[k], hi[k] = min(lo[k], x[k]), max(hi[k], x[k])
			for l := k; l < d && (d <= 128 || l == k); l++ {
				second[at] += v(x[k]) * v(x[l])
				at++
			}
		}
	}
}

func TestChoose(t *testing.T) {
	sets := []Set{{Name: "avx2"}, {Name: "portable"}}
	for name, want := range map[string]string{"": "avx2", "avx2": "avx2", "portable": "portable"} {
		if s, err := choose(name, sets); err != nil || s.Name != want {
			t.Errorf("%q chooses %q, %v", name, s.Name, err)
		}
	}
	_, err := choose("avx512", sets)
	if err == nil || !strings.Contains(err.Error(), "PHASOR_KERNEL") || !strings.Contains(err.Error(), `"avx512"`) || !strings.Contains(err.Error(), `"avx2" "portable"`) {
		t.Errorf("got %v", err)
	}
}

func TestSelectObeysTheEnvironment(t *testing.T) {
	for _, set := range available() {
		t.Setenv(variable, set.Name)
		if s, err := Select(); err != nil || s.Name != set.Name {
			t.Errorf("%s: got %s, %v", set.Name, s.Name, err)
		}
	}
	t.Setenv(variable, "neon")
	if _, err := Select(); err == nil {
		t.Error("an unknown kernel was selected")
	}
}

func BenchmarkSums(b *testing.B) {
	for _, set := range available() {
		for _, d := range []int{2, 10, 52} {
			b.Run(fmt.Sprintf("kernel=%s/d=%d/m=1024", set.Name, d), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				n := min(252, 4096/d&^3)
				omega, q := make([][Lanes]int32, 1024/Lanes*d), values(rng, n*d, limit)
				for i := range omega {
					for j := range Lanes {
						omega[i][j] = int32(rng.NormFloat64() * (1 << 16) / 6)
					}
				}
				packed := set.Pack(omega, d)
				s, c := make([]int64, 1024), make([]int64, 1024)
				for b.Loop() {
					set.Blocks(s, c, packed, q, d)
				}
				b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

func BenchmarkMoments(b *testing.B) {
	for _, set := range available() {
		for _, d := range []int{2, 10, 52, 128} {
			b.Run(fmt.Sprintf("kernel=%s/d=%d", set.Name, d), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				n := min(252, max(8, 4096/d&^3))
				q := values(rng, n*d, limit)
				first, second, lo, hi := make([]int64, d), make([]int64, Pairs(d)), make([]int32, d), make([]int32, d)
				for b.Loop() {
					set.Moments(first, second, lo, hi, q)
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N*n), "ns/record")
			})
		}
	}
}
