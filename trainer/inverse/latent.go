package inverse

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Latent searches the latent space of the generator (Bora, Jalal, Price and
// Dimakis, Compressed sensing using generative models, ICML 2017):
//
//	min over u of |L^-1 (y - A G(u))|^2 + weight |u|^2
//
// by Adam (Kingma and Ba, ICLR 2015) from several starts, of which the best end
// counts. L L' is the covariance of the noise and of what the generator leaves
// out, so that a weight of 1 is the mode of the posterior of u. The starts are
// the samples nearest to y, or random ones.
type Latent struct {
	Starts int     // 4
	Steps  int     // 300
	Rate   float64 // of Adam; 0.03
	Weight float64 // 1
	Random bool    // random starts
}

// Name returns "latent".
func (Latent) Name() string { return "latent" }

// Prepare measures all samples, to start from the nearest. It fails for a prior
// without a generator.
func (l Latent) Prepare(p *Prior, q Problem) (Solver, error) {
	s, err := l.prepare(p, q)
	if err != nil {
		return nil, err
	}
	rows, _ := q.A.Dims()
	return solverFunc{l.Name(), rows, func(y []float64) (x, sd []float64) {
		z := s.standard(y)
		ends := s.descend(z, s.starts(z))
		x = ends[0].x
		left := append([]float64(nil), z...)
		measured := make([]float64, rows)
		s.whitened.Apply(measured, x)
		axpy(-1, measured, left)
		rest := mat.NewVecDense(len(x), nil)
		rest.MulVec(s.gain, mat.NewVecDense(rows, left))
		axpy(1, rest.RawVector().Data, x)
		return x, nil
	}}, nil
}

// search is a latent search on the measurements of a sampler.
type search struct {
	Latent
	*sampler
	whitened Operator // L^-1 A
}

func (l Latent) prepare(p *Prior, q Problem) (*search, error) {
	if p.decoder == nil {
		return nil, fmt.Errorf("inverse: %w: a search of latents needs a prior with a generator", ErrProblem)
	}
	for _, f := range []struct {
		value *int
		deflt int
	}{{&l.Starts, 4}, {&l.Steps, 300}} {
		if *f.value == 0 {
			*f.value = f.deflt
		}
	}
	if l.Rate == 0 {
		l.Rate = 0.03
	}
	if l.Weight == 0 {
		l.Weight = 1
	}
	if l.Starts < 1 || l.Steps < 1 || !(l.Rate > 0) || !(l.Weight > 0) {
		return nil, fmt.Errorf("inverse: %w: a search of %d starts, %d steps, rate %v and weight %v: all must be above 0", ErrProblem, l.Starts, l.Steps, l.Rate, l.Weight)
	}
	t, err := Sampling{}.prepare(p, q)
	if err != nil {
		return nil, err
	}
	a, _, _ := q.white()
	s := &search{Latent: l, sampler: t}
	rows, cols := a.Dims()
	lower := t.lower.RawTriangular()
	s.whitened = Func{rows, cols, func(dst, x []float64) {
		a.Apply(dst, x)
		blas64.Trsv(blas.NoTrans, lower, vec(dst))
	}, func(dst, y []float64) {
		v := append([]float64(nil), y...)
		blas64.Trsv(blas.Trans, lower, vec(v))
		a.Adjoint(dst, v)
	}}
	return s, nil
}

// starts returns the latents to begin with, row-major.
func (s *search) starts(z []float64) []float64 {
	k := s.prior.decoder.Latent()
	u := make([]float64, 0, s.Starts*k)
	if s.Random {
		rng := rand.New(rand.NewPCG(1, 0x6c6174656e74))
		for range s.Starts * k {
			u = append(u, rng.NormFloat64())
		}
		return u
	}
	d := s.distances(z)
	reach := smallest(d, min(s.Starts, len(d))-1)
	var near []int
	for i, e := range d {
		if e <= reach {
			near = append(near, i)
		}
	}
	slices.SortFunc(near, func(a, b int) int { return cmp.Or(cmp.Compare(d[a], d[b]), a-b) })
	for _, i := range near[:min(s.Starts, len(near))] {
		u = append(u, s.prior.u[i*k:(i+1)*k]...)
	}
	return u
}

// end is where a descent ended.
type end struct {
	u, x []float64
	loss float64
}

// descend runs Adam from all starts at once and returns the ends, best first.
func (s *search) descend(z, u []float64) []end {
	g := s.prior.decoder
	k, d, n := g.Latent(), g.Dim(), len(u)/g.Latent()
	x, back, du := make([]float64, n*d), make([]float64, n*d), make([]float64, n*k)
	r := make([]float64, len(z))
	ends := make([]end, n)
	for i := range ends {
		ends[i].loss = math.Inf(1)
	}
	opt := newAdam(len(u))
	for step := range s.Steps + 1 {
		g.Generate(x, u)
		for i := range n {
			row := x[i*d : (i+1)*d]
			s.whitened.Apply(r, row)
			axpy(-1, z, r)
			latent := u[i*k : (i+1)*k]
			if loss := dot(r, r) + s.Weight*dot(latent, latent); loss < ends[i].loss {
				ends[i] = end{slices.Clone(latent), slices.Clone(row), loss}
			}
			s.whitened.Adjoint(back[i*d:(i+1)*d], r)
		}
		if step == s.Steps {
			break
		}
		g.Pullback(x, du, u, back)
		axpy(s.Weight, u, du)
		rate := s.Rate * (0.5 + 0.5*math.Cos(math.Pi*float64(step)/float64(s.Steps)))
		opt.update(u, du, max(rate, s.Rate/100))
	}
	slices.SortStableFunc(ends, func(a, b end) int { return cmp.Compare(a.loss, b.loss) })
	return ends
}

// adam is the optimiser in double precision.
type adam struct {
	m, v []float64
	t    float64
}

func newAdam(n int) *adam { return &adam{m: make([]float64, n), v: make([]float64, n)} }

// update takes one step from w along the gradient g.
func (a *adam) update(w, g []float64, rate float64) {
	const beta1, beta2 = 0.9, 0.99
	a.t++
	c1, c2 := 1-math.Pow(beta1, a.t), 1-math.Pow(beta2, a.t)
	for i, v := range g {
		a.m[i] = beta1*a.m[i] + (1-beta1)*v
		a.v[i] = beta2*a.v[i] + (1-beta2)*v*v
		w[i] -= rate * (a.m[i] / c1) / (math.Sqrt(a.v[i]/c2) + 1e-8)
	}
}
