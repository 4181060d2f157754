package drift

import "math"

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
