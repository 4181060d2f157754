package sketch

import (
	"math"

	"phasor/sketcher/feature"
)

// Quantile returns the p-quantile of channel k in standard units: the stored
// value of a bin that has one, else between the bin's ends by straight lines, and
// never outside of the range. It is NaN if there are no records or p is NaN. It
// panics if a has no map, whose edges it needs.
func (a *Accumulator) Quantile(k int, p float64) float64 {
	if a.m == nil {
		panic("sketch: Quantile without a map: Bind one first")
	}
	if a.count == 0 || math.IsNaN(p) {
		return math.NaN()
	}
	lo, hi := a.Range(k)
	if p <= 0 {
		return lo
	}
	target, below := p*float64(a.count), 0.0
	for b, n := range a.Histogram(k) {
		h := float64(n)
		if n == 0 || below+h < target {
			below += h
			continue
		}
		left, right := a.bin(k, b, lo, hi)
		return left + (target-below)/h*(right-left)
	}
	return hi
}

// bin returns the ends of a bin within the range.
func (a *Accumulator) bin(k, b int, lo, hi float64) (left, right float64) {
	spec := a.m.Spec()
	if q, ok := spec.Atom(k, b); ok {
		v := min(max(float64(q)/feature.Unit, lo), hi)
		return v, v
	}
	left, right = lo, hi
	edges := spec.Edges[k*(feature.Bins+1):]
	if b > 0 {
		left = max(left, float64(edges[b])/feature.Unit)
	}
	if b < feature.Bins-1 {
		right = min(right, float64(edges[b+1])/feature.Unit)
	}
	return left, right
}
