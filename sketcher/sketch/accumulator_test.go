package sketch

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
)

func encode(t rapid.TB, a *Accumulator) string {
	t.Helper()
	b, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func folded(m *feature.Map, parts ...[]int32) *Accumulator {
	a := New(m)
	for _, q := range parts {
		a.Fold(q)
	}
	return a
}

// An accumulator depends on the multiset of records alone: any order, any batches,
// and any split among accumulators that are merged in any shape give equal bytes.
func TestOnlyTheRecordsMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom([]int{1, 2, 3, 5, 8, 10, 16, 17, 31, 128, 129, 130}).Draw(t, "d")
		m := feature.Lanes * rapid.IntRange(1, 4).Draw(t, "blocks")
		n := rapid.IntRange(0, 600).Draw(t, "n")
		if d > 100 {
			n /= 8
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		mp := featuretest.Map(rng.Uint64(), d, m)
		q := featuretest.Quantised(rng, n, d)
		want := encode(t, folded(mp, q))

		permuted := make([]int32, 0, len(q))
		for _, i := range rng.Perm(n) {
			permuted = append(permuted, q[i*d:(i+1)*d]...)
		}
		q = permuted
		var parts [7]*Accumulator
		for i := range parts {
			parts[i] = New(mp)
		}
		for len(q) > 0 {
			size := d * min(len(q)/d, 1+rng.IntN(300))
			parts[rng.IntN(len(parts))].Fold(q[:size])
			q = q[size:]
		}
		rest := parts[:]
		for len(rest) > 1 { // a random tree
			i := rng.IntN(len(rest) - 1)
			if err := rest[i].Merge(rest[i+1]); err != nil {
				t.Fatal(err)
			}
			rest = slices.Delete(rest, i+1, i+2)
		}
		if encode(t, rest[0]) != want {
			t.Fatal("another order, batching and split gave other bytes")
		}
		again, err := Decode([]byte(want))
		if err != nil {
			t.Fatal(err)
		}
		if !again.Equal(rest[0]) || !rest[0].Equal(again) || encode(t, again) != want {
			t.Fatal("the decoded accumulator differs")
		}
	})
}

// slow is an accumulator by the definitions, in float64 for the phasors.
func TestStatisticsAgainstDirectOnes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, shape := range [][3]int{{1, 32, 999}, {4, 64, 500}, {11, 4096, 40}, {130, 32, 50}} {
		d, m, n := shape[0], shape[1], shape[2]
		mp := featuretest.Map(seed, d, m)
		q := featuretest.Quantised(rng, n, d)
		a := folded(mp, q)
		if a.Count() != int64(n) || a.Dim() != d || a.Features() != m {
			t.Fatalf("%d records, d=%d, m=%d", a.Count(), a.Dim(), a.Features())
		}
		turns := feature.Turns(mp.Spec())
		for j, z := range a.Phasor(nil) {
			var direct complex128
			for i := range n {
				// Both factors are on a grid of 2^-16: the sum is exact but for
				// whole turns, which are taken off as it grows.
				var p float64
				for k := range d {
					p = math.Remainder(p+float64(q[i*d+k])/feature.Unit*turns[j*d+k], 1)
				}
				sin, cos := math.Sincos(2 * math.Pi * p)
				direct += complex(cos, sin)
			}
			if e := z - direct/complex(float64(n), 0); math.Hypot(real(e), imag(e)) > 1e-6 {
				t.Fatalf("d=%d: z[%d] = %v, directly %v", d, j, z, direct/complex(float64(n), 0))
			}
		}
		v := make([]float64, len(q))
		for i, x := range q {
			v[i] = float64(feature.V(x)) / 1024
		}
		mean, covariance := a.Mean(nil), a.Covariance(nil)
		for k := range d {
			var s float64
			for i := range n {
				s += v[i*d+k]
			}
			if math.Abs(mean[k]-s/float64(n)) > 1e-12 {
				t.Fatalf("mean[%d] = %v, directly %v", k, mean[k], s/float64(n))
			}
		}
		for k := range d {
			for l := range d {
				var s float64
				for i := range n {
					s += (v[i*d+k] - mean[k]) * (v[i*d+l] - mean[l])
				}
				s /= float64(n)
				if d > feature.WideDim && k != l {
					s = 0
				}
				if math.Abs(covariance[k*d+l]-s) > 1e-10 {
					t.Fatalf("d=%d: covariance[%d,%d] = %v, directly %v", d, k, l, covariance[k*d+l], s)
				}
			}
			var column []int32
			var clamped int64
			var bins [feature.Bins]int64
			for i := range n {
				x := q[i*d+k]
				column = append(column, x)
				if x == feature.Limit || x == -feature.Limit {
					clamped++
				}
				b := feature.Bins - 1
				for b > 0 && mp.Spec().Edges[k*(feature.Bins+1)+b] > x {
					b--
				}
				bins[b]++
			}
			lo, hi := a.Range(k)
			if lo*feature.Unit != float64(slices.Min(column)) || hi*feature.Unit != float64(slices.Max(column)) {
				t.Fatalf("range [%v, %v]", lo, hi)
			}
			if a.Clamped(k) != clamped {
				t.Fatalf("clamped %d, directly %d", a.Clamped(k), clamped)
			}
			if !slices.Equal(a.Histogram(k), bins[:]) {
				t.Fatalf("histogram %v, directly %v", a.Histogram(k), bins)
			}
		}
	}
}

