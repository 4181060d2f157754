package inverse

import (
	"gonum.org/v1/gonum/mat"
)

// Affine is the decoder of the records offset + B G(u): a generator of a few
// components as one of whole signals or images.
type Affine struct {
	inner  Decoder
	basis  *mat.Dense // dim by inner.Dim()
	offset []float64
}

// NewAffine returns the decoder of offset + basis G(u). It panics with
// [ErrShape] unless basis has a row for each number of offset and a column for
// each coordinate of g.
func NewAffine(g Decoder, basis mat.Matrix, offset []float64) *Affine {
	if r, c := basis.Dims(); r != len(offset) || c != g.Dim() {
		panic(ErrShape)
	}
	return &Affine{g, mat.DenseCopyOf(basis), append([]float64(nil), offset...)}
}

// Latent returns the dimension of u, Dim that of a record.
func (a *Affine) Latent() int { return a.inner.Latent() }
func (a *Affine) Dim() int    { return len(a.offset) }

// Generate writes the records of the latents u to dst and returns it.
func (a *Affine) Generate(dst, u []float64) []float64 {
	n := len(u) / a.inner.Latent()
	a.expand(dst, a.inner.Generate(make([]float64, n*a.inner.Dim()), u), n)
	return dst
}

// Pullback is that of [Decoder].
func (a *Affine) Pullback(dst, du, u, g []float64) {
	n, q := len(u)/a.inner.Latent(), a.inner.Dim()
	if len(g) != n*a.Dim() {
		panic(ErrShape)
	}
	y, back := make([]float64, n*q), mat.NewDense(n, q, nil)
	back.Mul(mat.NewDense(n, a.Dim(), g), a.basis)
	a.inner.Pullback(y, du, u, back.RawMatrix().Data)
	a.expand(dst, y, n)
}

func (a *Affine) expand(dst, y []float64, n int) {
	if len(dst) != n*a.Dim() {
		panic(ErrShape)
	}
	x := mat.NewDense(n, a.Dim(), dst)
	x.Mul(mat.NewDense(n, a.inner.Dim(), y), a.basis.T())
	for i := range n {
		axpy(1, a.offset, x.RawRowView(i))
	}
}
