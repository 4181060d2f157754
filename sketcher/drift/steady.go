package drift

import "math"

const (
	unsteadyQ = 1.5 // mean squared difference of parts above which a reference is refused
	unsteadyP = 4.0 // and -log10 of its p-value
	leastPart = 8   // panes of a part
)

// steady returns a *HistoryError when parts of the reference differ beyond chance: its
// halves, under the memory that each half shows by itself, or 2, 4 or 8 parts, under the
// memory of the whole. The first sees a level that moved, which the whole reference
// takes for long memory; the second sees shorter seasons.
func (m *model) steady() error {
	if err := m.differ(2, m.halves()); err != nil {
		return err
	}
	n := len(m.innov) / m.width()
	for parts := 2; parts <= 8 && n/parts >= leastPart; parts *= 2 {
		q := m.partMeans(m.innov, parts)
		if err := m.differ(parts, q); err != nil {
			return err
		}
	}
	return nil
}

// differ judges mean squared differences q, by block, of so many parts. The spread under
// them is an estimate, of about half as many degrees of freedom as panes.
func (m *model) differ(parts int, q []float64) error {
	for i, b := range m.blocks {
		if q[i] > unsteadyQ && fisherTail(q[i], m.nu[i]*float64(parts-1), float64(m.size)/2) > unsteadyP {
			return &HistoryError{Lacks: Unsteady, Have: m.size, Need: m.size, Group: b.group, Parts: parts, Q: math.Round(q[i]*100) / 100}
		}
	}
	return nil
}

// partMeans returns, by block, of rows of unit variance without memory,
//
//	Q = n/((K-1) p) sum over the K parts and p alive coordinates of (part's mean - mean)²,
//
// n rows a part, which is 1 where the parts are alike.
func (m *model) partMeans(rows []float64, parts int) []float64 {
	p := m.width()
	length := len(rows) / p / parts
	sums := make([]float64, parts*p)
	mean := make([]float64, p)
	for t := range length * parts {
		sum := sums[t/length*p:][:p]
		for k, v := range rows[t*p : (t+1)*p] {
			sum[k] += v
			mean[k] += v / float64(parts)
		}
	}
	q := make([]float64, len(m.blocks))
	for i, b := range m.blocks {
		for part := range parts {
			for k := b.lo; k < b.hi; k++ {
				d := sums[part*p+k] - mean[k]
				q[i] += d * d
			}
		}
		q[i] /= float64(length*(parts-1)) * float64(max(m.live[i], 1))
	}
	return q
}

// halves returns Q of the halves, each coordinate over its long-run deviation
// sd/(1 - phi), with phi and sd of order 1 about each half's own mean.
func (m *model) halves() []float64 {
	p := m.width()
	length := m.size / 2
	rows := make([]float64, 2*length*p)
	x := [2][]float64{make([]float64, length), make([]float64, length)}
	for _, b := range m.blocks {
		var phi []float64
		var at []int
		power := make([]float64, b.width())
		for k := b.lo; k < b.hi; k++ {
			if !m.alive[k] {
				continue
			}
			var r float64
			for half := range x {
				var mean float64
				for t := range x[half] {
					x[half][t] = m.centred[(half*length+t)*p+k]
					mean += x[half][t] / float64(length)
				}
				for t := range x[half] {
					x[half][t] -= mean
					power[k-b.lo] += x[half][t] * x[half][t] / float64(2*(length-1))
				}
				r += lagOne(x[half]) / 2
			}
			phi, at = append(phi, r), append(at, k)
		}
		shrink(phi, 2*length)
		for i, k := range at {
			// The long-run variance of an autoregression is its variance times
			// (1 + phi)/(1 - phi).
			wide := math.Sqrt(max(power[k-b.lo], dead) * (1 + phi[i]) / (1 - phi[i]))
			for t := range 2 * length {
				rows[t*p+k] = m.centred[t*p+k] / wide
			}
		}
	}
	return m.partMeans(rows, 2)
}
