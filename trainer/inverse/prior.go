package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Decoder is a generator of records: G(u) for normal latents u, and the way
// back for gradients. [generator.Model] is one, of records in standard units.
// It must be safe for concurrent use.
type Decoder interface {
	Latent() int
	Dim() int
	// Generate writes the records of the latents u, row-major, to dst.
	Generate(dst, u []float64) []float64
	// Pullback also writes the gradient with respect to u of sum g.G(u) to du.
	Pullback(dst, du, u, g []float64)
}

// Prior is what the methods know of the records: a bank of samples, their mean
// and covariance, and optionally the generator that made them. It does not
// change once made, and is safe for concurrent use.
type Prior struct {
	// Shape is the grid of a record's coordinates: one length for a signal,
	// rows and columns for an image, nil for channels in no order.
	Shape []int

	dim     int
	x       *mat.Dense // samples by dim
	u       []float64  // their latents, row-major; nil without a decoder
	held    *mat.Dense // samples that no method solves with: to choose by
	decoder Decoder
	mean    []float64
	cov     *mat.SymDense
	rest    *mat.SymDense // of what the samples leave out; may be nil
	root    *mat.Dense    // whose square it is
}

const (
	defaultSamples = 20000
	heldSamples    = 256
)

// NewPrior draws n records (0: 20,000) of a generator. Equal seeds give equal
// priors.
func NewPrior(g Decoder, n int, seed uint64) (*Prior, error) {
	if n == 0 {
		n = defaultSamples
	}
	if n < 2 {
		return nil, fmt.Errorf("inverse: %w: a prior of %d samples: give 2 or more", ErrProblem, n)
	}
	rng := rand.New(rand.NewPCG(seed, 0x70726961))
	draw := func(n int) (x, u []float64) {
		u = make([]float64, n*g.Latent())
		for i := range u {
			u[i] = rng.NormFloat64()
		}
		return g.Generate(make([]float64, n*g.Dim()), u), u
	}
	x, u := draw(n)
	held, _ := draw(heldSamples)
	p, err := newPrior(x, held, g.Dim())
	if err != nil {
		return nil, err
	}
	p.u, p.decoder = u, g
	return p, nil
}

// PriorOf makes a prior of records, row-major with dim numbers each: samples of
// a mixture, of a generator without gradients, or of anything else. The last
// of them, a tenth but at most 256, are kept to choose methods by.
func PriorOf(records []float64, dim int) (*Prior, error) {
	if dim < 1 || len(records)%dim != 0 || len(records)/dim < 4 {
		return nil, fmt.Errorf("inverse: %w: %d numbers for records of %d: give 4 whole records or more", ErrProblem, len(records), dim)
	}
	n := len(records) / dim
	h := max(1, min(heldSamples, n/10))
	x := slices.Clone(records)
	return newPrior(x[:(n-h)*dim], x[(n-h)*dim:], dim)
}

func newPrior(x, held []float64, d int) (*Prior, error) {
	for i, v := range x {
		if v-v != 0 {
			return nil, fmt.Errorf("inverse: %w: number %d of sample %d is %v", ErrProblem, i%d, i/d, v)
		}
	}
	p := &Prior{dim: d, x: mat.NewDense(len(x)/d, d, x), held: mat.NewDense(len(held)/d, d, held)}
	p.mean, p.cov = moments(p.x)
	return p, nil
}

// WithMoments returns p with a mean and covariance from elsewhere, as those of
// a sketch, which are exact.
func (p *Prior) WithMoments(mean []float64, covariance mat.Symmetric) *Prior {
	if len(mean) != p.dim || covariance.SymmetricDim() != p.dim {
		panic(ErrShape)
	}
	c := *p
	c.mean, c.cov = slices.Clone(mean), symmetric(covariance)
	return &c
}

