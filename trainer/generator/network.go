package generator

import (
	"math"

	"phasor/trainer/generator/internal/draw"
	"phasor/trainer/generator/internal/kernel"
)

// layers is the number of hidden layers.
const layers = 3

// block is the number of records that pass through the network together: few
// enough that the activations of all layers stay in the second level of cache.
const block = kernel.Width

// shape is the size of a network: latent variables, units of a hidden layer, channels.
type shape struct{ latent, units, dim int }

// params returns the number of weights of a network.
func (s shape) params() int {
	h := s.units
	return (s.latent+1)*h + (layers-1)*(h+1)*h + (h+1)*s.dim + s.latent*s.dim
}

// weights is a view of a flat vector of weights. Matrices are row-major with a
// row for each input, so that y = W'x.
type weights struct {
	shape
	hidden [layers][]float32 // W_1 .. W_3
	bias   [layers][]float32 // b_1 .. b_3
	out    []float32         // W_out, hidden by dim
	mean   []float32         // mu + b_out, dim
	linear []float32         // L', latent by dim
}

// view cuts a flat vector of params() weights into its parts.
func (s shape) view(p []float32) weights {
	w := weights{shape: s}
	take := func(n int) []float32 {
		part := p[:n:n]
		p = p[n:]
		return part
	}
	in := s.latent
	for l := range layers {
		w.hidden[l] = take(in * s.units)
		w.bias[l] = take(s.units)
		in = s.units
	}
	w.out = take(s.units * s.dim)
	w.mean = take(s.dim)
	w.linear = take(s.latent * s.dim)
	return w
}

// start draws the first weights of a network whose linear part matches a mean
// and a covariance (d by d): the hidden layers with variance 2 over their
// inputs, the last layer a tenth of one over the square root of its inputs.
func (s shape) start(mean, covariance []float64, seed uint64) []float32 {
	p := make([]float32, s.params())
	w := s.view(p)
	src := draw.New()
	src.Seek(seed, draw.Weights, 0)
	fill := func(v []float32, scale float64) {
		for i := range v {
			v[i] = float32(src.Normal() * scale)
		}
	}
	in := s.latent
	for l := range layers {
		fill(w.hidden[l], math.Sqrt(2/float64(in)))
		fill(w.bias[l], 0.1)
		in = s.units
	}
	fill(w.out, 0.1/math.Sqrt(float64(s.units)))
	for k := range s.dim {
		w.mean[k] = float32(mean[k])
	}
	factor := cholesky(covariance, s.dim)
	for i := range s.dim {
		for k := range s.dim {
			w.linear[i*s.dim+k] = float32(factor[k*s.dim+i])
		}
	}
	return p
}

// tape holds what one block of records leaves behind on its way through the
// network, one row a unit and one column a record, and the gradients on their
// way back.
type tape struct {
	set   *kernel.Set
	width int
	u     []float32         // latents, latent by width
	h     [layers][]float32 // activations, hidden by width
	y     []float32         // records in standard units, dim by width
	dy    []float32         // gradient at y
	dh    [2][]float32      // gradients at the layers, two that alternate
}

func newTape(s shape, width int) *tape {
	t := &tape{set: kernel.Select(), width: width, u: make([]float32, s.latent*width), y: make([]float32, s.dim*width)}
	for l := range t.h {
		t.h[l] = make([]float32, s.units*width)
	}
	return t
}

// withGradients gives a tape the room for a backward pass.
func (t *tape) withGradients(s shape) *tape {
	t.dy = make([]float32, s.dim*t.width)
	for i := range t.dh {
		t.dh[i] = make([]float32, s.units*t.width)
	}
	return t
}

// shareGradients gives a tape the room of another one that is at least as wide.
func (t *tape) shareGradients(s shape, other *tape) {
	t.dy = other.dy[:s.dim*t.width]
	for i, dh := range other.dh {
		t.dh[i] = dh[:s.units*t.width]
	}
}

// forward computes y from u:
//
//	h_1 = tanh(W_1' u + b_1),  h_l = tanh(W_l' h_(l-1) + b_l),
//	y = mean + L u + W_out' h_3
func (w *weights) forward(t *tape) {
	n := t.width
	x, in := t.u, w.latent
	for l := range layers {
		h := t.h[l]
		clear(h)
		t.set.AddTN(h, w.hidden[l], x, w.units, n, in)
		t.set.Tanh(h, w.bias[l], n)
		x, in = h, w.units
	}
	spread(t.y, w.mean, n)
	t.set.AddTN(t.y, w.linear, t.u, w.dim, n, w.latent)
	t.set.AddTN(t.y, w.out, x, w.dim, n, in)
}

// spread sets each row of y, n wide, to its mean.
func spread(y, mean []float32, n int) {
	for i, v := range mean {
		row := y[i*n : i*n+n]
		for j := range row {
			row[j] = v
		}
	}
}
