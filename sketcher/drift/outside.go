package drift

import (
	"fmt"
	"math"
	"slices"
)

// Of a pane of a size that the reference has not seen, dependent records leave open what
// to expect: more records may come from a process that is sampled faster, and tell no
// more, or from a longer stretch of it. With correlations r_j >= 0 the mean y of a pane of
// N records has
//
//	sampled faster:    var(y) that does not grow with N
//	a longer stretch:  N var(y) that stays below its limit, the long-run variance
//
// and in both the variance of a sum of sqrt(N) y over w panes is at most w times the
// long-run variance at N_0 times max(1, N/N_0), N_0 being the reference's largest size. So
// such a pane is not predicted from those before, and is taken over that deviation. The
// expectation of a variance or correlation within the pane is not bounded like that: of cv
// and C such a pane says nothing. S and H, which are means, see scales and correlations.
// Independent records expect the same at any size, and nothing of this is done.

const (
	rareSize    = 50      // one pane of so many, and one more, does not count as of a size that was seen
	nearSize    = 1. / 16 // share beyond the reference's sizes within which a pane is as if inside
	dependence  = 2.0     // standard errors of tau above 1 that show dependence
	longestSum  = 1024    // panes of a sum whose variance is bounded
	longestEcho = 2048    // panes over which an innovation is followed
)

// sizes takes from the reference which numbers of records it has seen, and what bounds
// panes of other numbers.
func (m *model) sizes(x *panes) {
	sorted := slices.Sorted(slices.Values(x.records))
	rare := min(1+m.size/rareSize, (m.size-1)/2)
	m.least, m.most = sorted[rare], sorted[m.size-1-rare]
	if m.linked = m.excess(x) > dependence; !m.linked {
		return
	}
	m.wide = make([]float64, m.width())
	for k := range m.wide {
		m.wide[k] = max(m.still[k], m.widest(k))
	}
}

// outside reports whether the reference does not show what to expect of a pane of so
// many records.
func (m *model) outside(records float64) bool {
	return m.linked && (records < m.least*(1-nearSize) || records > m.most*(1+nearSize))
}

// blind reports whether a pane of so many records says nothing of any group.
func (m *model) blind(records float64) bool { return m.outside(records) && !m.means() }

// means reports whether a group's coordinates are means of the records.
func (m *model) means() bool {
	return slices.ContainsFunc(m.blocks, func(b block) bool { return !b.group.sized() })
}

// growth sets dst, by block, to the deviation of a pane outside over wide, and returns
// its factor sqrt(max(1, N/N_0)).
func (m *model) growth(dst []float64, records float64) float64 {
	m.spreads(dst, max(m.least, min(m.most, records)))
	by := math.Sqrt(max(1, records/m.most))
	for i, v := range dst {
		dst[i] = max(1, v) * by
	}
	return by
}

// excess returns by how many standard errors tau exceeds 1, the most of the groups that
// are means, or of all if none is. tau is the variance of a pane's coordinates over that of
// independent records.
func (m *model) excess(x *panes) float64 {
	most := math.Inf(-1)
	n, means := float64(m.size), m.means()
	for i, b := range m.blocks {
		if means && b.group.sized() || m.live[i] == 0 {
			continue
		}
		v := m.independent(x, b)
		var mean, square float64
		for t := range m.size {
			var q float64
			for k, y := range m.centred[t*m.width()+b.lo : t*m.width()+b.hi] {
				if m.alive[b.lo+k] {
					q += y * y / v[k] / float64(m.live[i])
				}
			}
			mean += q / n
			square += q * q / n
		}
		if deviation := math.Sqrt((square - mean*mean) / n); deviation > 0 {
			most = max(most, (mean*n/(n-1)-1)/deviation)
		}
	}
	return most
}

// independent returns by coordinate of a block what its variance would be, were records
// independent: of levels that which records have about the panes' means, where a group of
// scales shows it; of scales that of normal records; else 1, as of the pilot's records.
func (m *model) independent(x *panes, b block) []float64 {
	v := slices.Repeat([]float64{1}, b.width())
	for k := range v {
		if at := b.lo + k; m.spread[at] && m.mean[at] > dead {
			v[k] = m.mean[at] * m.mean[at]
		}
	}
	for _, of := range m.blocks {
		if of.group != b.group.scales() {
			continue
		}
		for k := range min(b.width(), of.width()) {
			at := of.lo + k
			if !m.spread[at] || m.mean[at] <= dead {
				continue
			}
			v[k] = 0
			for t, n := range x.records {
				v[k] += rootedVariance(x.row(t)[at]/gain(n, true), n) / float64(m.size)
			}
		}
	}
	return v
}

// widest returns the largest deviation over sqrt(w) of a sum of w = 1, 2, 4 .. longestSum
// panes under the coordinate's autoregression. The longest sum has it, but for a season,
// of which sums of few panes hold more.
func (m *model) widest(k int) float64 {
	var sum [longestEcho + 1]float64 // of what one innovation leaves in the panes after it
	var last [maxOrder]float64
	for t := range longestEcho {
		var v float64
		if t == 0 {
			v = 1
		}
		for j := range m.order {
			v += m.coef[j][k] * last[j]
		}
		copy(last[1:], last[:])
		last[0] = v
		sum[t+1] = sum[t] + v
	}
	var most float64
	for w := 1; w <= longestSum; w *= 2 {
		var v float64
		for t := 1; t < longestEcho+w; t++ {
			d := sum[min(t, longestEcho)] - sum[max(0, t-w)]
			v += d * d
		}
		most = max(most, v/float64(w))
	}
	return m.sd[k] * math.Sqrt(most)
}

// outsideCaution says what is not tested of panes outside, of which there are some.
func (m *model) outsideCaution(panes int) string {
	return fmt.Sprintf("%d of the compared panes hold numbers of records outside the longer range's %v to %v: under its dependence between records their spread is taken as the largest possible, and groups cv and C leave them out", panes, m.least, m.most)
}
