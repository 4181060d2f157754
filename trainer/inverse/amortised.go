package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Amortised is one network for all measurements of a problem, trained on pairs
// of generated records and their measurements with fresh noise, so that a record
// takes one pass: an estimate of E[x | y] as in simulation-based inference
// (Cranmer, Brehmer and Louppe, PNAS 117, 2020). The network adds to the
// Gaussian estimate, as post-processing does to a naive reconstruction (Jin,
// McCann, Froustey and Unser, IEEE Transactions on Image Processing 26, 2017):
//
//	x = x_Gauss(y) + P N(W (y - A mu))
//
// W whitens the leading components of the measurements, P spans the leading
// components of what the Gaussian leaves uncertain, and N has two hidden layers
// of tanh.
type Amortised struct {
	Hidden int     // 128
	Steps  int     // 2000
	Batch  int     // 128
	Rate   float64 // 2e-3
	Seed   uint64  // of the weights, the order and the noise
}

// Name returns "amortised".
func (Amortised) Name() string { return "amortised" }

// mostInputs bounds the network's inputs and outputs.
const mostInputs = 128

// Prepare trains the network.
func (n Amortised) Prepare(p *Prior, q Problem) (Solver, error) {
	s, err := n.Train(p, q)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Train is Prepare with the network's own type.
func (n Amortised) Train(p *Prior, q Problem) (*Network, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		v *int
		d int
	}{{&n.Hidden, 128}, {&n.Steps, 2000}, {&n.Batch, 128}} {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	if n.Rate == 0 {
		n.Rate = 2e-3
	}
	if n.Hidden < 1 || n.Steps < 1 || n.Batch < 1 || !(n.Rate > 0) {
		return nil, fmt.Errorf("inverse: %w: a network of %d units, %d steps of %d, rate %v: all must be above 0", ErrProblem, n.Hidden, n.Steps, n.Batch, n.Rate)
	}
	linear, err := newConditional(p.mean, p.cov, q)
	if err != nil {
		return nil, err
	}
	net := &Network{linear: linear}
	if err := net.coordinates(p, q); err != nil {
		return nil, err
	}
	_, in := net.input.Dims()
	_, out := net.output.Dims()
	rng := rand.New(rand.NewPCG(n.Seed, 0x616d6f72))
	net.mlp = newMLP([]int{in, n.Hidden, n.Hidden, out}, rng)
	n.train(net, p, q, rng)
	return net, nil
}

// Network is a trained amortised inverse. It is a [Solver].
type Network struct {
	linear *conditional
	input  *mat.Dense // measurements by inputs: r W' of the residual r
	output *mat.Dense // coordinates by outputs, P
	mlp    *mlp
}

// coordinates finds W and P.
func (net *Network) coordinates(p *Prior, q Problem) error {
	m := len(net.linear.expected)
	full := mat.NewSymDense(m, nil)
	net.linear.factor.ToSym(full)
	in, values, err := leading(full, min(m, mostInputs))
	if err != nil {
		return err
	}
	for k, v := range values {
		column := mat.Col(nil, k, in)
		scale(column, 1/math.Sqrt(v+1e-12*values[0]+1e-300))
		in.SetCol(k, column)
	}
	net.input = in
	// What the Gaussian leaves uncertain: C - K A C.
	a, _, _ := q.white()
	cross := project(a, mat.DenseCopyOf(p.cov))
	var taken mat.Dense
	taken.Mul(net.linear.gain, cross.T())
	left := mat.NewSymDense(p.dim, nil)
	for i := range p.dim {
		for j := i; j < p.dim; j++ {
			left.SetSym(i, j, p.cov.At(i, j)-(taken.At(i, j)+taken.At(j, i))/2)
		}
	}
	out, values, err := leading(left, min(p.dim, mostInputs))
	if err != nil {
		return err
	}
	for k, v := range values {
		column := mat.Col(nil, k, out)
		scale(column, math.Sqrt(max(v, 0)))
		out.SetCol(k, column)
	}
	net.output = out
	return nil
}

// leading returns the k leading eigenvectors of s as columns, and their values.
func leading(s *mat.SymDense, k int) (*mat.Dense, []float64, error) {
	var e mat.EigenSym
	if !e.Factorize(s, true) {
		return nil, nil, fmt.Errorf("inverse: %w: a covariance has no eigenvectors: is it finite?", ErrProblem)
	}
	n := s.SymmetricDim()
	all := e.Values(nil)
	var v mat.Dense
	e.VectorsTo(&v)
	out, values := mat.NewDense(n, k, nil), make([]float64, k)
	for j := range k {
		out.SetCol(j, mat.Col(nil, n-1-j, &v))
		values[j] = all[n-1-j]
	}
	return out, values, nil
}

// poolSize is the number of samples that the pairs are made of.
const poolSize = 8000

func (n Amortised) train(net *Network, p *Prior, q Problem, rng *rand.Rand) {
	_, in := net.input.Dims()
	_, out := net.output.Dims()
	m := len(net.linear.expected)
	// The target of a pair is P'(x - mu - K r), of which P'(x - mu) is known
	// before the noise is.
	size := min(poolSize, p.Samples())
	clean, centred := mat.NewDense(size, m, nil), mat.NewDense(size, p.dim, nil)
	for i := range size {
		x := p.record(i, rng)
		q.A.Apply(clean.RawRowView(i), x)
		axpy(-1, p.mean, x)
		copy(centred.RawRowView(i), x)
	}
	var known, gain, squares mat.Dense
	known.Mul(centred, net.output)
	gain.Mul(net.linear.gain.T(), net.output)
	squares.Mul(net.output.T(), net.output) // Diagonal: the variances of the outputs.
	residuals, x, grad := mat.NewDense(n.Batch, m, nil), mat.NewDense(n.Batch, in, nil), mat.NewDense(n.Batch, out, nil)
	opt, g, y := newAdam(len(net.mlp.flat)), make([]float64, len(net.mlp.flat)), make([]float64, m)
	pairs := make([]int, n.Batch)
	for step := range n.Steps {
		for i := range pairs {
			pairs[i] = rng.IntN(size)
			copy(y, clean.RawRowView(pairs[i]))
			q.Noise.Add(y, rng)
			copy(residuals.RawRowView(i), net.linear.residual(y))
		}
		x.Mul(residuals, net.input)
		layers := net.mlp.forward(x)
		// The loss |e - P o|^2 has the gradient 2 (P'P o - P'e).
		grad.Mul(residuals, &gain)
		last := layers[len(layers)-1]
		for i, from := range pairs {
			row, target := grad.RawRowView(i), known.RawRowView(from)
			for k, o := range last.RawRowView(i) {
				row[k] = 2 * (squares.At(k, k)*o - (target[k] - row[k])) / float64(n.Batch)
			}
		}
		net.mlp.backward(g, layers, grad)
		rate := n.Rate * (0.005 + 0.995*(0.5+0.5*math.Cos(math.Pi*float64(step)/float64(n.Steps))))
		opt.update(net.mlp.flat, g, rate)
	}
}

// record returns sample i with a draw of what the generator leaves out.
func (p *Prior) record(i int, rng *rand.Rand) []float64 {
	x := append([]float64(nil), p.x.RawRowView(i)...)
	if p.root != nil {
		e := make([]float64, p.dim)
		for i := range e {
			e[i] = rng.NormFloat64()
		}
		blas64.Gemv(blas.NoTrans, 1, p.root.RawMatrix(), vec(e), 1, vec(x))
	}
	return x
}

// Solve runs the network once.
func (net *Network) Solve(y []float64) Answer {
	r := net.linear.residual(y)
	x := net.linear.estimate(y)
	_, in := net.input.Dims()
	input := mat.NewDense(1, in, nil)
	input.Mul(mat.NewDense(1, len(r), r), net.input)
	layers := net.mlp.forward(input)
	blas64.Gemv(blas.NoTrans, 1, net.output.RawMatrix(), vec(layers[len(layers)-1].RawRowView(0)), 1, vec(x))
	return Answer{Method: Amortised{}.Name(), X: x}
}
