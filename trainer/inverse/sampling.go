package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Sampling is the posterior by importance sampling with a local linear
// correction. A record is x = g + r, where g follows the generator and r, of
// covariance R, is what it leaves out, so that y = A g + e with e of covariance
// S = sigma^2 I + A R A'. The samples g_s have the weights
//
//	w_s ~ exp(-|y - A g_s|^2 / 2v),   |e|^2 = e' S^-1 e
//
// with v = 1, or, where fewer samples than that are near, a third of the 100th
// smallest squared residual. Broader weights use y with the precision 1/v only;
// the rest of it enters through one Gaussian update of the weighted samples'
// local mean and covariance with noise of covariance tau^2 S,
//
//	1/v + 1/tau^2 = 1,
//
// so that y is not counted twice. The update is a linear regression in the
// neighbourhood of y, as in Beaumont, Zhang and Balding (Genetics 162, 2002).
// At last r has its conditional mean R A' S^-1 (y - A g).
//
// Where the weights were broadened and yet fewer than 20 effective samples carry
// the answer, or had to be broadened over 4 times more than for any of 64
// generated records, the measurement is unlike anything generated, and the
// answer is the Gaussian one, with a warning.
type Sampling struct {
	// Neighbours and Narrow say how broad the weights are at least: the squared
	// residual of this neighbour over Narrow; 100 and 3.
	Neighbours int
	Narrow     float64
}

// Name returns "sampling".
func (Sampling) Name() string { return "sampling" }

const (
	fewSamples  = 20
	usualChecks = 64   // generated records that tell how broad weights usually are
	unusual     = 4    // times the broadest of them
	negligible  = 1e-6 // weight over the largest
	mostLocal   = 2000 // samples of a local covariance
	linearShare = 1e-6 // of the covariance that counts as left out by the generator
)

// Prepare measures all samples.
func (s Sampling) Prepare(p *Prior, q Problem) (Solver, error) {
	return s.prepare(p, q)
}

func (s Sampling) prepare(p *Prior, q Problem) (*sampler, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	if s.Neighbours == 0 {
		s.Neighbours = 100
	}
	if s.Narrow == 0 {
		s.Narrow = 3
	}
	if s.Neighbours < 2 || !(s.Narrow > 0) {
		return nil, fmt.Errorf("inverse: %w: weights of %d neighbours over %v: give 2 or more, and a number above 0", ErrProblem, s.Neighbours, s.Narrow)
	}
	fallback, err := newConditional(p.mean, p.cov, q)
	if err != nil {
		return nil, err
	}
	a, sigma, whiten := q.white()
	rest := mat.NewSymDense(p.dim, nil)
	rest.ScaleSym(linearShare, p.cov)
	if p.rest != nil {
		rest.AddSym(rest, p.rest)
	}
	cross, factor, err := innovation(a, rest, sigma)
	if err != nil {
		return nil, err
	}
	t := &sampler{Sampling: s, prior: p, whiten: whiten, fallback: fallback, neighbours: min(s.Neighbours, p.Samples()-1)}
	t.lower = new(mat.TriDense)
	factor.LTo(t.lower)
	t.measured = project(a, p.x)
	t.solveRows(t.measured)
	n, _ := t.measured.Dims()
	t.squares = make([]float64, n)
	for i := range n {
		row := t.measured.RawRowView(i)
		t.squares[i] = dot(row, row)
	}
	t.gain = cross
	t.solveRows(t.gain)
	t.variance = make([]float64, p.dim)
	for i := range p.dim {
		row := t.gain.RawRowView(i)
		t.variance[i] = max(0, rest.At(i, i)-dot(row, row))
	}
	t.usual = t.broadest(q)
	return t, nil
}

// broadest returns the largest v of some held-out records.
func (t *sampler) broadest(q Problem) float64 {
	rng := rand.New(rand.NewPCG(1, 0x757375616c))
	n, _ := t.prior.held.Dims()
	most := 1.0
	for i := range min(n, usualChecks) {
		d := t.distances(t.standard(q.measure(t.prior.held.RawRowView(i), rng)))
		most = max(most, t.broad(d))
	}
	return most
}

// broad returns the variance v of the likelihood for the squared residuals d.
func (t *sampler) broad(d []float64) float64 {
	return max(1, smallest(d, t.neighbours)/t.Narrow)
}

// sampler holds the measurements of a prior's samples in units of the noise:
// those of L^-1 A, where L L' = S.
type sampler struct {
	Sampling
	prior      *Prior
	whiten     func(y []float64) []float64
	fallback   *conditional
	neighbours int
	lower      *mat.TriDense // L
	measured   *mat.Dense    // samples by measurements
	squares    []float64     // of their lengths
	gain       *mat.Dense    // R A' L^-T
	variance   []float64     // of r given y and g
	usual      float64       // the largest v of generated records
}

// solveRows replaces each row b of x by L^-1 b.
func (t *sampler) solveRows(x *mat.Dense) {
	blas64.Trsm(blas.Right, blas.Trans, 1, t.lower.RawTriangular(), x.RawMatrix())
}

// standard returns L^-1 of the whitened y.
func (t *sampler) standard(y []float64) []float64 {
	if _, m := t.measured.Dims(); len(y) != m {
		panic(ErrShape)
	}
	if t.whiten != nil {
		y = t.whiten(y)
	}
	z := append([]float64(nil), y...)
	blas64.Trsv(blas.NoTrans, t.lower.RawTriangular(), vec(z))
	return z
}

// distances returns |z - L^-1 A g_s|^2 of all samples.
func (t *sampler) distances(z []float64) []float64 {
	d := append([]float64(nil), t.squares...)
	blas64.Gemv(blas.NoTrans, -2, t.measured.RawMatrix(), vec(z), 1, vec(d))
	length := dot(z, z)
	for i, v := range d {
		d[i] = max(0, v+length)
	}
	return d
}

// weights returns the samples with weights that count, their weights, which sum
// to 1, and the variance v of the likelihood.
func (t *sampler) weights(z []float64) (samples []int, w []float64, v float64) {
	d := t.distances(z)
	v = t.broad(d)
	least := math.Inf(1)
	for _, e := range d {
		least = min(least, e)
	}
	reach := least - 2*v*math.Log(negligible)
	if v > 1 && len(d) > mostLocal {
		reach = min(reach, smallest(d, mostLocal))
	}
	sum := 0.0
	for i, e := range d {
		if e <= reach {
			samples = append(samples, i)
			w = append(w, math.Exp((least-e)/(2*v)))
			sum += w[len(w)-1]
		}
	}
	scale(w, 1/sum)
	return samples, w, v
}

// Solve weighs the samples by y.
func (t *sampler) Solve(y []float64) Answer {
	z := t.standard(y)
	samples, w, v := t.weights(z)
	ess := 1 / dot(w, w)
	if v > 1 && (ess < fewSamples || v > unusual*t.usual) {
		return Answer{Method: Gaussian{}.Name(), X: t.fallback.estimate(y), SD: append([]float64(nil), t.fallback.sd...), ESS: ess,
			Warning: "the measurement is unlike anything the generator makes: the answer is the Gaussian one"}
	}
	x, sd := t.local(z, cloud{t.prior.x, t.measured, samples}, w, v)
	return Answer{Method: t.Name(), X: x, SD: sd, ESS: ess}
}
