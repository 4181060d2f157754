package generator

import (
	"math"
	"slices"

	"phasor/sketcher/feature"
)

// bins is the number of bins of a channel's map: those of its histogram.
const bins = feature.Bins

// outputMap is the last layer of a generator: a monotone map for each channel
// that takes the quantiles of the network's output to those of the records.
// What the network puts between x[b] and x[b+1] lands in bin b: on its stored
// value if it has one, else linearly between lo[b] and hi[b]. So every bin
// gets the share of the records that it has in the sketch, and no sample
// leaves the range of the records.
type outputMap struct {
	dim   int
	x     []float64 // dim by bins+1, not decreasing
	lo    []float64 // dim by bins, standard units
	hi    []float64
	value []float64 // dim by bins, physical units; NaN where the bin is continuous
	off   []bool    // channels that pass unchanged
}

// newOutputMap matches sorted columns of the network's output, one a channel,
// to the marginals of the records.
func newOutputMap(marginals []marginal, sorted [][]float32) outputMap {
	d := len(marginals)
	m := outputMap{dim: d, off: make([]bool, d)}
	for k, g := range marginals {
		column := sorted[k]
		n := len(column)
		cumulated := 0.0
		for b := range bins + 1 {
			at := int(math.Round(cumulated * float64(n)))
			switch {
			case at <= 0:
				m.x = append(m.x, float64(column[0]))
			case at >= n:
				m.x = append(m.x, float64(column[n-1]))
			default:
				m.x = append(m.x, (float64(column[at-1])+float64(column[at]))/2)
			}
			if b < bins {
				cumulated += g.share[b]
			}
		}
		// A channel that the network holds constant has no quantiles to match.
		m.off[k] = column[0] == column[n-1] && g.lo[0] != g.hi[bins-1]
		m.lo, m.hi, m.value = append(m.lo, g.lo...), append(m.hi, g.hi...), append(m.value, g.value...)
	}
	return m
}

// at returns the image of v in channel k, in standard units, its bin, and the
// slope of the map there. NaN counts as the largest value.
func (m *outputMap) at(k int, v float64) (y float64, bin int, slope float64) {
	x := m.x[k*(bins+1) : (k+1)*(bins+1)]
	b := bins - 1
	if v < x[bins] {
		// The first bin whose right end is beyond v, and so one with a width.
		v = max(v, x[0])
		lo := 0
		for lo < b {
			middle := (lo + b) / 2
			if x[middle+1] > v {
				b = middle
			} else {
				lo = middle + 1
			}
		}
	} else {
		for b > 0 && x[b] == x[bins] {
			b--
		}
		v = x[b+1]
	}
	lo, hi := m.lo[k*bins+b], m.hi[k*bins+b]
	width := x[b+1] - x[b]
	if lo == hi || width == 0 {
		return hi, b, 0
	}
	slope = (hi - lo) / width
	return min(lo+(v-x[b])*slope, hi), b, slope
}

// through replaces the network's output y, dim by width, by its image.
func (m *outputMap) through(y []float32) {
	width := len(y) / m.dim
	for k := range m.dim {
		if m.off[k] {
			continue
		}
		row := y[k*width : (k+1)*width]
		for i, v := range row {
			image, _, _ := m.at(k, float64(v))
			row[i] = float32(image)
		}
	}
}

// exact says whether channel k has stored values.
func (m *outputMap) exact(k int) bool {
	return slices.ContainsFunc(m.value[k*bins:(k+1)*bins], func(v float64) bool { return !math.IsNaN(v) })
}