func TestNoRecords(t *testing.T) {
	m := featuretest.Map(1, 3, 32)
	a := New(m)
	a.Fold(nil)
	for _, z := range a.Phasor(nil) {
		if z != 0 {
			t.Errorf("z = %v", z)
		}
	}
	if s := append(a.Mean(nil), a.Covariance(nil)...); slices.Max(s) != 0 || slices.Min(s) != 0 {
		t.Errorf("mean and covariance %v", s)
	}
	if lo, hi := a.Range(0); !math.IsInf(lo, 1) || !math.IsInf(hi, -1) {
		t.Errorf("range %v %v", lo, hi)
	}
	if !math.IsNaN(a.Quantile(0, 0.5)) {
		t.Error("a quantile of nothing")
	}
	b, err := Decode([]byte(encode(t, a)))
	if err != nil || !b.Equal(a) {
		t.Error(err)
	}
	q := featuretest.Quantised(rand.New(rand.NewPCG(1, 1)), 10, 3)
	c := folded(m, q)
	if err := c.Merge(a); err != nil || !c.Equal(folded(m, q)) {
		t.Errorf("merging nothing changed something: %v", err)
	}
	if err := a.Merge(c); err != nil || !c.Equal(a) {
		t.Errorf("merging into nothing: %v", err)
	}
	a.Reset()
	if !a.Equal(New(m)) || a.Equal(c) {
		t.Error("Reset left something")
	}
}

func TestCloneAndCopyAreApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m := featuretest.Map(1, 3, 32)
	a := folded(m, featuretest.Quantised(rng, 100, 3))
	before := encode(t, a)
	c := a.Clone()
	var other Accumulator
	for _, o := range []*Accumulator{c, New(m), New(featuretest.Map(2, 5, 64)), &other} {
		o.CopyFrom(a)
		if !o.Equal(a) || o.Map() != m || encode(t, o) != before {
			t.Fatal("the copy differs")
		}
		o.Fold(featuretest.Quantised(rng, 5, 3))
		if encode(t, a) != before || o.Equal(a) {
			t.Fatal("the copy shares memory")
		}
	}
	a.CopyFrom(a)
	if encode(t, a) != before {
		t.Fatal("copying onto itself changed it")
	}
}

func TestFoldPanicsOnMisuse(t *testing.T) {
	m := featuretest.Map(1, 3, 32)
	unbound, err := Decode([]byte(encode(t, New(m))))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"part of a record": func() { New(m).Fold(make([]int32, 4)) },
		"no map":           func() { unbound.Fold(make([]int32, 3)) },
		"quantile, no map": func() { unbound.Quantile(0, 0.5) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestFoldAndMergeDoNotAllocate(t *testing.T) {
	m := featuretest.Map(1, 10, 64)
	q := featuretest.Quantised(rand.New(rand.NewPCG(1, 1)), 600, 10)
	a, b := folded(m, q), folded(m, q)
	for name, f := range map[string]func(){
		"Fold":     func() { a.Fold(q) },
		"Merge":    func() { _ = a.Merge(b) },
		"CopyFrom": func() { b.CopyFrom(a) },
	} {
		if n := testing.AllocsPerRun(20, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
