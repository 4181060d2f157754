package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Noise is the law of w in y = A x + w: normal with mean zero. The zero value
// is no noise at all.
type Noise struct {
	sigma  float64   // if the others are nil
	sd     []float64 // of independent measurements
	factor *mat.TriDense
}

// White is noise of standard deviation sigma in every measurement.
func White(sigma float64) Noise { return Noise{sigma: sigma} }

// Independent is noise of the given standard deviations, one a measurement.
func Independent(sd []float64) Noise { return Noise{sd: append([]float64(nil), sd...)} }

// Correlated is noise of a covariance, which must be positive definite.
func Correlated(covariance mat.Symmetric) (Noise, error) {
	var c mat.Cholesky
	if !c.Factorize(covariance) {
		return Noise{}, fmt.Errorf("inverse: %w: the noise's covariance of %d measurements is not positive definite", ErrProblem, covariance.SymmetricDim())
	}
	l := new(mat.TriDense)
	c.LTo(l)
	return Noise{factor: l}, nil
}

// Add adds a draw of the noise to y.
func (n Noise) Add(y []float64, rng *rand.Rand) {
	e := make([]float64, len(y))
	for i := range e {
		e[i] = rng.NormFloat64()
	}
	switch {
	case n.factor != nil:
		v := mat.NewVecDense(len(e), e)
		v.MulVec(n.factor, v)
	case n.sd != nil:
		for i := range e {
			e[i] *= n.sd[i]
		}
	default:
		scale(e, n.sigma)
	}
	axpy(1, e, y)
}

// Problem is y = A x + w: what is known of a measurement but its numbers.
type Problem struct {
	A     Operator
	Noise Noise
}

// check refuses noise that does not fit the operator.
func (q Problem) check() error {
	rows, cols := q.A.Dims()
	n := q.Noise
	if rows < 1 || cols < 1 {
		return fmt.Errorf("inverse: %w: the operator has %d rows and %d columns", ErrProblem, rows, cols)
	}
	if !(n.sigma >= 0) || math.IsInf(n.sigma, 0) {
		return fmt.Errorf("inverse: %w: noise of standard deviation %v: give a number of at least 0", ErrProblem, n.sigma)
	}
	if n.sd != nil && len(n.sd) != rows {
		return fmt.Errorf("inverse: %w: %d standard deviations of the noise for %d measurements", ErrProblem, len(n.sd), rows)
	}
	for i, s := range n.sd {
		if !(s > 0) || math.IsInf(s, 0) {
			return fmt.Errorf("inverse: %w: measurement %d has noise of standard deviation %v: give a number above 0", ErrProblem, i, s)
		}
	}
	if n.factor != nil {
		if k, _ := n.factor.Dims(); k != rows {
			return fmt.Errorf("inverse: %w: a noise covariance of %d for %d measurements", ErrProblem, k, rows)
		}
	}
	return nil
}

// measure returns the noisy measurement of x.
func (q Problem) measure(x []float64, rng *rand.Rand) []float64 {
	rows, _ := q.A.Dims()
	y := make([]float64, rows)
	q.A.Apply(y, x)
	q.Noise.Add(y, rng)
	return y
}

// white returns the same problem with white noise: its operator, the standard
// deviation, and what takes measurements to those of the new problem, nil if
// they are the same.
func (q Problem) white() (a Operator, sigma float64, whiten func(y []float64) []float64) {
	n := q.Noise
	if n.sd == nil && n.factor == nil {
		return q.A, n.sigma, nil
	}
	rows, cols := q.A.Dims()
	divide := func(y []float64) {
		for i, s := range n.sd {
			y[i] /= s
		}
	}
	transposed := divide
	if n.factor != nil {
		solve := func(l mat.Matrix) func(y []float64) {
			return func(y []float64) {
				v := mat.NewVecDense(len(y), y)
				if err := v.SolveVec(l, v); err != nil && !condition(err) {
					panic(err) // A triangle of a Cholesky factor has no zero on its diagonal.
				}
			}
		}
		divide, transposed = solve(n.factor), solve(n.factor.T())
	}
	inner := q.A
	a = Func{rows, cols, func(dst, x []float64) {
		inner.Apply(dst, x)
		divide(dst)
	}, func(dst, y []float64) {
		v := append([]float64(nil), y...)
		transposed(v)
		inner.Adjoint(dst, v)
	}}
	return a, 1, func(y []float64) []float64 {
		v := append([]float64(nil), y...)
		divide(v)
		return v
	}
}

// condition says whether an error of gonum only warns of lost digits.
func condition(err error) bool {
	_, ok := err.(mat.Condition)
	return ok
}