// WithRest returns p for records x + r, where x is a sample and r is normal,
// independent of x, with mean zero and the given covariance: what a generator
// of a few components leaves out.
func (p *Prior) WithRest(covariance mat.Symmetric) *Prior {
	if covariance.SymmetricDim() != p.dim {
		panic(ErrShape)
	}
	c := *p
	c.rest = symmetric(covariance)
	total := mat.NewSymDense(p.dim, nil)
	total.AddSym(p.cov, c.rest)
	c.cov = total
	var e mat.EigenSym
	if !e.Factorize(c.rest, true) {
		panic("inverse: the covariance of the rest is not finite")
	}
	var v mat.Dense
	e.VectorsTo(&v)
	c.root = mat.NewDense(p.dim, p.dim, nil)
	for k, l := range e.Values(nil) {
		column := mat.Col(nil, k, &v)
		scale(column, math.Sqrt(max(0, l)))
		c.root.SetCol(k, column)
	}
	// Held-out records have their rest too.
	rng := rand.New(rand.NewPCG(1, 0x72657374))
	n, _ := p.held.Dims()
	c.held = mat.DenseCopyOf(p.held)
	draw := make([]float64, p.dim)
	for i := range n {
		for k := range draw {
			draw[k] = rng.NormFloat64()
		}
		blas64.Gemv(blas.NoTrans, 1, c.root.RawMatrix(), vec(draw), 1, vec(c.held.RawRowView(i)))
	}
	return &c
}

// WithShape returns p with the grid of a record's coordinates.
func (p *Prior) WithShape(shape ...int) *Prior {
	n := 1
	for _, s := range shape {
		n *= s
	}
	if n != p.dim {
		panic(ErrShape)
	}
	c := *p
	c.Shape = slices.Clone(shape)
	return &c
}

// Dim returns the number of coordinates of a record.
func (p *Prior) Dim() int { return p.dim }

// Samples returns the number of samples.
func (p *Prior) Samples() int { return p.x.RawMatrix().Rows }

// Sample returns sample i, which must not be changed.
func (p *Prior) Sample(i int) []float64 { return p.x.RawRowView(i) }

// Moments returns the mean and the covariance, which must not be changed.
func (p *Prior) Moments() (mean []float64, covariance *mat.SymDense) { return p.mean, p.cov }

// check refuses a problem on records of another length.
func (p *Prior) check(q Problem) error {
	if _, cols := q.A.Dims(); cols != p.dim {
		return fmt.Errorf("inverse: %w: the operator measures %d numbers and a record has %d", ErrProblem, cols, p.dim)
	}
	return q.check()
}

// project returns the measurements of the rows of x.
func project(a Operator, x *mat.Dense) *mat.Dense {
	rows, cols := a.Dims()
	n, _ := x.Dims()
	out := mat.NewDense(n, rows, nil)
	if d, ok := a.(dense); ok && cols > 8 {
		out.Mul(x, d.m.T())
		return out
	}
	for i := range n {
		a.Apply(out.RawRowView(i), x.RawRowView(i))
	}
	return out
}

// moments returns the mean and covariance of the rows of x.
func moments(x *mat.Dense) ([]float64, *mat.SymDense) {
	n, d := x.Dims()
	mean := make([]float64, d)
	for i := range n {
		axpy(1, x.RawRowView(i), mean)
	}
	scale(mean, 1/float64(n))
	cov := mat.NewSymDense(d, nil)
	const chunk = 512
	part := mat.NewDense(min(chunk, n), d, nil)
	for lo := 0; lo < n; lo += chunk {
		k := min(chunk, n-lo)
		for i := range k {
			row := part.RawRowView(i)
			copy(row, x.RawRowView(lo+i))
			axpy(-1, mean, row)
		}
		raw := part.RawMatrix()
		raw.Rows = k
		blas64.Syrk(blas.Trans, 1/float64(n), raw, 1, cov.RawSymmetric())
	}
	return mean, cov
}

func symmetric(c mat.Symmetric) *mat.SymDense {
	s := mat.NewSymDense(c.SymmetricDim(), nil)
	s.CopySym(c)
	return s
}

// meanVariance returns the mean of the diagonal.
func meanVariance(c *mat.SymDense) float64 { return mat.Trace(c) / float64(c.SymmetricDim()) }
