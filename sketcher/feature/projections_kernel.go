package feature

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Rules of the drift components.
const (
	maxComponents       = 32
	oversampling        = 8
	recordsPerComponent = 5
	componentThreshold  = 1e-6 // of the largest eigenvalue
	whitenRows          = 20_000
)

// subspaceRows are the numbers of rows of the passes of the subspace
// iteration. The first starts it with random combinations of features.
var subspaceRows = [...]int{1000, 1500, 2000}

// components returns the drift components B, 2m*k, and the mean phasors of the
// rows that they were whitened over.
//
// The columns of B span the top principal components of the features phi (the
// cosines, then the sines) and are scaled so that B'phi has unit variance and
// no correlation over these rows. The subspace is found by randomised subspace
// iteration on a part of the pilot, and turned and scaled exactly within
// (Rayleigh-Ritz) over up to 20,000 rows; features are computed as they are
// needed and never stored for more than one record. Halko, Martinsson, Tropp,
// Finding structure with randomness (2011).
func (p *pilotSet) components(omega []int32, m int) (b []float32, z []complex128, records int) {
	want := min(maxComponents, p.n/recordsPerComponent)
	block := min(want+oversampling, p.n-1, 2*m)
	s := &subspace{p: p, omega: pack(omega, p.d), f: make([]float64, 2*m)}
	s.mean = make([]float64, 2*m)
	for i, rows := range subspaceRows {
		if want == 0 {
			break
		}
		s.pass(p.subset(rows), i == 0, block)
	}
	if len(s.basis) == 0 {
		want = 0
	}
	rows := p.subset(whitenRows)
	mean, cov := s.ritz(rows)
	z = make([]complex128, m)
	for j := range z {
		z[j] = complex(mean[j], mean[m+j])
	}
	if want == 0 {
		return nil, z, len(rows)
	}
	values, vectors, ok := principal(cov, len(s.basis))
	if !ok {
		return nil, z, len(rows)
	}
	return s.whitened(values, vectors, want), z, len(rows)
}

// subspace is an orthonormal basis of directions in feature space.
type subspace struct {
	p     *pilotSet
	omega packed
	basis [][]float64
	mean  []float64 // of the features over the first rows of the iteration
	f     []float64 // features of one record
}

// pass replaces the basis Q by an orthonormal basis of the columns of
// F'(F Q), F the centred features of the rows, or of F'G with random G in the
// first pass.
func (s *subspace) pass(rows []int, first bool, block int) {
	if first {
		for _, i := range rows {
			s.omega.features(s.f, s.p.row(i))
			blas64.Axpy(1, vector(s.f), vector(s.mean))
		}
		blas64.Scal(1/float64(len(rows)), vector(s.mean))
	} else {
		block = len(s.basis)
	}
	rng := s.p.rand(streamSubspace)
	next := make([][]float64, block)
	for j := range next {
		next[j] = make([]float64, len(s.f))
	}
	for _, i := range rows {
		s.omega.features(s.f, s.p.row(i))
		blas64.Axpy(-1, vector(s.mean), vector(s.f))
		for j := range next {
			var weight float64
			if first {
				weight = rng.NormFloat64()
			} else {
				weight = blas64.Dot(vector(s.basis[j]), vector(s.f))
			}
			blas64.Axpy(weight, vector(s.f), vector(next[j]))
		}
	}
	s.basis = orthonormal(next)
}

// orthonormal returns an orthonormal basis of the vectors, in their order,
// without those that depend on earlier ones. It overwrites them.
func orthonormal(vectors [][]float64) [][]float64 {
	var largest float64
	for _, v := range vectors {
		largest = max(largest, blas64.Nrm2(vector(v)))
	}
	basis := vectors[:0]
	for _, v := range vectors {
		for range 2 { // the second time removes what rounding left
			for _, b := range basis {
				blas64.Axpy(-blas64.Dot(vector(b), vector(v)), vector(b), vector(v))
			}
		}
		norm := blas64.Nrm2(vector(v))
		if norm <= 1e-9*largest {
			continue
		}
		blas64.Scal(1/norm, vector(v))
		basis = append(basis, v)
	}
	return basis
}

// ritz returns the mean of the features over the rows and the covariance of
// their coordinates in the basis, as an upper triangle.
func (s *subspace) ritz(rows []int) (mean, cov []float64) {
	k := len(s.basis)
	mean = make([]float64, len(s.f))
	cov = make([]float64, k*k)
	y, center := make([]float64, k), make([]float64, k)
	for _, i := range rows {
		s.omega.features(s.f, s.p.row(i))
		blas64.Axpy(1, vector(s.f), vector(mean))
		blas64.Axpy(-1, vector(s.mean), vector(s.f))
		for j, b := range s.basis {
			y[j] = blas64.Dot(vector(b), vector(s.f))
			center[j] += y[j]
		}
		for j, v := range y {
			blas64.Axpy(v, vector(y[j:]), vector(cov[j*k+j:(j+1)*k]))
		}
	}
	n := float64(len(rows))
	blas64.Scal(1/n, vector(mean))
	for j, c := range center {
		for l := j; l < k; l++ {
			cov[j*k+l] = (cov[j*k+l] - float64(c*center[l])/n) / n
		}
	}
	return mean, cov
}

// whitened returns the basis turned by the eigenvectors and divided by the
// square roots of the eigenvalues: the first columns, at most want, down to
// the threshold.
func (s *subspace) whitened(values []float64, vectors *mat.Dense, want int) []float32 {
	k := 0
	for k < min(want, len(values)) && values[k] > componentThreshold*values[0] && values[k] > 0 {
		k++
	}
	column := make([]float64, len(s.f))
	b := make([]float32, len(s.f)*k)
	for j := range k {
		clear(column)
		for l, basis := range s.basis {
			blas64.Axpy(vectors.At(l, j)/math.Sqrt(values[j]), vector(basis), vector(column))
		}
		for i, v := range column {
			b[i*k+j] = float32(v)
		}
	}
	return b
}
