package inverse

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Basis is an orthonormal basis of a grid: the coefficients of an image X are
// R X C', those of a signal C x.
type Basis struct {
	rows, cols int
	down       *mat.Dense // R; nil for a signal
	across     *mat.Dense // C
}

// DCT returns the discrete cosine basis of the second kind (Ahmed, Natarajan
// and Rao, IEEE Transactions on Computers C-23, 1974) of a signal or an image.
func DCT(shape ...int) *Basis { return newBasis(shape, cosines) }

// Wavelets returns the basis of the orthonormal wavelets with four taps
// (Daubechies, Communications on Pure and Applied Mathematics 41, 1988), with
// periodic ends and as many levels as the lengths can be halved. The basis of an
// image is the product of those of its rows and columns.
func Wavelets(shape ...int) *Basis { return newBasis(shape, wavelets) }

func newBasis(shape []int, matrix func(n int) *mat.Dense) *Basis {
	rows, cols := grid(shape)
	b := &Basis{rows: rows, cols: cols, across: matrix(cols)}
	if rows > 1 {
		b.down = matrix(rows)
	}
	return b
}

// Len returns the number of coefficients, that of the coordinates.
func (b *Basis) Len() int { return b.rows * b.cols }

// Forward writes the coefficients of x to dst; they may be the same slice.
func (b *Basis) Forward(dst, x []float64) { b.product(dst, x, false) }

// Inverse writes the signal of the coefficients c to dst; they may be the same.
func (b *Basis) Inverse(dst, c []float64) { b.product(dst, c, true) }

func (b *Basis) product(dst, x []float64, inverse bool) {
	if len(x) != b.Len() || len(dst) != b.Len() {
		panic(ErrShape)
	}
	var across, down mat.Matrix = b.across.T(), b.down
	if inverse {
		across = b.across
		if b.down != nil {
			down = b.down.T()
		}
	}
	var t mat.Dense
	t.Mul(mat.NewDense(b.rows, b.cols, x), across)
	out := mat.NewDense(b.rows, b.cols, dst)
	if b.down == nil {
		out.Copy(&t)
		return
	}
	out.Mul(down, &t)
}

// cosines returns the orthonormal matrix of the DCT, a row for each frequency.
func cosines(n int) *mat.Dense {
	m := mat.NewDense(n, n, nil)
	for k := range n {
		size := math.Sqrt(2 / float64(n))
		if k == 0 {
			size = math.Sqrt(1 / float64(n))
		}
		for i := range n {
			m.Set(k, i, size*math.Cos(math.Pi*float64(k)*(float64(i)+.5)/float64(n)))
		}
	}
	return m
}

// wavelets returns the orthonormal matrix of the wavelets: coarse rows first.
func wavelets(n int) *mat.Dense {
	root3, unit := math.Sqrt(3), 4*math.Sqrt2
	low := []float64{(1 + root3) / unit, (3 + root3) / unit, (3 - root3) / unit, (1 - root3) / unit}
	high := []float64{low[3], -low[2], low[1], -low[0]}
	total := mat.NewDense(n, n, nil)
	for i := range n {
		total.Set(i, i, 1)
	}
	for length := n; length%2 == 0 && length >= 4; length /= 2 {
		step := mat.NewDense(n, n, nil)
		for i := length; i < n; i++ {
			step.Set(i, i, 1)
		}
		for i := range length / 2 {
			for l := range 4 {
				j := (2*i + l) % length
				step.Set(i, j, step.At(i, j)+low[l])
				step.Set(length/2+i, j, step.At(length/2+i, j)+high[l])
			}
		}
		var next mat.Dense
		next.Mul(step, total)
		total.Copy(&next)
	}
	return total
}

// checkShape returns the grid of a prior's records for a method that needs one.
func checkShape(p *Prior, method string) ([]int, error) {
	if len(p.Shape) == 0 {
		return nil, fmt.Errorf("inverse: %w: %s needs the shape of the records as a signal or an image: give it by WithShape", ErrProblem, method)
	}
	return p.Shape, nil
}
