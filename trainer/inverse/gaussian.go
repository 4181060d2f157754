package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Gaussian is the conditional mean under the normal law of the prior's mean mu
// and covariance C, the best linear estimate,
//
//	x = mu + C A' (A C A' + sigma^2 I)^-1 (y - A mu)
//
// which is the filter of Wiener (Extrapolation, interpolation and smoothing of
// stationary time series, 1949) when A is the identity. Its standard deviations
// are the roots of the diagonal of C - C A' (A C A' + sigma^2 I)^-1 A C.
//
// They do not depend on y. Where its squared length under the normal law is more
// than 4 times that of any of 64 generated records' measurements, the answer has
// a warning.
type Gaussian struct{}

// Name returns "gaussian".
func (Gaussian) Name() string { return "gaussian" }

// Prepare factors the covariance of the measurements.
func (g Gaussian) Prepare(p *Prior, q Problem) (Solver, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	c, err := newConditional(p.mean, p.cov, q)
	if err != nil {
		return nil, err
	}
	s := &gaussian{c, float64(len(c.expected))}
	rng := rand.New(rand.NewPCG(1, 0x676175737369616e))
	n, _ := p.held.Dims()
	for i := range min(n, usualChecks) {
		s.usual = max(s.usual, c.length(q.measure(p.held.RawRowView(i), rng)))
	}
	return s, nil
}

// gaussian is the solver of Gaussian.
type gaussian struct {
	*conditional
	usual float64 // the largest squared length of generated records' measurements
}

// Solve conditions on y.
func (s *gaussian) Solve(y []float64) Answer {
	a := Answer{Method: Gaussian{}.Name(), X: s.estimate(y), SD: append([]float64(nil), s.sd...)}
	if s.length(y) > unusual*s.usual {
		a.Warning = "the measurement is unlike anything the generator makes"
	}
	return a
}

// conditional is the law of x given y for a normal x.
type conditional struct {
	mean     []float64
	expected []float64 // A mu of the white problem
	gain     *mat.Dense
	sd       []float64
	factor   *mat.Cholesky // of A C A' + sigma^2 I
	whiten   func(y []float64) []float64
}

func newConditional(mean []float64, cov *mat.SymDense, q Problem) (*conditional, error) {
	a, sigma, whiten := q.white()
	cross, factor, err := innovation(a, cov, sigma)
	if err != nil {
		return nil, err
	}
	d, m := cross.Dims()
	c := &conditional{mean: mean, expected: make([]float64, m), gain: mat.NewDense(d, m, nil), sd: make([]float64, d), factor: factor, whiten: whiten}
	a.Apply(c.expected, mean)
	var solved mat.Dense
	if err := factor.SolveTo(&solved, cross.T()); err != nil && !condition(err) {
		return nil, fmt.Errorf("inverse: %w: the covariance of %d measurements cannot be inverted: %w", ErrProblem, m, err)
	}
	c.gain.Copy(solved.T())
	for i := range d {
		c.sd[i] = math.Sqrt(max(0, cov.At(i, i)-dot(c.gain.RawRowView(i), cross.RawRowView(i))))
	}
	return c, nil
}

// innovation returns C A' and the factor of A C A' + sigma^2 I, to whose
// diagonal 1e-9 of its mean is added so that measurements without noise that
// depend on each other have a factor too.
func innovation(a Operator, cov *mat.SymDense, sigma float64) (cross *mat.Dense, factor *mat.Cholesky, err error) {
	rows, _ := a.Dims()
	cross = project(a, mat.DenseCopyOf(cov))
	s := mat.NewSymDense(rows, nil)
	columns := project(a, mat.DenseCopyOf(cross.T()))
	trace := 0.0
	for i := range rows {
		trace += columns.At(i, i) / float64(rows)
	}
	for i := range rows {
		for j := i; j < rows; j++ {
			s.SetSym(i, j, (columns.At(i, j)+columns.At(j, i))/2)
		}
		s.SetSym(i, i, s.At(i, i)+sigma*sigma+1e-9*trace+1e-300)
	}
	factor = new(mat.Cholesky)
	if !factor.Factorize(s) {
		return nil, nil, fmt.Errorf("inverse: %w: the covariance of %d measurements is not positive definite: give the noise that they have", ErrProblem, rows)
	}
	return cross, factor, nil
}

// residual returns y - A mu of the white problem.
func (c *conditional) residual(y []float64) []float64 {
	if len(y) != len(c.expected) {
		panic(ErrShape)
	}
	r := make([]float64, len(y))
	if c.whiten != nil {
		y = c.whiten(y)
	}
	for i, v := range y {
		r[i] = v - c.expected[i]
	}
	return r
}

// length returns (y - A mu)' (A C A' + sigma^2 I)^-1 (y - A mu).
func (c *conditional) length(y []float64) float64 {
	r := c.residual(y)
	var v mat.VecDense
	if err := c.factor.SolveVecTo(&v, mat.NewVecDense(len(r), r)); err != nil && !condition(err) {
		panic(err) // newConditional has inverted the same factor.
	}
	return dot(r, v.RawVector().Data)
}

func (c *conditional) estimate(y []float64) []float64 {
	r := c.residual(y)
	x := make([]float64, len(c.mean))
	v := mat.NewVecDense(len(x), x)
	v.MulVec(c.gain, mat.NewVecDense(len(r), r))
	axpy(1, c.mean, x)
	return x
}

// Tikhonov minimises |A x - y|^2 + lambda |x - mu|^2 (Tikhonov, Soviet
// Mathematics 4, 1963), where mu is the prior's mean. Lambda of 0 is chosen
// from a grid by the error on held-out generated records.
type Tikhonov struct{ Lambda float64 }

// Name returns "tikhonov".
func (Tikhonov) Name() string { return "tikhonov" }

// Prepare factors A A' + lambda I, for every lambda of the grid if none is given.
func (t Tikhonov) Prepare(p *Prior, q Problem) (Solver, error) {
	c, _, err := t.choose(p, q)
	if err != nil {
		return nil, err
	}
	return solverFunc{t.Name(), len(c.expected), func(y []float64) (x, sd []float64) { return c.estimate(y), nil }}, nil
}

// choose returns the best estimate of the grid and its lambda.
func (t Tikhonov) choose(p *Prior, q Problem) (*conditional, float64, error) {
	if err := p.check(q); err != nil {
		return nil, 0, err
	}
	if !(t.Lambda >= 0) || math.IsInf(t.Lambda, 0) {
		return nil, 0, fmt.Errorf("inverse: %w: lambda is %v: give a number above 0, or 0 to have it chosen", ErrProblem, t.Lambda)
	}
	eye := mat.NewSymDense(p.dim, nil)
	for i := range p.dim {
		eye.SetSym(i, i, 1)
	}
	a, sigma, whiten := q.white()
	grid := []float64{t.Lambda}
	if t.Lambda == 0 {
		norm := Norm(a)
		grid = grid[:0]
		for _, f := range []float64{1e-5, 1e-4, 1e-3, 1e-2, 3e-2, .1, .3, 1, 3} {
			grid = append(grid, f*norm*norm+1e-9*sigma*sigma)
		}
	}
	fits := make([]*conditional, len(grid))
	for i, l := range grid {
		c, err := newConditional(p.mean, eye, Problem{a, White(math.Sqrt(l))})
		if err != nil {
			return nil, 0, err
		}
		c.whiten = whiten
		fits[i] = c
	}
	best := p.tune(q, len(fits), func(i int, y []float64) []float64 { return fits[i].estimate(y) })
	return fits[best], grid[best], nil
}
