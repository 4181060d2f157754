package generator

import (
	"phasor/trainer/generator/internal/gemm"

	"gonum.org/v1/gonum/blas/gonum"
)

// backward adds to g the gradient of the weights for the gradient t.dy at the
// records of a tape that forward has filled. It overwrites t.dh.
func (w *weights) backward(g *weights, t *tape) {
	n, h, d := t.width, w.units, w.dim
	addRows(g.mean, t.dy, n)
	gemm.AddNT(g.linear, t.u, t.dy, w.latent, d, n)
	gemm.AddNT(g.out, t.h[layers-1], t.dy, h, d, n)

	gemm.Transpose(t.factor, w.out, h, d)
	dh := t.dh[0]
	clear(dh)
	gemm.AddTN(dh, t.factor, t.dy, h, n, d)
	for l := layers - 1; ; l-- {
		throughTanh(dh, t.h[l])
		addRows(g.bias[l], dh, n)
		if l == 0 {
			gemm.AddNT(g.hidden[0], t.u, dh, w.latent, h, n)
			t.dh[0] = dh
			return
		}
		gemm.AddNT(g.hidden[l], t.h[l-1], dh, h, h, n)
		gemm.Transpose(t.factor, w.hidden[l], h, h)
		next := t.dh[1]
		clear(next)
		gemm.AddTN(next, t.factor, dh, h, n, h)
		t.dh[1], dh = dh, next
	}
}

// latentGradient writes the gradient at the latents to du, latent by width,
// for the gradient t.dy at the records of a tape that backward has passed: the
// gradient at the first layer is still there.
func (w *weights) latentGradient(du []float32, t *tape) {
	n, h, d := t.width, w.units, w.dim
	clear(du)
	gemm.Transpose(t.factor, w.hidden[0], w.latent, h)
	gemm.AddTN(du, t.factor, t.dh[0], w.latent, n, h)
	linear := make([]float32, d*w.latent)
	gemm.Transpose(linear, w.linear, w.latent, d)
	gemm.AddTN(du, linear, t.dy, w.latent, n, d)
}

// throughTanh multiplies a gradient at h = tanh(z) by 1 - h^2.
func throughTanh(dh, h []float32) {
	h = h[:len(dh)]
	for i, v := range h {
		dh[i] *= 1 - v*v
	}
}

// addRows adds the sum of each row of x, n wide, to dst.
func addRows(dst, x []float32, n int) {
	for i := range dst {
		dst[i] += blas.Sdot(n, x[i*n:i*n+n], 1, ones[:n], 1)
	}
}

var (
	blas gonum.Implementation
	ones = func() (v [block]float32) {
		for i := range v {
			v[i] = 1
		}
		return v
	}()
)
