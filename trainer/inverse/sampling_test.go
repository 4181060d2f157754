package inverse

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSmallest(t *testing.T) {
	const seed = 41
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		v := make([]float64, 1+rng.IntN(60))
		for i := range v {
			v[i] = float64(rng.IntN(20)) // Many are equal.
		}
		before, sorted := slices.Clone(v), slices.Sorted(slices.Values(v))
		for k := range v {
			if have := smallest(v, k); have != sorted[k] {
				t.Fatalf("rank %d of %v is %v, want %v", k, v, have, sorted[k])
			}
		}
		if !slices.Equal(v, before) {
			t.Fatal("the numbers were changed")
		}
	}
}

func BenchmarkSampling(b *testing.B) {
	p := mustPrior(b, pulse{8}, 20000, 1)
	q := Problem{Mask(8, []int{0, 1, 3, 5, 6}), White(.03)}
	s := mustPrepare(b, Sampling{}, p, q)
	y := q.measure(p.held.RawRowView(0), rand.New(rand.NewPCG(1, 1)))
	for b.Loop() {
		s.Solve(y)
	}
}
