package inverse

import (
	"fmt"
	"math"
)

// TotalVariation minimises
//
//	|A x - y|^2 / 2 + lambda TV(x)
//
// where TV is the sum of the lengths of the gradient over the grid (Rudin, Osher
// and Fatemi, Physica D 60, 1992), by the primal-dual method of Chambolle and
// Pock (Journal of Mathematical Imaging and Vision 40, 2011).
type TotalVariation struct {
	// Lambda of 0 is chosen from a grid by the error on held-out generated records.
	Lambda     float64
	Iterations int // 300
}

// Name returns "total-variation".
func (TotalVariation) Name() string { return "total-variation" }

// Prepare chooses lambda.
func (v TotalVariation) Prepare(p *Prior, q Problem) (Solver, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	shape, err := checkShape(p, v.Name())
	if err != nil {
		return nil, err
	}
	rows, cols := grid(shape)
	if v.Iterations == 0 {
		v.Iterations = 300
	}
	a, sigma, whiten := q.white()
	norm := Norm(a)
	if norm == 0 {
		return nil, fmt.Errorf("inverse: %w: the operator is zero", ErrProblem)
	}
	solve := func(lambda float64, y []float64, iterations int) []float64 {
		if whiten != nil {
			y = whiten(y)
		}
		return variation(a, norm, rows, cols, lambda, y, iterations)
	}
	if v.Lambda == 0 {
		grid := thresholds(p, a, sigma)
		v.Lambda = grid[p.tune(q, len(grid), func(i int, y []float64) []float64 { return solve(grid[i], y, v.Iterations/2) })]
	}
	m, _ := a.Dims()
	return solverFunc{v.Name(), m, func(y []float64) (x, sd []float64) { return solve(v.Lambda, y, v.Iterations), nil }}, nil
}

// variation runs the primal-dual iteration on K = (A, gradient), whose norm is
// at most sqrt(norm^2 + 8). The operator and the gradient have dual steps of
// their own, so that a large A does not slow down the other.
func variation(a Operator, norm float64, rows, cols int, lambda float64, y []float64, iterations int) []float64 {
	m, n := a.Dims()
	x, bar := make([]float64, n), make([]float64, n)
	a.Adjoint(x, y)
	scale(x, 1/(norm*norm))
	copy(bar, x)
	dual, ax := make([]float64, m), make([]float64, m)
	right, down := make([]float64, n), make([]float64, n)
	back, old := make([]float64, n), make([]float64, n)
	const gradient = 2.83 // above the root of 8, the norm of the gradient
	tau := 0.5 / norm
	sigmaA, sigmaG := 1/norm, norm/(gradient*gradient)
	for range iterations {
		a.Apply(ax, bar)
		for i := range dual {
			dual[i] = (dual[i] + sigmaA*(ax[i]-y[i])) / (1 + sigmaA)
		}
		ascend(right, down, bar, rows, cols, sigmaG, lambda)
		a.Adjoint(back, dual)
		divergence(back, right, down, rows, cols)
		copy(old, x)
		axpy(-tau, back, x)
		for i := range bar {
			bar[i] = 2*x[i] - old[i]
		}
	}
	return x
}

// ascend adds step times the gradient of x to the field (right, down), and
// brings its vectors back to a length of at most lambda.
func ascend(right, down, x []float64, rows, cols int, step, lambda float64) {
	for i := range rows {
		for j := range cols {
			k := i*cols + j
			if j+1 < cols {
				right[k] += step * (x[k+1] - x[k])
			}
			if i+1 < rows {
				down[k] += step * (x[k+cols] - x[k])
			}
			if length := math.Hypot(right[k], down[k]); length > lambda {
				right[k] *= lambda / length
				down[k] *= lambda / length
			}
		}
	}
}

// divergence adds the adjoint of the gradient at the field to dst.
func divergence(dst, right, down []float64, rows, cols int) {
	for i := range rows {
		for j := range cols {
			k := i*cols + j
			if j+1 < cols {
				dst[k+1] += right[k]
				dst[k] -= right[k]
			}
			if i+1 < rows {
				dst[k+cols] += down[k]
				dst[k] -= down[k]
			}
		}
	}
}
