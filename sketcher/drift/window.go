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
		for _, w := range windows {
			denominator := degrees
			if w < m.w0[i] && b.group == GroupH {
				s.tails = append(s.tails, tail{kind: tailNone})
				continue
			}
			if w < m.w0[i] && b.group.soft() {
				denominator = min(denominator, max(2, m.records*float64(w)/m.tau[i]))
			}
			s.tails = append(s.tails, newTail(b, m.nu[i], denominator))
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

// statistic returns the largest |s| of cm and cv, the largest sum of s² over a channel's
// coordinates of H, and the mean of s² of the other groups, of s = sum × by.
func statistic(b block, live int, sum []float64, by float64) float64 {
	if n := b.group.part(); n > 0 {
		var most float64
		for k := 0; k < len(sum); k += n {
			most = max(most, part(sum[k:k+n]))
		}
		if n > 1 {
			by *= by
		}
		return most * by
	}
	var q float64
	for _, v := range sum {
		q += v * v
	}
	return q * by * by / float64(max(live, 1))
}

// part returns |s| of one coordinate, and the sum of s² of several.
func part(s []float64) float64 {
	if len(s) == 1 {
		return math.Abs(s[0])
	}
	var q float64
	for _, v := range s {
		q += v * v
	}
	return q
}
