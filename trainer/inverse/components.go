package inverse

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Components are the leading principal components of records (Hotelling,
// Journal of Educational Psychology 24, 1933):
//
//	x = mu + V c + r,   V'V = I
//
// with c the q components, of falling variance, and r what they leave out. A
// generator of c is one of signals or images of many more numbers.
type Components struct {
	Mean     []float64
	Basis    *mat.Dense    // V, dim by q
	Variance []float64     // of the components
	Rest     *mat.SymDense // covariance of r
}

// NewComponents finds q components of records, row-major with dim numbers each.
func NewComponents(records []float64, dim, q int) (*Components, error) {
	if dim < 1 || len(records)%dim != 0 || len(records) < 2*dim {
		return nil, fmt.Errorf("inverse: %w: %d numbers for records of %d: give 2 whole records or more", ErrProblem, len(records), dim)
	}
	mean, cov := moments(mat.NewDense(len(records)/dim, dim, slices.Clone(records)))
	return ComponentsOf(mean, cov, q)
}

// ComponentsOf finds the q leading components of a mean and covariance.
func ComponentsOf(mean []float64, covariance mat.Symmetric, q int) (*Components, error) {
	dim := len(mean)
	if covariance.SymmetricDim() != dim {
		panic(ErrShape)
	}
	if q < 1 || q > dim {
		return nil, fmt.Errorf("inverse: %w: %d components of %d coordinates", ErrProblem, q, dim)
	}
	var e mat.EigenSym
	if !e.Factorize(covariance, true) {
		return nil, fmt.Errorf("inverse: %w: the covariance has no eigenvectors: is it finite?", ErrProblem)
	}
	values := e.Values(nil)
	var v mat.Dense
	e.VectorsTo(&v)
	c := &Components{Mean: slices.Clone(mean), Basis: mat.NewDense(dim, q, nil), Rest: symmetric(covariance)}
	for k := range q {
		from := dim - 1 - k
		column := mat.Col(nil, from, &v)
		c.Basis.SetCol(k, column)
		c.Variance = append(c.Variance, max(0, values[from]))
		c.Rest.SymRankOne(c.Rest, -values[from], mat.NewVecDense(dim, column))
	}
	return c, nil
}

// Dims returns the number of coordinates of a record and that of components.
func (c *Components) Dims() (dim, q int) { return c.Basis.Dims() }

// Encode returns the components V'(x - mu) of records, both row-major.
func (c *Components) Encode(records []float64) []float64 {
	dim, q := c.Dims()
	if len(records)%dim != 0 {
		panic(ErrShape)
	}
	n := len(records) / dim
	centred := make([]float64, len(records))
	for i := range n {
		row := centred[i*dim : (i+1)*dim]
		copy(row, records[i*dim:])
		axpy(-1, c.Mean, row)
	}
	out := mat.NewDense(n, q, nil)
	out.Mul(mat.NewDense(n, dim, centred), c.Basis)
	return out.RawMatrix().Data
}

// Decoder returns the generator of records for a generator g of components in
// units of its own: component k is offset[k] + g_k / scale[k].
func (c *Components) Decoder(g Decoder, offset, scale []float64) *Affine {
	dim, q := c.Dims()
	if g.Dim() != q || len(offset) != q || len(scale) != q {
		panic(ErrShape)
	}
	basis, mean := mat.NewDense(dim, q, nil), slices.Clone(c.Mean)
	for k := range q {
		column := mat.Col(nil, k, c.Basis)
		axpy(offset[k], column, mean)
		for i, v := range column {
			basis.Set(i, k, v/scale[k])
		}
	}
	return NewAffine(g, basis, mean)
}
