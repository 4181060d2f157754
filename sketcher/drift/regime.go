package drift

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// A change may leave a law whose innovations have another spread and correlation than the
// mean of all segments: fewer directions carry the noise, or wider ones. A threshold for
// the mean is then too low within many segments, so the runs behind the thresholds of a
// Rolling are drawn from the segments' own laws.
//
// The covariance C_s of a segment's n_s innovations is known badly when n_s is small. Of
// each block, with C that of all,
//
//	noise_s = sum over panes |e e' - C_s|² / (n_s (n_s - 1))
//	signal  = mean of |C_s - C|² - noise_s, at least 0
//
// (Ledoit and Wolf 2004), and C_s is moved towards C by the weight
// sqrt(signal/(signal + noise_s)), under which the laws differ among each other as much as
// the segments do beyond chance (Louis 1984).

// span is a range of panes.
type span struct{ lo, hi int }

func (s span) len() float64 { return float64(s.hi - s.lo) }

// laws are those of segments, each with its share of the panes.
type laws struct {
	all    []float64 // mean of e e', width×width
	rows   []span    // of the innovations, by segment
	until  []float64 // cumulated share
	weight [][]float64
	prior  []float64 // degrees of freedom of the pooled variances within a segment, by block
	last   int       // segment of factor, -1 before the first
	factor blas64.Triangular
}

const (
	leastRegime = 2 * leastEarlier // panes of a segment whose law is estimated
	leastApart  = .02              // relative variance of the segments' variances below which they are one
)

// newLaws estimates the laws of segments, given as ranges of the panes that the model was
// fitted to; nil when they do not differ, and not known when fewer than two are long enough.
func (m *model) newLaws(segments []span) (l *laws, known bool) {
	p := m.width()
	l = &laws{last: -1}
	var total float64
	for _, s := range segments {
		if r := (span{max(0, s.lo-m.order), s.hi - m.order}); r.hi-r.lo >= leastRegime {
			l.rows = append(l.rows, r)
			total += r.len()
		}
	}
	if len(l.rows) < 2 {
		return nil, false
	}
	l.all = m.crossed(span{0, len(m.innov) / p})
	noise := make([][]float64, len(l.rows))
	signal := make([]float64, len(m.blocks))
	apart, square := make([]float64, len(m.blocks)), make([]float64, len(m.blocks))
	var until float64
	for s, r := range l.rows {
		own := m.crossed(r)
		share := r.len() / total
		noise[s] = make([]float64, len(m.blocks))
		for i, b := range m.blocks {
			var distance float64
			noise[s][i], distance = m.scatter(r, b, own, l.all)
			signal[i] += share * (distance - noise[s][i])
			for k := b.lo; k < b.hi; k++ {
				of, distance := m.scatter(r, block{lo: k, hi: k + 1}, own, l.all)
				apart[i] += share * (distance - of)
				square[i] += share * l.all[k*p+k] * l.all[k*p+k]
			}
		}
		until += share
		l.until = append(l.until, until)
	}
	differ := false
	for _, v := range signal {
		differ = differ || v > 0
	}
	if !differ {
		return nil, true
	}
	for s := range l.rows {
		w := make([]float64, len(m.blocks))
		for i, v := range signal {
			if v > 0 {
				w[i] = math.Sqrt(v / (v + max(noise[s][i], 0)))
			}
		}
		l.weight = append(l.weight, w)
	}
	// Variances of an inverse chi-squared law with d degrees of freedom have the relative
	// variance 2/(d - 4).
	for i := range m.blocks {
		l.prior = append(l.prior, math.Inf(1))
		if apart[i] > leastApart*square[i] {
			l.prior[i] = 4 + 2*square[i]/apart[i]
		}
	}
	return l, true
}

// crossed returns the mean of e e' over a range of innovations, width×width.
func (m *model) crossed(r span) []float64 {
	p := m.width()
	e := blas64.General{Rows: r.hi - r.lo, Cols: p, Stride: p, Data: m.innov[r.lo*p : r.hi*p]}
	c := general(p, p)
	blas64.Gemm(blas.Trans, blas.NoTrans, 1/r.len(), e, e, 0, c)
	return c.Data
}

// scatter returns, of block b, the variance of a segment's mean own of e e', and the
// squared distance of that mean from all.
func (m *model) scatter(r span, b block, own, all []float64) (noise, distance float64) {
	p := m.width()
	var norm float64
	for i := b.lo; i < b.hi; i++ {
		for j := b.lo; j < b.hi; j++ {
			c := own[i*p+j]
			norm += c * c
			distance += (c - all[i*p+j]) * (c - all[i*p+j])
		}
	}
	for t := r.lo; t < r.hi; t++ {
		var q float64
		for _, v := range m.innov[t*p+b.lo : t*p+b.hi] {
			q += v * v
		}
		noise += q * q
	}
	return (noise/r.len() - norm) / (r.len() - 1), distance
}

// at returns the factor of the law at a share of the panes. Shares that ascend cost one
// factor a segment.
func (l *laws) at(m *model, share float64) blas64.Triangular {
	s := 0
	for s < len(l.until)-1 && share >= l.until[s] {
		s++
	}
	if s == l.last {
		return l.factor
	}
	p := m.width()
	own, all := make([]float64, p), make([]float64, p)
	for i, b := range m.blocks {
		for k := b.lo; k < b.hi; k++ {
			own[k], all[k] = math.Sqrt(l.weight[s][i]), math.Sqrt(1-l.weight[s][i])
		}
	}
	c := m.crossed(l.rows[s])
	for i := range p {
		for j := range p {
			c[i*p+j] = own[i]*own[j]*c[i*p+j] + all[i]*all[j]*l.all[i*p+j]
		}
	}
	l.last, l.factor = s, lowerFactor(c, p, len(m.innov)/p)
	return l.factor
}

// lowerFactor returns the lower factor of (1 - a) c + a I, a = min(1/2, 5/n) + .05 for a
// covariance c of n innovations.
func lowerFactor(c []float64, p, n int) blas64.Triangular {
	a := min(.5, 5/float64(n)) + .05
	for i := range c {
		c[i] *= 1 - a
	}
	for k := range p {
		c[k*p+k] += a
	}
	var chol mat.Cholesky
	if !chol.Factorize(mat.NewSymDense(p, c)) {
		// The share a keeps every eigenvalue at .05 or above.
		panic("drift: the innovations are not finite")
	}
	var l mat.TriDense
	chol.LTo(&l)
	t := l.RawTriangular()
	for _, v := range t.Data {
		if math.IsNaN(v) {
			panic("drift: the innovations are not finite")
		}
	}
	return t
}
