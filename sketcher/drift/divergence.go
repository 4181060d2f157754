package drift

import (
	"fmt"
	"math"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// Divergence returns, by channel, the Jensen-Shannon divergence of the histograms of a
// and b in bits: 0 for equal, 1 for disjoint ones. It is a size of a difference, not a
// test; few records make it large. Sketches without records diverge by 0. The error
// wraps ErrMap.
func Divergence(a, b *sketch.Accumulator) ([]float64, error) {
	if a.Fingerprint() != b.Fingerprint() {
		return nil, fmt.Errorf("drift: histograms of maps %.12s and %.12s have other bins: compare sketches of one epoch: %w", a.Fingerprint(), b.Fingerprint(), ErrMap)
	}
	return divergence(a, b), nil
}

func divergence(a, b *sketch.Accumulator) []float64 {
	d := make([]float64, a.Dim())
	for k := range d {
		d[k] = jensenShannon(a.Histogram(k), b.Histogram(k))
	}
	return d
}

// jensenShannon returns (KL(p|m) + KL(q|m))/2 in bits of the normalised counts, with m
// their mean.
func jensenShannon(p, q []int64) float64 {
	var np, nq float64
	for i := range p {
		np += float64(p[i])
		nq += float64(q[i])
	}
	if np == 0 || nq == 0 {
		return 0
	}
	var d float64
	for i := range p {
		x, y := float64(p[i])/np, float64(q[i])/nq
		if x > 0 {
			d += x * math.Log2(2*x/(x+y))
		}
		if y > 0 {
			d += y * math.Log2(2*y/(x+y))
		}
	}
	return max(0, min(1, d/2))
}

// mapOf returns the map that all sketches are of.
func mapOf(ranges ...[]*sketch.Accumulator) (*feature.Map, error) {
	var m *feature.Map
	var of string
	for _, r := range ranges {
		for _, a := range r {
			switch {
			case a == nil:
				continue
			case of == "":
				of = a.Fingerprint()
			case a.Fingerprint() != of:
				return nil, fmt.Errorf("drift: sketches of maps %.12s and %.12s: compare sketches of one epoch: %w", of, a.Fingerprint(), ErrMap)
			}
			if m == nil {
				m = a.Map()
			}
		}
	}
	if m == nil {
		return nil, fmt.Errorf("drift: no sketch with a map: bind the spec's map to the decoded sketches: %w", ErrMap)
	}
	return m, nil
}

// total returns the merged sketch of panes that mapOf has accepted.
func total(panes []*sketch.Accumulator) *sketch.Accumulator {
	var t *sketch.Accumulator
	for _, a := range panes {
		switch {
		case a == nil:
		case t == nil:
			t = a.Clone()
		default:
			if err := t.Merge(a); err != nil {
				panic(fmt.Sprintf("drift: sketches of one map do not merge: %v", err))
			}
		}
	}
	return t
}
