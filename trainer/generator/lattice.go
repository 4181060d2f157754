package generator

import (
	"math"
	"slices"

	"phasor/sketcher/feature"
)

// lattice is the arithmetic sequence first + i step of a discrete channel's stored values, in physical units. Values that
// are too rare to be stored, as the high ones of a count, are on it as well. The zero value is none.
type lattice struct{ first, step float64 }

// latticeOf returns that of channel k, if its stored values are evenly spaced but for gaps.
func latticeOf(s *feature.Spec, k int) lattice {
	if s.Channels[k].Kind != feature.Discrete {
		return lattice{}
	}
	var values []float64
	for b := range feature.Bins {
		if q, stored := s.Atom(k, b); stored {
			values = append(values, decimal(s, k, q))
		}
	}
	slices.Sort(values)
	if values = slices.Compact(values); len(values) < 2 {
		return lattice{}
	}
	l := lattice{values[0], math.Inf(1)}
	for i, v := range values[1:] {
		l.step = min(l.step, v-values[i])
	}
	for _, v := range values {
		if i := (v - l.first) / l.step; math.Abs(i-math.Round(i)) > 1e-6 {
			return lattice{}
		}
	}
	return l
}

// only returns the value of the lattice, in q units, between two numbers of them, if there is just one.
func (l lattice) only(s *feature.Spec, k int, lo, hi float64) (q int32, one bool) {
	if l.step == 0 {
		return 0, false
	}
	physical := func(q float64) float64 {
		return s.Channels[k].Transform.Invert(q/feature.Unit/s.Scale[k] + s.Offset[k])
	}
	least, most := physical(lo-.5), physical(hi+.5)
	v := l.first + math.Ceil((least-l.first)/l.step)*l.step
	if !(v <= most) || v+l.step <= most {
		return 0, false
	}
	return quantise(s, k, v), true
}
