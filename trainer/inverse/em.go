package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// FitMixture fits a mixture of k normal laws with full covariances to records,
// row-major with dim numbers each, by expectation and maximisation (Dempster,
// Laird and Rubin, Journal of the Royal Statistical Society B 39, 1977), from
// the means of k-means++ (Arthur and Vassilvitskii, SODA 2007). Equal seeds
// give equal mixtures. A millionth of the records' mean variance is added to
// the diagonals.
func FitMixture(records []float64, dim, k int, seed uint64) (Mixture, error) {
	if dim < 1 || len(records)%dim != 0 || k < 1 || len(records) < k*dim {
		return nil, fmt.Errorf("inverse: %w: %d components of %d numbers with coordinates of %d: give more records than components", ErrProblem, k, len(records), dim)
	}
	n := len(records) / dim
	x := mat.NewDense(n, dim, append([]float64(nil), records...))
	mean, cov := moments(x)
	ridge := 1e-6*mat.Trace(cov)/float64(dim) + 1e-300
	centres := scatter(x, k, rand.New(rand.NewPCG(seed, 0x656d)))
	m := make(Mixture, k)
	for j := range m {
		m[j] = Component{1 / float64(k), append([]float64(nil), x.RawRowView(centres[j])...), symmetric(cov)}
		m[j].Covariance.ScaleSym(1/float64(k), m[j].Covariance)
	}
	w := mat.NewDense(n, k, nil)
	last := math.Inf(-1)
	for range 100 {
		likelihood, err := m.expect(x, w, ridge)
		if err != nil {
			return nil, err
		}
		if likelihood-last < 1e-4*float64(n) {
			break
		}
		last = likelihood
		m.maximise(x, w, mean)
	}
	for j := range m {
		addDiagonal(m[j].Covariance, ridge)
	}
	return m, nil
}

// scatter chooses k records far from each other, as k-means++ does.
func scatter(x *mat.Dense, k int, rng *rand.Rand) []int {
	n, _ := x.Dims()
	chosen := []int{rng.IntN(n)}
	d := make([]float64, n)
	for i := range d {
		d[i] = math.Inf(1)
	}
	for len(chosen) < k {
		total := 0.0
		for i := range d {
			d[i] = min(d[i], squared(x.RawRowView(i), x.RawRowView(chosen[len(chosen)-1])))
			total += d[i]
		}
		at := rng.Float64() * total
		pick := 0
		for pick < n-1 && at >= d[pick] {
			at -= d[pick]
			pick++
		}
		chosen = append(chosen, pick)
	}
	return chosen
}

// expect writes the share of every component in every record to w, and returns
// the log likelihood.
func (m Mixture) expect(x, w *mat.Dense, ridge float64) (float64, error) {
	n, d := x.Dims()
	centred := mat.NewDense(n, d, nil)
	for j, c := range m {
		cov := symmetric(c.Covariance)
		addDiagonal(cov, ridge)
		var f mat.Cholesky
		if !f.Factorize(cov) {
			return 0, fmt.Errorf("inverse: %w: component %d of the mixture has no Cholesky factor: give fewer components", ErrProblem, j)
		}
		for i := range n {
			row := centred.RawRowView(i)
			copy(row, x.RawRowView(i))
			axpy(-1, c.Mean, row)
		}
		var l mat.TriDense
		f.LTo(&l)
		blas64.Trsm(blas.Right, blas.Trans, 1, l.RawTriangular(), centred.RawMatrix())
		constant := math.Log(c.Weight+1e-300) - f.LogDet()/2 - float64(d)/2*math.Log(2*math.Pi)
		for i := range n {
			row := centred.RawRowView(i)
			w.Set(i, j, constant-dot(row, row)/2)
		}
	}
	likelihood := 0.0
	for i := range n {
		row := w.RawRowView(i)
		most, sum := math.Inf(-1), 0.0
		for _, v := range row {
			most = max(most, v)
		}
		for _, v := range row {
			sum += math.Exp(v - most)
		}
		likelihood += most + math.Log(sum)
		softmax(row)
	}
	return likelihood, nil
}

// maximise sets every component to the weighted moments of the records. One
// that no record belongs to any more starts again from the mean of all.
func (m Mixture) maximise(x, w *mat.Dense, mean []float64) {
	n, d := x.Dims()
	part := mat.NewDense(n, d, nil)
	for j := range m {
		total := 0.0
		centre := make([]float64, d)
		for i := range n {
			total += w.At(i, j)
			axpy(w.At(i, j), x.RawRowView(i), centre)
		}
		if total < 1 {
			m[j].Weight = total / float64(n)
			copy(m[j].Mean, mean)
			continue
		}
		scale(centre, 1/total)
		for i := range n {
			row := part.RawRowView(i)
			copy(row, x.RawRowView(i))
			axpy(-1, centre, row)
			scale(row, math.Sqrt(w.At(i, j)))
		}
		m[j].Weight, m[j].Mean = total/float64(n), centre
		blas64.Syrk(blas.Trans, 1/total, part.RawMatrix(), 0, m[j].Covariance.RawSymmetric())
	}
}

func addDiagonal(s *mat.SymDense, v float64) {
	for i := range s.SymmetricDim() {
		s.SetSym(i, i, s.At(i, i)+v)
	}
}
