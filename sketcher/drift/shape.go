package drift

import "math"

// shape takes from the innovations each block's degrees of freedom and from the
// autoregressions its effective records.
func (m *model) shape() {
	g := len(m.blocks)
	m.nu, m.student, m.tau, m.w0 = make([]float64, g), make([]float64, g), make([]float64, g), make([]int, g)
	for i, b := range m.blocks {
		m.nu[i] = m.degrees(i)
		m.student[i] = m.kurtosis(i)
		tau := 1.0
		for k := b.lo; k < b.hi; k++ {
			if !m.alive[k] {
				continue
			}
			tau = max(tau, m.longRun(k))
		}
		m.setMemory(i, tau)
	}
}

// longRun returns the long-run variance of a coordinate, in units of independent records.
func (m *model) longRun(k int) float64 {
	memory := 1.0
	for j := range m.order {
		memory -= m.coef[j][k]
	}
	memory = max(memory, longestMemory)
	return m.sd[k] * m.sd[k] / (memory * memory)
}

// setMemory takes nominal over effective records of block i and the least window of
// enough effective ones.
func (m *model) setMemory(i int, tau float64) {
	enough := enoughRecords
	if m.blocks[i].group == GroupH {
		enough = enoughShapes
	}
	m.tau[i], m.w0[i] = tau, 1
	for m.records*float64(m.w0[i])/tau < enough {
		m.w0[i] *= 2
	}
}

// resolved returns a *HistoryError when not even the scan's longest window holds enough
// effective records for any of the groups that see a level: the panes are short against
// the dependence, and what looks like a change may be the stream's own slow wander.
func (m *model) resolved() error {
	var short Group
	need := 0
	for i, b := range m.blocks {
		switch {
		case b.group == GroupCV || b.group == GroupC || b.group == GroupH:
		case m.w0[i] <= largestWindow:
			return nil
		case need == 0 || m.w0[i] < need:
			need, short = m.w0[i], b.group
		}
	}
	if need == 0 {
		return nil
	}
	return &HistoryError{Lacks: PanesTooShort, Have: largestWindow, Need: need, Group: short}
}

// degrees returns nu = p²/tr(C²) of block i with the unbiased tr(C²), the mean of
// (e_s·e_t)² over pairs of different panes; sum over pairs of (e_s·e_t)² is the squared
// Frobenius norm of E'E.
func (m *model) degrees(i int) float64 {
	b, p := m.blocks[i], m.width()
	live, n := float64(m.live[i]), float64(len(m.innov)/p)
	if live == 0 {
		return 1
	}
	var pairs float64
	for _, c := range m.correlation(b) {
		pairs += c * c
	}
	for t := range len(m.innov) / p {
		var s float64
		for _, v := range m.innov[t*p+b.lo : t*p+b.hi] {
			s += v * v
		}
		pairs -= s * s
	}
	return live * live / max(pairs/(n*(n-1)), varianceShrink*live)
}

// kurtosis returns the degrees of freedom of a Student scale, common to block i in one
// pane, that explains by how much Q = mean e² varies more than chi-squared would.
func (m *model) kurtosis(i int) float64 {
	b, p := m.blocks[i], m.width()
	n := float64(len(m.innov) / p)
	if m.live[i] == 0 {
		return math.Inf(1)
	}
	var one, two float64
	for t := range len(m.innov) / p {
		var q float64
		for _, v := range m.innov[t*p+b.lo : t*p+b.hi] {
			q += v * v
		}
		one += q / n
		two += q * q / n
	}
	own := 2 / m.nu[i]
	excess := two/(one*one)/(1+own) - 1 - .5*own*math.Sqrt(2/n)
	return 4 + 2/max(excess, 1e-4)
}
