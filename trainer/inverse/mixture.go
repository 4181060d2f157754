package inverse

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Component is one normal law of a mixture.
type Component struct {
	Weight     float64
	Mean       []float64
	Covariance *mat.SymDense
}

// Mixture is the conditional mean under a mixture of normal laws: the
// conditional means of the components, each as in [Gaussian], weighted by the
// components' weights given y (Yu, Sapiro and Mallat, IEEE Transactions on Image
// Processing 21, 2012). Its components come from a sketch, or from
// [FitMixture].
type Mixture []Component

// Name returns "mixture".
func (Mixture) Name() string { return "mixture" }

// Prepare conditions every component.
func (m Mixture) Prepare(p *Prior, q Problem) (Solver, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	if len(m) == 0 {
		return nil, fmt.Errorf("inverse: %w: a mixture of no components", ErrProblem)
	}
	parts, logs := make([]*conditional, len(m)), make([]float64, len(m))
	for i, c := range m {
		if len(c.Mean) != p.dim || c.Covariance.SymmetricDim() != p.dim || !(c.Weight >= 0) {
			return nil, fmt.Errorf("inverse: %w: component %d has weight %v and %d coordinates, a record has %d", ErrProblem, i, c.Weight, len(c.Mean), p.dim)
		}
		var err error
		if parts[i], err = newConditional(c.Mean, c.Covariance, q); err != nil {
			return nil, err
		}
		logs[i] = math.Log(c.Weight) - parts[i].factor.LogDet()/2
	}
	return solverFunc{m.Name(), len(parts[0].expected), func(y []float64) (x, sd []float64) {
		return mixed(parts, logs, y)
	}}, nil
}

// mixed weighs the conditional laws of the components.
func mixed(parts []*conditional, logs, y []float64) (x, sd []float64) {
	d := len(parts[0].mean)
	w, xs := make([]float64, len(parts)), make([][]float64, len(parts))
	for i, c := range parts {
		r := c.residual(y)
		var s mat.VecDense
		if err := c.factor.SolveVecTo(&s, mat.NewVecDense(len(r), r)); err != nil && !condition(err) {
			panic(err) // Prepare has inverted the same factor.
		}
		w[i] = logs[i] - dot(r, s.RawVector().Data)/2
		xs[i] = c.estimate(y)
	}
	softmax(w)
	x, sd = make([]float64, d), make([]float64, d)
	for i := range parts {
		axpy(w[i], xs[i], x)
	}
	for i, c := range parts {
		for k := range sd {
			e := xs[i][k] - x[k]
			sd[k] += w[i] * (c.sd[k]*c.sd[k] + e*e)
		}
	}
	for k, v := range sd {
		sd[k] = math.Sqrt(v)
	}
	return x, sd
}

// Lift returns the mixture of whole records for a mixture of components.
func (c *Components) Lift(m Mixture) Mixture {
	dim, q := c.Dims()
	out := make(Mixture, len(m))
	for i, part := range m {
		if len(part.Mean) != q {
			panic(ErrShape)
		}
		mean := append([]float64(nil), c.Mean...)
		v := mat.NewVecDense(dim, nil)
		v.MulVec(c.Basis, mat.NewVecDense(q, part.Mean))
		axpy(1, v.RawVector().Data, mean)
		var half, full mat.Dense
		half.Mul(c.Basis, part.Covariance)
		full.Mul(&half, c.Basis.T())
		cov := mat.NewSymDense(dim, nil)
		for a := range dim {
			for b := a; b < dim; b++ {
				cov.SetSym(a, b, (full.At(a, b)+full.At(b, a))/2+c.Rest.At(a, b))
			}
		}
		out[i] = Component{part.Weight, mean, cov}
	}
	return out
}
