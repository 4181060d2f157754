package inverse

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Blind deconvolution finds a signal x and a short kernel h, of sum 1 and without
// negative taps, from
//
//	y = h * x + w
//
// by turns (Ayers and Dainty, Optics Letters 13, 1988): the signal for the
// kernel by a method of this package, and the kernel for the signal by least
// squares, or in the range of a generator of kernels. It starts from kernels of
// several widths; the end counts where the misfit, in units of the noise, plus
// the signal's Mahalanobis length under the prior is least. With the generator
// as the signal's prior it is the method of Asim, Shamshad and Ahmed (IEEE
// Transactions on Computational Imaging 6, 2020); with [TotalVariation] that of
// Chan and Wong (IEEE Transactions on Image Processing 7, 1998).
type Blind struct {
	// Signal finds the signal; nil is [Latent], and [Hybrid] in the end. A method
	// that is not confined to the generator's range takes y itself for the signal.
	Signal Method
	Taps   int     // of the kernel
	Rounds int     // 8
	Ridge  float64 // of the least squares, over their mean diagonal; 1e-3
	// Kernel generates kernels, which may have negative taps; nil leaves them free.
	Kernel Decoder
	// Stop, if there is one, is asked before each turn; its error ends the search.
	Stop func() error
}

// Blurred is the answer to a blind deconvolution.
type Blurred struct {
	Answer
	Kernel []float64
	Misfit float64 // |y - h * x|^2 over the noise's variance and the length of y
}

// Solve deconvolves y, whose noise is white of standard deviation sigma > 0. It takes
// seconds.
func (b Blind) Solve(p *Prior, y []float64, sigma float64) (*Blurred, error) {
	last := b.Signal
	if b.Signal == nil {
		b.Signal, last = Latent{Steps: 80}, Hybrid{}
	}
	if b.Rounds == 0 {
		b.Rounds = 8
	}
	if b.Ridge == 0 {
		b.Ridge = 1e-3
	}
	if b.Kernel != nil {
		b.Taps = b.Kernel.Dim()
	}
	if len(y) != p.dim || b.Taps < 1 || b.Taps > p.dim || b.Rounds < 1 || !(sigma > 0) || !(b.Ridge > 0) {
		return nil, fmt.Errorf("inverse: %w: %d measurements of %d numbers with noise %v, a kernel of %d taps, %d rounds: all must be above 0, the first two equal", ErrProblem, len(y), p.dim, sigma, b.Taps, b.Rounds)
	}
	var factor mat.Cholesky
	shrunk := symmetric(p.cov)
	addDiagonal(shrunk, 1e-3*meanVariance(shrunk)+1e-300)
	if !factor.Factorize(shrunk) {
		return nil, fmt.Errorf("inverse: %w: the prior's covariance is not positive definite", ErrProblem)
	}
	var best *Blurred
	least := math.Inf(1)
	for _, width := range []float64{0.3, 1, float64(b.Taps) / 4, float64(b.Taps)} {
		r, err := b.alternate(p, y, sigma, bell(b.Taps, width), last)
		if err != nil {
			return nil, err
		}
		e := append([]float64(nil), r.X...)
		axpy(-1, p.mean, e)
		var s mat.VecDense
		if err := factor.SolveVecTo(&s, mat.NewVecDense(len(e), e)); err != nil && !condition(err) {
			return nil, fmt.Errorf("inverse: %w: the signal's length under the prior: %w", ErrProblem, err)
		}
		if loss := r.Misfit*float64(len(y)) + dot(e, s.RawVector().Data); loss < least {
			best, least = r, loss
		}
	}
	return best, nil
}

// bell returns a normal kernel of the given width, of sum 1.
func bell(taps int, width float64) []float64 {
	h, sum := make([]float64, taps), 0.0
	for i := range h {
		z := float64(i-taps/2) / width
		h[i] = math.Exp(-z * z / 2)
		sum += h[i]
	}
	scale(h, 1/sum)
	return h
}

