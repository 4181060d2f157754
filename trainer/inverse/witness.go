package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Witness is regularisation by a learned critic: it minimises
//
//	|A x - y|^2 / 2 + lambda |x - mean|^2 / 2 + mu f(x)
//
// by gradient steps from the reconstruction without f, that of [Tikhonov], whose
// lambda it keeps. The critic f is small on
// records and large on naive reconstructions of their measurements (Lunz, Oktem
// and Schonlieb, Adversarial regularizers in inverse problems, NeurIPS 2018).
// Where they train a network, f is here the witness of the maximum mean
// discrepancy between the two (Gretton et al., Journal of Machine Learning
// Research 13, 2012), which has a closed form in random features,
//
//	f(x) = Re sum_j conj(z_j - z'_j) phi_j(x) / m,   phi_j(x) = exp(i w_j.x),
//
// with the mean phasors z of naive reconstructions and z' of generated records.
type Witness struct {
	Features int     // m; 512
	Mu       float64 // 0 is chosen by the error on held-out generated records
	Steps    int     // 200
	Seed     uint64  // of the features
}

// Name returns "witness".
func (Witness) Name() string { return "witness" }

const witnessSamples = 2000

// Prepare measures samples, reconstructs them naively by [Tikhonov], and takes
// the difference of the two sketches.
func (w Witness) Prepare(p *Prior, q Problem) (Solver, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	if w.Features == 0 {
		w.Features = 512
	}
	if w.Steps == 0 {
		w.Steps = 200
	}
	if w.Features < 1 || w.Steps < 1 || !(w.Mu >= 0) {
		return nil, fmt.Errorf("inverse: %w: a witness of %d features, %d steps and mu %v: give numbers above 0", ErrProblem, w.Features, w.Steps, w.Mu)
	}
	naive, lambda, err := Tikhonov{}.choose(p, q)
	if err != nil {
		return nil, err
	}
	f := w.critic(p, q, naive.estimate)
	f.mean, f.lambda = p.mean, lambda
	a, _, whiten := q.white()
	norm := Norm(a)
	solve := func(mu float64, y []float64, steps int) []float64 {
		x := naive.estimate(y)
		if whiten != nil {
			y = whiten(y)
		}
		return f.descend(a, norm, mu, x, y, steps)
	}
	if w.Mu == 0 {
		// At unit the critic is as steep as the data one standard deviation away.
		unit := norm * norm * math.Sqrt(mat.Trace(p.cov)) / f.scale
		grid := []float64{0, .001 * unit, .003 * unit, .01 * unit, .03 * unit, .1 * unit, .3 * unit, unit, 3 * unit}
		w.Mu = grid[p.tune(q, len(grid), func(i int, y []float64) []float64 { return solve(grid[i], y, w.Steps/2) })]
	}
	rows, _ := a.Dims()
	return solverFunc{w.Name(), rows, func(y []float64) (x, sd []float64) { return solve(w.Mu, y, w.Steps), nil }}, nil
}

// critic is the witness function.
type critic struct {
	omega  *mat.Dense // features by coordinates, radians
	re, im []float64  // z - z'
	scale  float64    // its typical slope
	bend   float64    // a bound of its curvature
	mean   []float64
	lambda float64
}

func (w Witness) critic(p *Prior, q Problem, naive func(y []float64) []float64) *critic {
	rng := rand.New(rand.NewPCG(w.Seed, 0x6d6d64))
	n := min(witnessSamples, p.Samples())
	real, fake := mat.NewDense(n, p.dim, nil), mat.NewDense(n, p.dim, nil)
	for i := range n {
		copy(real.RawRowView(i), p.x.RawRowView(i))
		copy(fake.RawRowView(i), naive(q.measure(real.RawRowView(i), rng)))
	}
	var distances []float64
	for i := range min(n-1, 500) {
		distances = append(distances, squared(real.RawRowView(i), fake.RawRowView(i+1)))
	}
	slices.Sort(distances)
	median := math.Sqrt(distances[len(distances)/2]) + 1e-300
	f := &critic{omega: mat.NewDense(w.Features, p.dim, nil), re: make([]float64, w.Features), im: make([]float64, w.Features)}
	for j := range w.Features {
		// Kernels of a quarter to four times the median distance.
		width := median * math.Exp2(4*rng.Float64()-2)
		for k := range p.dim {
			f.omega.Set(j, k, rng.NormFloat64()/width)
		}
	}
	add := func(x *mat.Dense, sign float64) {
		var phase mat.Dense
		phase.Mul(x, f.omega.T())
		for i := range n {
			for j, v := range phase.RawRowView(i) {
				s, c := math.Sincos(v)
				f.re[j] += sign * c / float64(n)
				f.im[j] += sign * s / float64(n)
			}
		}
	}
	add(fake, 1)
	add(real, -1)
	g, sum := make([]float64, p.dim), 0.0
	for i := range min(n, 50) {
		f.gradient(g, fake.RawRowView(i))
		sum += dot(g, g) / float64(min(n, 50))
	}
	f.scale = math.Sqrt(sum) + 1e-300
	for j := range w.Features {
		row := f.omega.RawRowView(j)
		f.bend += math.Hypot(f.re[j], f.im[j]) * dot(row, row) / float64(w.Features)
	}
	return f
}

// gradient writes the gradient of f at x to dst.
func (f *critic) gradient(dst, x []float64) {
	m := len(f.re)
	phase := mat.NewVecDense(m, nil)
	phase.MulVec(f.omega, mat.NewVecDense(len(x), x))
	for j := range m {
		s, c := math.Sincos(phase.AtVec(j))
		phase.SetVec(j, (f.im[j]*c-f.re[j]*s)/float64(m))
	}
	g := mat.NewVecDense(len(dst), dst)
	g.MulVec(f.omega.T(), phase)
}

// descend takes gradient steps with Nesterov's momentum; a step is no longer
// than the curvature allows.
func (f *critic) descend(a Operator, norm, mu float64, x, y []float64, steps int) []float64 {
	rate := 1 / (norm*norm + f.lambda + mu*f.bend)
	r, g, h := make([]float64, len(y)), make([]float64, len(x)), make([]float64, len(x))
	at, old := slices.Clone(x), slices.Clone(x)
	for s := range steps {
		a.Apply(r, at)
		axpy(-1, y, r)
		a.Adjoint(g, r)
		axpy(f.lambda, at, g)
		axpy(-f.lambda, f.mean, g)
		if mu > 0 {
			f.gradient(h, at)
			axpy(mu, h, g)
		}
		copy(old, x)
		copy(x, at)
		axpy(-rate, g, x)
		momentum := float64(s) / float64(s+3)
		for i := range at {
			at[i] = x[i] + momentum*(x[i]-old[i])
		}
	}
	return x
}
