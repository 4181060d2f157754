package drift

import "math"

// bias estimates how scales depend on the number of records: dependence between
// records makes a pane's variance too small by a share (tau - 1)/N, of which the cube
// root shows a third. tau is the variance of the pane's means over that of independent
// records; the share is pooled over a block's scales and held near it unless panes differ
// enough in size to show another.
func (m *model) bias(x *panes) {
	const prior = 20.0 // standard deviation of tau before the data
	for _, b := range m.blocks {
		var xy, xx, yy, count float64
		for t := range m.size {
			n := x.records[t]
			g, u := gain(n, true), 1/n-m.inverse
			for k := b.lo; k < b.hi; k++ {
				if !m.spread[k] || m.mean[k] <= dead {
					continue
				}
				y := x.row(t)[k]/m.mean[k] - g
				xy += y * g * u
				xx += g * u * g * u
				yy += y * y
				count++
			}
		}
		if count == 0 {
			continue
		}
		expected := -(m.memory(x, b) - 1) / 3
		share := expected
		if xx > 0 {
			share += (xy - expected*xx) / (xx + yy/count/(prior*prior))
		}
		for k := b.lo; k < b.hi; k++ {
			if m.spread[k] && m.mean[k] > dead {
				m.slope[k] = m.mean[k] * share
			}
		}
	}
}

// memory returns tau of the channels or components whose scales block b holds, their
// mean: 1 for independent records, and without the block that holds their levels.
func (m *model) memory(x *panes, b block) float64 {
	for _, at := range m.blocks {
		if at.group.scales() != b.group {
			continue
		}
		var tau, n float64
		for k := b.lo; k < b.hi && k-b.lo < at.width(); k++ {
			if !m.spread[k] || m.mean[k] <= dead {
				continue
			}
			var v float64
			mean := at.lo + k - b.lo
			for t := range m.size {
				d := x.row(t)[mean] - gain(x.records[t], false)*m.mean[mean]
				v += d * d / float64(m.size-1)
			}
			tau += v / (m.mean[k] * m.mean[k] * m.mean[k])
			n++
		}
		if n > 0 {
			return max(1, tau/n)
		}
	}
	return 1
}

// uneven estimates by block how the innovations' variance goes with the number of
// records, as records^gamma about their geometric mean: dependence that is long against
// a pane makes a small pane's coordinates move less than the scaling by sqrt(N) supposes.
// gamma is a regression of log mean e² on log N, held near zero unless panes differ
// enough in size to show it, and within ±1. e are the innovations, v their variances.
func (m *model) uneven(e, v, records []float64) {
	const prior = .5 // standard deviation of gamma before the data
	p, n := m.width(), len(e)/m.width()
	records = records[len(records)-n:]
	m.typical = 0
	for _, r := range records {
		m.typical += math.Log(r) / float64(n)
	}
	m.typical = math.Exp(m.typical)
	m.gamma = make([]float64, len(m.blocks))
	for i, b := range m.blocks {
		y := make([]float64, n)
		var mean float64
		for t := range n {
			var q float64
			for k := b.lo; k < b.hi; k++ {
				if m.alive[k] {
					q += e[t*p+k] * e[t*p+k] / v[k]
				}
			}
			y[t] = math.Log(max(q, dead))
			mean += y[t] / float64(n)
		}
		var xy, xx, yy float64
		for t := range n {
			x := math.Log(records[t] / m.typical)
			xy += x * (y[t] - mean)
			xx += x * x
			yy += (y[t] - mean) * (y[t] - mean) / float64(n)
		}
		if xx > 0 && yy > 0 {
			m.gamma[i] = max(-1, min(1, xy/(xx+yy/(prior*prior))))
		}
	}
}

// spreads sets dst, by block, to the deviation of a pane's innovations over that of a
// pane of typical size.
func (m *model) spreads(dst []float64, records float64) {
	x := .5 * math.Log(records/m.typical)
	for i, g := range m.gamma {
		dst[i] = 1
		if g != 0 {
			dst[i] = math.Exp(g * x)
		}
	}
}
