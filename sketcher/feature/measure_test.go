package feature_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
)

func newSums(m *feature.Map) *feature.Sums {
	d, n := m.Dim(), m.Features()
	return &feature.Sums{A: make([]int64, n), B: make([]int64, n), Moment1: make([]int64, d), Moment2: make([]int64, feature.Pairs(d)),
		Min: make([]int32, d), Max: make([]int32, d), Histogram: make([]int64, d*feature.Bins), Clamped: make([]int64, d)}
}

func TestEveryKernelFoldsTheSameSums(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const d, n = 5, 1300
	spec := featuretest.Spec(seed, d, 64)
	q := featuretest.Quantised(rand.New(rand.NewPCG(seed, 1)), n, d)
	var want *feature.Sums
	if !slices.Contains(feature.Kernels(), "portable") {
		t.Fatalf("kernels %v: the portable one is missing", feature.Kernels())
	}
	for _, name := range feature.Kernels() {
		m, err := feature.NewMapWith(spec, name)
		if err != nil {
			t.Fatal(err)
		}
		whole, phasors := newSums(m), newSums(m)
		m.Fold(whole, q)
		if want == nil {
			want = whole
		}
		if !reflect.DeepEqual(whole, want) {
			t.Errorf("%s folds other sums than %s", name, feature.Kernels()[0])
		}
		m.FoldPhasors(phasors, q)
		rest := newSums(m)
		rest.A, rest.B = whole.A, whole.B
		if !reflect.DeepEqual(phasors, rest) {
			t.Errorf("%s: FoldPhasors gives other sums than the phasors of Fold", name)
		}
	}
	if _, err := feature.NewMapWith(spec, "abacus"); err == nil {
		t.Error("a kernel was found that does not exist")
	}
}
