package status

import (
	"math"
	"testing"
)

// A history never holds more than its limit, loses no addition before it is at its coarsest, and then only old ones.
func TestHistoryIsBoundedAndLosesNothingEarly(t *testing.T) {
	const limit, coarsest = 8, 4
	h := newHistory(limit, coarsest, sum, larger, newer)
	for i := range 1000 {
		v := float64(i)
		h.add(int64(i), v, v, v)
		var n, total float64
		for k, e := range h.entries {
			n += e.n
			total += e.values[0]
			if last := float64(e.time) + e.n - 1; e.values[1] != last || e.values[2] != last {
				t.Fatalf("entry %d after %d: %+v", k, i, e)
			}
			if k > 0 && e.time != h.entries[k-1].time+int64(h.entries[k-1].n) {
				t.Fatalf("entry %d after %d begins at %d", k, i, e.time)
			}
		}
		if len(h.entries) > limit || h.grain > coarsest {
			t.Fatalf("%d entries of %d after %d", len(h.entries), h.grain, i)
		}
		if i < limit*coarsest {
			if want := v * (v + 1) / 2; n != v+1 || total != want {
				t.Fatalf("after %d: %v additions, sum %v, wanted %v", i, n, total, want)
			}
		} else if n < (limit-1)*coarsest {
			t.Fatalf("after %d only %v additions are left", i, n)
		}
	}
}

func TestUndefinedFiguresGiveWay(t *testing.T) {
	nan := math.NaN()
	if larger(nan, 1) != 1 || larger(1, nan) != 1 || newer(1, nan) != 1 || newer(nan, 2) != 2 || !math.IsNaN(larger(nan, nan)) {
		t.Error("an undefined figure hides a defined one")
	}
}
