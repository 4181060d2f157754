package inverse

import (
	"fmt"
	"math"
)

// Sparse minimises
//
//	|A x - y|^2 / 2 + lambda |B x|_1
//
// over signals whose coefficients B x in an orthonormal basis are few: the Lasso
// (Tibshirani, Journal of the Royal Statistical Society B 58, 1996) by FISTA
// (Beck and Teboulle, SIAM Journal on Imaging Sciences 2, 2009). When A is the
// identity it is soft thresholding (Donoho, IEEE Transactions on Information
// Theory 41, 1995).
type Sparse struct {
	Label string // the name: "dct", "wavelets"
	Basis *Basis // nil: that of the name for the prior's shape
	// Lambda of 0 is chosen from a grid by the error on held-out generated records.
	Lambda     float64
	Iterations int // 300
}

// Name returns the label.
func (s Sparse) Name() string { return s.Label }

// Prepare chooses lambda.
func (s Sparse) Prepare(p *Prior, q Problem) (Solver, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	if s.Basis == nil {
		shape, err := checkShape(p, s.Label)
		if err != nil {
			return nil, err
		}
		switch s.Label {
		case "dct":
			s.Basis = DCT(shape...)
		case "wavelets":
			s.Basis = Wavelets(shape...)
		default:
			return nil, fmt.Errorf("inverse: %w: no basis is called %q: use dct or wavelets, or give one", ErrProblem, s.Label)
		}
	}
	if s.Basis.Len() != p.dim {
		return nil, fmt.Errorf("inverse: %w: a basis of %d numbers for records of %d", ErrProblem, s.Basis.Len(), p.dim)
	}
	if s.Iterations == 0 {
		s.Iterations = 300
	}
	a, sigma, whiten := q.white()
	norm := Norm(a)
	if norm == 0 {
		return nil, fmt.Errorf("inverse: %w: the operator is zero", ErrProblem)
	}
	one := isIdentity(a)
	solve := func(lambda float64, y []float64, iterations int) []float64 {
		if whiten != nil {
			y = whiten(y)
		}
		if one {
			return s.shrink(y, lambda)
		}
		return s.fista(a, norm, lambda, y, iterations)
	}
	if s.Lambda == 0 {
		grid := thresholds(p, a, sigma)
		s.Lambda = grid[p.tune(q, len(grid), func(i int, y []float64) []float64 { return solve(grid[i], y, s.Iterations/3) })]
	}
	rows, _ := a.Dims()
	return solverFunc{s.Name(), rows, func(y []float64) (x, sd []float64) { return solve(s.Lambda, y, s.Iterations), nil }}, nil
}

// thresholds returns the grid of lambdas: from a thousandth of what makes a
// typical record zero, and around the noise.
func thresholds(p *Prior, a Operator, sigma float64) []float64 {
	rows, cols := a.Dims()
	y, x := make([]float64, rows), make([]float64, cols)
	a.Apply(y, p.held.RawRowView(0))
	a.Adjoint(x, y)
	most := math.Sqrt(dot(x, x)/float64(cols)) + 1e-300
	grid := []float64{}
	for _, f := range []float64{1e-3, 3e-3, 1e-2, 3e-2, .1, .3} {
		grid = append(grid, f*most)
	}
	if sigma > 0 {
		for _, f := range []float64{.3, 1, 2} {
			grid = append(grid, f*sigma)
		}
	}
	return grid
}

// isIdentity says whether a keeps all coordinates in their order.
func isIdentity(a Operator) bool {
	m, ok := a.(mask)
	if !ok || len(m.keep) != m.n {
		return false
	}
	for i, k := range m.keep {
		if i != k {
			return false
		}
	}
	return true
}

func (s Sparse) shrink(y []float64, lambda float64) []float64 {
	x := make([]float64, len(y))
	s.Basis.Forward(x, y)
	soften(x, lambda)
	s.Basis.Inverse(x, x)
	return x
}

func soften(c []float64, lambda float64) {
	for i, v := range c {
		c[i] = math.Copysign(max(0, math.Abs(v)-lambda), v)
	}
}

func (s Sparse) fista(a Operator, norm, lambda float64, y []float64, iterations int) []float64 {
	rows, n := a.Dims()
	step := 1 / (norm * norm)
	c, old, at := make([]float64, n), make([]float64, n), make([]float64, n)
	x, r := make([]float64, n), make([]float64, rows)
	t := 1.0
	for range iterations {
		s.Basis.Inverse(x, at)
		a.Apply(r, x)
		axpy(-1, y, r)
		a.Adjoint(x, r)
		s.Basis.Forward(x, x)
		copy(old, c)
		for i := range c {
			c[i] = at[i] - step*x[i]
		}
		soften(c, step*lambda)
		next := (1 + math.Sqrt(1+4*t*t)) / 2
		for i := range at {
			at[i] = c[i] + (t-1)/next*(c[i]-old[i])
		}
		t = next
	}
	s.Basis.Inverse(x, c)
	return x
}
