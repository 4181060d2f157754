package sketch

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
)

// Quantiles rise with p, stay in the range, and are in the bin of the true one.
func TestQuantiles(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	const d, n = 6, 4001
	m := featuretest.Map(seed, d, 32)
	q := featuretest.Quantised(rng, n, d)
	a := folded(m, q)
	edges := m.Spec().Edges
	for k := range d {
		var column []int32
		for i := range n {
			column = append(column, q[i*d+k])
		}
		slices.Sort(column)
		last := math.Inf(-1)
		for i := range 2001 {
			p := float64(i) / 2000
			x := a.Quantile(k, p)
			if x < last {
				t.Fatalf("quantile %v of channel %d is %v, below %v", p, k, x, last)
			}
			last = x
			truth := column[min(max(int(math.Ceil(p*n))-1, 0), n-1)]
			lo, hi := float64(column[0]), float64(column[n-1])
			for b := 1; b < feature.Bins; b++ {
				e := float64(edges[k*(feature.Bins+1)+b])
				if float64(truth) >= e {
					lo = max(lo, e)
				} else {
					hi = min(hi, e)
				}
			}
			if x*feature.Unit < lo || x*feature.Unit > hi {
				t.Fatalf("quantile %v of channel %d is %v units, the true one is %d in a bin [%v, %v]", p, k, x*feature.Unit, truth, lo, hi)
			}
		}
		if lo, hi := a.Range(k); a.Quantile(k, 0) != lo || a.Quantile(k, 1) != hi || a.Quantile(k, -1) != lo || a.Quantile(k, 2) != hi {
			t.Error("the ends are not the extremes")
		}
	}
	if !math.IsNaN(a.Quantile(0, math.NaN())) {
		t.Error("a quantile of NaN")
	}
}

func TestQuantilesOfStoredValuesAreExact(t *testing.T) {
	s := featuretest.Spec(1, 1, 32)
	for i := range s.Edges {
		s.Edges[i] = int32(i-64) * 1024
	}
	for b := range s.Values {
		s.Values[b] = s.Edges[b] + 512
	}
	s.Values[64], s.Values[70] = 5, 6*1024+1000 // two values of the pilot
	m, err := feature.NewMap(s)
	if err != nil {
		t.Fatal(err)
	}
	a := folded(m, []int32{5, 5, 5, 6*1024 + 1000})
	for p, want := range map[float64]float64{0.01: 5, 0.5: 5, 0.75: 5, 0.76: 6*1024 + 1000, 1: 6*1024 + 1000} {
		if got := a.Quantile(0, p) * feature.Unit; got != want {
			t.Errorf("quantile %v is %v, want %v", p, got, want)
		}
	}
}