func (b Blind) alternate(p *Prior, y []float64, sigma float64, h []float64, last Method) (*Blurred, error) {
	r := &Blurred{Kernel: h}
	var v []float64
	if b.Kernel != nil {
		v = make([]float64, b.Kernel.Latent())
	}
	for round := range b.Rounds + 1 {
		if b.Stop != nil {
			if err := b.Stop(); err != nil {
				return nil, err
			}
		}
		q := Problem{Convolution(len(y), r.Kernel), White(sigma)}
		m := b.Signal
		if round == b.Rounds {
			m = last
		}
		s, err := m.Prepare(p, q)
		if err != nil {
			return nil, err
		}
		r.Answer = s.Solve(y)
		blurred := make([]float64, len(y))
		q.A.Apply(blurred, r.X)
		r.Misfit = squared(blurred, y) / (sigma * sigma * float64(len(y)))
		if round == b.Rounds {
			break
		}
		x := shifts(r.X, b.Taps)
		if b.Kernel != nil {
			r.Kernel = b.search(x, y, sigma, v)
		} else {
			r.Kernel = leastKernel(x, y, b.Ridge)
		}
	}
	return r, nil
}

// shifts returns the matrix X with X h = h * x.
func shifts(x []float64, taps int) *mat.Dense {
	m := mat.NewDense(len(x), taps, nil)
	for t := range x {
		for l := range taps {
			if i := t + taps/2 - l; i >= 0 && i < len(x) {
				m.Set(t, l, x[i])
			}
		}
	}
	return m
}

// leastKernel minimises |X h - y|^2 + ridge |h|^2 over kernels of sum 1 without
// negative taps, by projected gradients with Nesterov's momentum.
func leastKernel(x *mat.Dense, y []float64, ridge float64) []float64 {
	_, taps := x.Dims()
	gram := mat.NewSymDense(taps, nil)
	gram.SymOuterK(1, x.T())
	addDiagonal(gram, ridge*mat.Trace(gram)/float64(taps)+1e-300)
	var xy mat.VecDense
	xy.MulVec(x.T(), mat.NewVecDense(len(y), y))
	rate := 1 / mat.Norm(gram, 1) // The largest sum of a row bounds the eigenvalues.
	h := bell(taps, float64(taps))
	at, old, g := slices.Clone(h), make([]float64, taps), mat.NewVecDense(taps, nil)
	for s := range 500 {
		g.MulVec(gram, mat.NewVecDense(taps, at))
		copy(old, h)
		for i := range h {
			h[i] = at[i] - rate*(g.AtVec(i)-xy.AtVec(i))
		}
		ontoSimplex(h)
		momentum := float64(s) / float64(s+3)
		for i := range at {
			at[i] = h[i] + momentum*(h[i]-old[i])
		}
	}
	return h
}

// ontoSimplex moves h to the nearest vector of sum 1 without negative numbers
// (Duchi, Shalev-Shwartz, Singer and Chandra, ICML 2008).
func ontoSimplex(h []float64) {
	sorted := slices.Clone(h)
	slices.Sort(sorted)
	sum, shift := 0.0, 0.0
	for i := len(sorted) - 1; i >= 0; i-- {
		sum += sorted[i]
		if s := (sum - 1) / float64(len(sorted)-i); s < sorted[i] {
			shift = s
		}
	}
	for i, v := range h {
		h[i] = max(0, v-shift)
	}
}

// search moves the latent v towards min |X H(v)/sum - y|^2/sigma^2 + |v|^2, by
// Adam, and returns the kernel there, of sum 1.
func (b Blind) search(x *mat.Dense, y []float64, sigma float64, v []float64) []float64 {
	const steps, rate = 100, 0.05
	h, back, dv := make([]float64, b.Taps), make([]float64, b.Taps), make([]float64, len(v))
	unit := make([]float64, b.Taps)
	opt := newAdam(len(v))
	normalised := func() float64 {
		b.Kernel.Generate(h, v)
		sum := 0.0
		for _, e := range h {
			sum += e
		}
		if math.Abs(sum) < 1e-9 {
			sum = 1e-9
		}
		copy(unit, h)
		scale(unit, 1/sum)
		return sum
	}
	for range steps {
		sum := normalised()
		r := mat.NewVecDense(len(y), nil)
		r.MulVec(x, mat.NewVecDense(b.Taps, unit))
		axpy(-1, y, r.RawVector().Data)
		g := mat.NewVecDense(b.Taps, nil)
		g.MulVec(x.T(), r)
		along := dot(g.RawVector().Data, unit)
		for i := range back { // Through the division by the sum.
			back[i] = (g.AtVec(i) - along) / (sum * sigma * sigma)
		}
		b.Kernel.Pullback(h, dv, v, back)
		axpy(1, v, dv)
		opt.update(v, dv, rate)
	}
	normalised()
	return unit
}
