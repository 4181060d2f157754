package drift

import (
	"math"
	"slices"
)

const (
	// caution divides the probability of an alarm in a simulated run: the innovations'
	// law is a little heavier than the simulated one, most of all that of shapes.
	caution       = 2.0
	shapesCaution = 3.0
	badlyKnown    = 50.0
	// tailShare of the runs give the exponential tail by which thresholds reach beyond
	// the simulated probabilities.
	tailShare = .1
)

// cautionOfReference is more for a reference of fewer than badlyKnown panes, whose memory
// and tails are known badly too.
func cautionOfReference(m *model) float64 {
	short := max(1, badlyKnown/float64(m.size))
	return cautionOf(m) * short * short
}

func cautionOf(m *model) float64 {
	if _, ok := m.shapes(); ok {
		return shapesCaution
	}
	return caution
}

// exceedance is the distribution of a simulated statistic: its values in ascending
// order and the mean excess over the value that a share top exceeds.
type exceedance struct {
	sorted []float64
	top    float64
	start  float64
	excess float64
}

func newExceedance(x []float64, top float64) exceedance {
	slices.Sort(x)
	n := len(x)
	k := max(int(math.Round(top*float64(n))), 1)
	e := exceedance{sorted: x, top: float64(k) / float64(n)}
	e.start = x[n-k]
	if n > k {
		e.start = (x[n-k] + x[n-k-1]) / 2
	}
	for _, v := range x[n-k:] {
		e.excess += (v - e.start) / float64(k)
	}
	e.excess = max(e.excess, 1e-3)
	return e
}

// quantile returns the value that is exceeded with probability a.
func (e *exceedance) quantile(a float64) float64 {
	if a <= e.top {
		return e.start + e.excess*math.Log(e.top/a)
	}
	n := len(e.sorted)
	at := (1 - a) * float64(n-1)
	i := min(max(int(at), 0), n-2)
	return min(e.sorted[i]+(at-float64(i))*(e.sorted[i+1]-e.sorted[i]), e.start)
}

// probability returns the probability of a value at least x.
func (e *exceedance) probability(x float64) float64 {
	if x >= e.start {
		return e.top * math.Exp(-(x-e.start)/e.excess)
	}
	n := len(e.sorted)
	i, _ := slices.BinarySearch(e.sorted, x)
	return max(float64(n-i)+.5, .5) / (float64(n) + 1)
}

// thresholds returns one threshold a block, of equal probabilities of being exceeded in
// a run, together 1 - exp(-horizon/(caution arl)).
func (tr *trials) thresholds(arl, caution float64) []float64 {
	most := make([][]float64, tr.blocks)
	laws := make([]exceedance, tr.blocks)
	for g := range most {
		most[g] = make([]float64, tr.runs)
		for r := range tr.runs {
			for t := range horizon {
				most[g][r] = max(most[g][r], float64(tr.score[(r*horizon+t)*tr.blocks+g]))
			}
		}
		laws[g] = newExceedance(slices.Clone(most[g]), tailShare)
	}
	h := make([]float64, tr.blocks)
	at := func(a float64) []float64 {
		for g := range h {
			h[g] = laws[g].quantile(a)
		}
		return h
	}
	joint := func(a float64) float64 {
		at(a)
		var alarms int
		for r := range tr.runs {
			for g := range h {
				if most[g][r] > h[g] {
					alarms++
					break
				}
			}
		}
		return float64(alarms) / float64(tr.runs)
	}
	target := 1 - math.Exp(-horizon/(caution*arl))
	// Below the share floor too few runs alarm to count them: from there on the blocks
	// act as that number of independent ones which alarms as often at the floor.
	floor := tailShare
	if reach := joint(floor); target <= reach {
		independent := math.Log1p(-floor) / math.Log1p(-min(reach, 1-1e-9))
		return at(-math.Expm1(independent * math.Log1p(-target)))
	}
	lo, hi := floor, 1.0
	for range 50 {
		if c := (lo + hi) / 2; joint(c) > target {
			hi = c
		} else {
			lo = c
		}
	}
	return at(lo)
}

// law returns the distribution, over panes, of the largest score over threshold.
func (tr *trials) law(h []float64) exceedance {
	x := make([]float64, 0, tr.runs*horizon)
	for i := 0; i < len(tr.score); i += tr.blocks {
		var ratio float64
		for g, v := range h {
			ratio = max(ratio, float64(tr.score[i+g])/v)
		}
		x = append(x, ratio)
	}
	return newExceedance(x, .005)
}
