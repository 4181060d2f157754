package drift

import "math"

// scorer turns sums of innovations into -log10 p-values, by block and window.
type scorer struct {
	m       *model
	windows []int
	tails   []tail // block-major
}

// newScorer returns the scorer of windows. degrees are those of the spread under every
// sum: a simulated threshold allows for a short reference by itself and asks for +Inf.
func newScorer(m *model, windows []int, degrees float64) *scorer {
	s := &scorer{m: m, windows: windows}
	for i, b := range m.blocks {
		live := max(m.live[i], 1)
		if b.group.maximal() {
			live = b.width()
		}
		for _, w := range windows {
			denominator := degrees
			if w < m.w0[i] && b.group.soft() {
				denominator = min(denominator, max(2, m.records*float64(w)/m.tau[i]))
			}
			s.tails = append(s.tails, newTail(b.group.maximal(), live, m.nu[i], denominator))
		}
	}
	return s
}

// tabulate makes the scorer fast for many scores.
func (s *scorer) tabulate() {
	for i := range s.tails {
		s.tails[i].tabulate()
	}
}

// score returns -log10 p of block i in the window of index j, of the sum of its
// innovations times by.
func (s *scorer) score(i, j int, sum []float64, by float64) float64 {
	b := s.m.blocks[i]
	return s.tails[i*len(s.windows)+j].of(statistic(b, s.m.live[i], sum[b.lo:b.hi], by))
}

// statistic returns max|s| of a maximal group and the mean of s² of the others, of
// s = sum × by.
func statistic(b block, live int, sum []float64, by float64) float64 {
	if b.group.maximal() {
		var most float64
		for _, v := range sum {
			most = max(most, math.Abs(v))
		}
		return most * by
	}
	var q float64
	for _, v := range sum {
		q += v * v
	}
	return q * by * by / float64(max(live, 1))
}
