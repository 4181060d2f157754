package generator

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"phasor/sketcher/feature"
)

// sortedNormals returns d sorted columns of n normal numbers.
func sortedNormals(rng *rand.Rand, d, n int) [][]float32 {
	columns := make([][]float32, d)
	for k := range columns {
		columns[k] = make([]float32, n)
		for i := range columns[k] {
			columns[k][i] = float32(rng.NormFloat64())
		}
		slices.Sort(columns[k])
	}
	return columns
}

// TestMapGivesTheHistogram: whatever the network's distribution, the mapped
// records fall into each bin as often as the records did, stored values
// included, and keep the order and the range.
func TestMapGivesTheHistogram(t *testing.T) {
	const seed = 23
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	x := mixed[1].records(20000, rng)
	acc := accumulate(t, x, feature.CalibrateOptions{Names: names(4), Seed: seed})
	target, err := NewTarget(acc)
	if err != nil {
		t.Fatal(err)
	}
	m := newOutputMap(target.marginals, sortedNormals(rng, 4, 1<<16))
	for k := range 4 {
		lo, hi := acc.Range(k)
		counts := make([]float64, bins)
		const n = 1 << 16
		before := math.Inf(-1)
		for _, v := range sortedNormals(rng, 1, n)[0] {
			y, b, slope := m.at(k, float64(v))
			counts[b]++
			if y < before || y < lo || y > hi || slope < 0 || math.IsNaN(slope) {
				t.Fatalf("channel %d: %g goes to %g after %g, slope %g, range %g to %g", k, v, y, before, slope, lo, hi)
			}
			before = y
		}
		for b, c := range acc.Histogram(k) {
			want := float64(c) / float64(acc.Count())
			if got := counts[b] / n; math.Abs(got-want) > 5*math.Sqrt((want+1e-4)*2/n)+1e-4 {
				t.Errorf("channel %d, bin %d: %.4f of the samples, %.4f of the records", k, b, got, want)
			}
		}
	}
}

// TestStoredValuesComeOutExactly: a channel of flags or of few values gives
// those very numbers, and counts give whole ones.
func TestStoredValuesComeOutExactly(t *testing.T) {
	const seed = 29
	rng := rand.New(rand.NewPCG(seed, 0))
	values := []float64{-2.5, 0, .1, 7.25}
	s := set{"stored", 3, 0, func(r *rand.Rand, x []float64) {
		i := r.IntN(4)
		x[0] = values[i]
		x[1] = float64(i%2) + 3*r.NormFloat64()
		x[2] = 42
	}}
	m := fitted(t, targetOf(t, s.records(4000, rng), 3, seed), Config{Steps: 20, Subset: 32})
	seen := map[float64]int{}
	y := m.Sample(4000, 1)
	for i := 0; i < len(y); i += 3 {
		seen[y[i]]++
		if y[i+2] != 42 {
			t.Fatalf("constant channel: %v", y[i+2])
		}
	}
	for _, v := range values {
		if n := seen[v]; n < 700 || n > 1300 {
			t.Errorf("value %v came out %d times of 4000", v, n)
		}
		delete(seen, v)
	}
	if len(seen) > 0 {
		t.Errorf("other values: %v", seen)
	}
}

// TestRareCountsAreWhole: values of a count that are too rare to be stored come out whole as well, and those between the
// stored values of a channel that is not evenly spaced come out as they may.
func TestRareCountsAreWhole(t *testing.T) {
	const seed = 31
	rng := rand.New(rand.NewPCG(seed, 0))
	s := set{"counts", 3, 0, func(r *rand.Rand, x []float64) {
		x[0] = math.Floor(math.Abs(3 + 2*r.NormFloat64())) // Up to 12 or so; one in a thousand is above 9.
		x[1] = 20 + .25*math.Floor(2*r.ExpFloat64())
		x[2] = []float64{0, 1, 1.7}[r.IntN(3)]
		if r.IntN(1000) == 0 {
			x[2] = .3
		}
	}}
	m := fitted(t, targetOf(t, s.records(20_000, rng), 3, seed), Config{Steps: 20, Subset: 32})
	y := m.Sample(20_000, 1)
	high, between := 0.0, 0
	for i := 0; i < len(y); i += 3 {
		if x := y[i]; x != math.Round(x) {
			t.Errorf("a count of %v", x)
		}
		if x := y[i+1] * 4; x != math.Round(x) {
			t.Errorf("a quarter of %v", x/4)
		}
		if x := y[i+2]; x > 0 && x < 1 {
			between++
		}
		high = max(high, y[i])
	}
	if high < 10 || between == 0 {
		t.Errorf("the highest count is %v, and %d values lie between 0 and 1", high, between)
	}
}

// TestDecimal: the shortest number of the same q units.
func TestDecimal(t *testing.T) {
	s := &feature.Spec{
		Channels: []feature.Channel{{Name: "a"}, {Name: "b", Transform: feature.Log1p}},
		Offset:   []float64{3.7, 1.1}, Scale: []float64{.83, 2.9},
	}
	for _, v := range []float64{0, 3, -17.25, .001, 12.5, 1, 99} {
		for k := range 2 {
			if k == 1 && v < 0 {
				continue
			}
			if got := decimal(s, k, quantise(s, k, v)); got != v {
				t.Errorf("channel %d: %v comes out as %v", k, v, got)
			}
		}
	}
	for q := int32(-300000); q < 300000; q += 7919 {
		if got := decimal(s, 0, q); quantise(s, 0, got) != q {
			t.Errorf("q = %d comes out as %v, which is %d", q, got, quantise(s, 0, got))
		}
	}
}

// TestMapOfAConstantNetwork: a network that is stuck in a channel is left
// alone there, unless the records are constant as well.
func TestMapOfAConstantNetwork(t *testing.T) {
	flat := marginal{share: make([]float64, bins), lo: make([]float64, bins), hi: make([]float64, bins), value: make([]float64, bins)}
	spread := flat
	spread.lo, spread.hi = make([]float64, bins), make([]float64, bins)
	for b := range bins {
		flat.share[b], spread.share = 1./bins, flat.share
		spread.lo[b], spread.hi[b] = float64(b), float64(b+1)
		flat.lo[b], flat.hi[b] = 5, 5
	}
	stuck := make([]float32, 64)
	m := newOutputMap([]marginal{flat, spread}, [][]float32{stuck, stuck})
	if m.off[0] || !m.off[1] {
		t.Errorf("maps off: %v", m.off)
	}
	for _, v := range []float64{-1, 0, 1} {
		if y, _, _ := m.at(0, v); y != 5 {
			t.Errorf("constant records: %v goes to %v", v, y)
		}
	}
}

// TestMapThatHurtsIsLeftOff: a histogram that contradicts the sketch, here of a
// fifth of the spread, loses against the bare network, in its channel alone.
func TestMapThatHurtsIsLeftOff(t *testing.T) {
	skipRaced(t)
	target := small(t, 5000)
	for b := range bins {
		target.marginals[0].lo[b] *= .2
		target.marginals[0].hi[b] *= .2
	}
	m := start(t, target, brief, nil).Model()
	if !m.out.off[0] || m.out.off[1] {
		t.Errorf("maps off: %v", m.out.off)
	}
}
