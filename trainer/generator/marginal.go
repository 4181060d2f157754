package generator

import (
	"math"
	"strconv"

	"phasor/sketcher/feature"
)

// marginal is the distribution of one channel as the histogram knows it: bin b
// holds a share of the records between lo and hi, or all at one stored value.
type marginal struct {
	share  []float64 // of the records, by bin
	lo, hi []float64 // standard units, within the range of the records
	value  []float64 // physical units; NaN for a bin without a stored value
}

// newMarginal reads the histogram of channel k of a spec; lo and hi are the
// range of its records in standard units, which closes the open outer bins.
func newMarginal(s *feature.Spec, k int, counts []int64, lo, hi float64) marginal {
	n := len(counts)
	m := marginal{share: make([]float64, n), lo: make([]float64, n), hi: make([]float64, n), value: make([]float64, n)}
	edges := s.Edges[k*(n+1) : (k+1)*(n+1)]
	steps := latticeOf(s, k)
	var total float64
	for _, c := range counts {
		total += float64(c)
	}
	for b, c := range counts {
		m.share[b], m.value[b] = float64(c)/total, math.NaN()
		q, stored := s.Atom(k, b)
		if lo == hi {
			q, stored = int32(math.RoundToEven(lo*feature.Unit)), true
		}
		if stored {
			m.lo[b] = max(lo, min(hi, float64(q)/feature.Unit))
			m.hi[b] = m.lo[b]
			m.value[b] = decimal(s, k, q)
			if i := k*n + b; len(s.Exact) > 0 && !math.IsNaN(s.Exact[i]) {
				m.value[b] = s.Exact[i]
			}
			continue
		}
		left, right := lo, hi
		if b > 0 {
			left = float64(edges[b]) / feature.Unit
		}
		if b < n-1 {
			right = float64(edges[b+1]) / feature.Unit
		}
		m.lo[b], m.hi[b] = max(lo, min(hi, left)), max(lo, min(hi, right))
		last := m.hi[b] * feature.Unit
		if b < n-1 {
			last = min(last, float64(edges[b+1])-1)
		}
		if q, one := steps.only(s, k, m.lo[b]*feature.Unit, last); one {
			m.lo[b] = max(lo, min(hi, float64(q)/feature.Unit))
			m.hi[b], m.value[b] = m.lo[b], decimal(s, k, q)
		}
	}
	return m
}

// decimal returns the shortest decimal number that channel k quantises to q,
// so that a stored 3 comes out as 3 and not as 2.9999981.
func decimal(s *feature.Spec, k int, q int32) float64 {
	t := s.Channels[k].Transform
	exact := t.Invert(float64(q)/feature.Unit/s.Scale[k] + s.Offset[k])
	for digits := range 12 {
		x, err := strconv.ParseFloat(strconv.FormatFloat(exact, 'f', digits, 64), 64)
		if err == nil && quantise(s, k, x) == q {
			return x + 0 // never -0
		}
	}
	for digits := range 17 {
		x, err := strconv.ParseFloat(strconv.FormatFloat(exact, 'e', digits, 64), 64)
		if err == nil && quantise(s, k, x) == q {
			return x
		}
	}
	return exact
}

// quantise returns the q units of a physical value of channel k.
func quantise(s *feature.Spec, k int, x float64) int32 {
	v := float64((s.Channels[k].Transform.Apply(x) - s.Offset[k]) * s.Scale[k])
	return int32(math.RoundToEven(max(-feature.Limit, min(feature.Limit, v*feature.Unit))))
}
