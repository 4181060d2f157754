package inverse

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// local returns the mean and standard deviations of the record: the weighted
// samples, updated with what their weights have not used of z, plus what the
// generator leaves out.
//
// With rows D of centred samples and B of their centred measurements, each
// times the root of its weight, the update is
//
//	g = mean + D' B (B'B + tau^2 I)^-1 (z - mean measurement)
//
// of covariance D' (I - B (B'B + tau^2 I)^-1 B') D. It works with the smaller
// of B'B and B B'.
func (t *sampler) local(z []float64, c cloud, w []float64, v float64) (x, sd []float64) {
	m := len(z)
	g := make([]float64, t.prior.dim)
	e := append([]float64(nil), z...) // what g leaves of z
	for i, s := range c.rows {
		axpy(w[i], c.x.RawRowView(s), g)
		axpy(-w[i], c.measured.RawRowView(s), e)
	}
	spread, seen := c.centred(w, g, z, e)
	if v > 1 {
		tau := v / (v - 1)
		if k := len(c.rows); k < m {
			s := mat.NewSymDense(k, nil)
			blas64.Syrk(blas.NoTrans, 1, seen.RawMatrix(), 0, s.RawSymmetric())
			f := regularised(s, tau)
			r := mat.NewVecDense(k, nil)
			r.MulVec(seen, mat.NewVecDense(m, append([]float64(nil), e...)))
			solveTriangles(f, r.RawVector())
			addTransposed(g, 1, spread, r.RawVector().Data)
			addTransposed(e, -1, seen, r.RawVector().Data)
			sd = t.deviations(shrinkRows(f, tau, t.unseen(spread, seen)))
		} else {
			s := mat.NewSymDense(m, nil)
			blas64.Syrk(blas.Trans, 1, seen.RawMatrix(), 0, s.RawSymmetric())
			f := regularised(s, tau)
			r := mat.NewVecDense(m, append([]float64(nil), e...))
			solveTriangles(f, r.RawVector())
			b := mat.NewVecDense(k, nil)
			b.MulVec(seen, r)
			addTransposed(g, 1, spread, b.RawVector().Data)
			addTransposed(e, -1, seen, b.RawVector().Data)
			sd = t.deviations(reduceRows(f, seen, t.unseen(spread, seen)))
		}
	} else {
		sd = t.deviations(columnSquares(t.unseen(spread, seen)))
	}
	x = g
	rest := mat.NewVecDense(len(x), nil)
	rest.MulVec(t.gain, mat.NewVecDense(m, e))
	axpy(1, rest.RawVector().Data, x)
	return x, sd
}

// cloud is some of the rows of x, samples, and of their measurements in units
// of the noise.
type cloud struct {
	x, measured *mat.Dense
	rows        []int
}

// centred returns the rows D and B, for the weighted mean and e = z less the
// mean measurement.
func (c cloud) centred(w, mean, z, e []float64) (spread, seen *mat.Dense) {
	spread, seen = mat.NewDense(len(c.rows), len(mean), nil), mat.NewDense(len(c.rows), len(z), nil)
	for i, s := range c.rows {
		root := math.Sqrt(w[i])
		row := spread.RawRowView(i)
		for k, v := range c.x.RawRowView(s) {
			row[k] = root * (v - mean[k])
		}
		row = seen.RawRowView(i)
		for k, v := range c.measured.RawRowView(s) {
			row[k] = root * (v - z[k] + e[k])
		}
	}
	return spread, seen
}

// unseen returns the rows of D less what the conditional mean of r takes back
// of them: D - B (R A' L^-T)'.
func (t *sampler) unseen(spread, seen *mat.Dense) *mat.Dense {
	u := new(mat.Dense)
	u.Mul(seen, t.gain.T())
	u.Sub(spread, u)
	return u
}

// deviations returns the roots of the variances of g and r together.
func (t *sampler) deviations(v []float64) []float64 {
	for i := range v {
		v[i] = math.Sqrt(max(0, v[i]) + t.variance[i])
	}
	return v
}

// regularised returns the lower factor of s + tau I.
func regularised(s *mat.SymDense, tau float64) blas64.Triangular {
	n := s.SymmetricDim()
	for i := range n {
		s.SetSym(i, i, s.At(i, i)+tau)
	}
	var c mat.Cholesky
	if !c.Factorize(s) {
		panic("inverse: a sum of squares plus a positive diagonal has a Cholesky factor unless it holds NaN")
	}
	l := new(mat.TriDense)
	c.LTo(l)
	return l.RawTriangular()
}

// solveTriangles replaces b by (L L')^-1 b.
func solveTriangles(l blas64.Triangular, b blas64.Vector) {
	blas64.Trsv(blas.NoTrans, l, b)
	blas64.Trsv(blas.Trans, l, b)
}

// addTransposed adds alpha m' v to dst.
func addTransposed(dst []float64, alpha float64, m *mat.Dense, v []float64) {
	blas64.Gemv(blas.Trans, alpha, m.RawMatrix(), vec(v), 1, vec(dst))
}

// columnSquares returns the sum of the squares of each column.
func columnSquares(m *mat.Dense) []float64 {
	n, d := m.Dims()
	s := make([]float64, d)
	for i := range n {
		for k, v := range m.RawRowView(i) {
			s[k] += v * v
		}
	}
	return s
}

// shrinkRows returns the diagonal of E' (I + B B'/tau)^-1 E, where l factors
// B B' + tau I.
func shrinkRows(l blas64.Triangular, tau float64, e *mat.Dense) []float64 {
	blas64.Trsm(blas.Left, blas.NoTrans, math.Sqrt(tau), l, e.RawMatrix())
	return columnSquares(e)
}

// reduceRows returns the diagonal of E' (I - B (B'B + tau I)^-1 B') E, where l
// factors B'B + tau I.
func reduceRows(l blas64.Triangular, b, e *mat.Dense) []float64 {
	var be mat.Dense
	be.Mul(b.T(), e)
	blas64.Trsm(blas.Left, blas.NoTrans, 1, l, be.RawMatrix())
	s := columnSquares(e)
	for k, v := range columnSquares(&be) {
		s[k] -= v
	}
	return s
}
