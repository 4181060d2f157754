package inverse

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// ErrShape is the panic of a slice or matrix whose size does not fit.
var ErrShape = errors.New("inverse: the size of a slice or matrix does not fit")

// ErrProblem is wrapped by every error about a problem that a method cannot take.
var ErrProblem = errors.New("unusable problem")

// Operator is a linear map A of records of Cols numbers to Rows measurements.
// Its methods panic with [ErrShape] for slices of other lengths, do not keep
// them, and may be called at the same time from several goroutines.
type Operator interface {
	Dims() (rows, cols int)
	// Apply writes A x to dst.
	Apply(dst, x []float64)
	// Adjoint writes A' y to dst, so that y.(A x) = (A' y).x for all x and y.
	Adjoint(dst, y []float64)
}

// Matrix returns the matrix of a, a row for each measurement.
func Matrix(a Operator) *mat.Dense {
	if d, ok := a.(dense); ok {
		return mat.DenseCopyOf(d.m)
	}
	rows, cols := a.Dims()
	m := mat.NewDense(rows, cols, nil)
	if rows <= cols {
		e := make([]float64, rows)
		for i := range rows {
			e[i] = 1
			a.Adjoint(m.RawRowView(i), e)
			e[i] = 0
		}
		return m
	}
	e, column := make([]float64, cols), make([]float64, rows)
	for k := range cols {
		e[k] = 1
		a.Apply(column, e)
		m.SetCol(k, column)
		e[k] = 0
	}
	return m
}

// Norm returns an upper estimate of the largest singular value of a: 30 power
// iterations and a margin of 2 %.
func Norm(a Operator) float64 {
	rows, cols := a.Dims()
	x, y := make([]float64, cols), make([]float64, rows)
	for i := range x {
		x[i] = 1 + 0.5*math.Sin(float64(3*i+1)) // Nowhere orthogonal to a leading vector of any use.
	}
	norm := 0.0
	for range 30 {
		length := math.Sqrt(dot(x, x))
		if length == 0 {
			return 0
		}
		scale(x, 1/length)
		a.Apply(y, x)
		norm = math.Sqrt(dot(y, y))
		a.Adjoint(x, y)
	}
	return 1.02 * norm
}

// Identity returns the operator of n numbers that measures each as it is: with
// noise, the problem of denoising.
func Identity(n int) Operator {
	keep := make([]int, n)
	for i := range keep {
		keep[i] = i
	}
	return Mask(n, keep)
}

// Mask returns the operator that keeps the coordinates keep of n, in their
// order: the others are missing. It panics for one that is not from 0 to n-1.
func Mask(n int, keep []int) Operator {
	for _, k := range keep {
		if k < 0 || k >= n {
			panic(fmt.Errorf("%w: coordinate %d of %d is kept", ErrShape, k, n))
		}
	}
	return mask{n, append([]int(nil), keep...)}
}

type mask struct {
	n    int
	keep []int
}

func (a mask) Dims() (rows, cols int) { return len(a.keep), a.n }

func (a mask) Apply(dst, x []float64) {
	fits(a, dst, x)
	for i, k := range a.keep {
		dst[i] = x[k]
	}
}

func (a mask) Adjoint(dst, y []float64) {
	fits(a, y, dst)
	clear(dst)
	for i, k := range a.keep {
		dst[k] += y[i]
	}
}

// Dense returns the operator of a matrix, which it copies.
func Dense(m mat.Matrix) Operator { return dense{mat.DenseCopyOf(m)} }

type dense struct{ m *mat.Dense }

func (a dense) Dims() (rows, cols int) { return a.m.Dims() }

func (a dense) Apply(dst, x []float64) {
	fits(a, dst, x)
	v := mat.NewVecDense(len(dst), dst)
	v.MulVec(a.m, mat.NewVecDense(len(x), x))
}

func (a dense) Adjoint(dst, y []float64) {
	fits(a, y, dst)
	v := mat.NewVecDense(len(dst), dst)
	v.MulVec(a.m.T(), mat.NewVecDense(len(y), y))
}

// Func is an operator made of two functions, which must be adjoint to each
// other and safe for concurrent use; [CheckAdjoint] tells whether they are.
type Func struct {
	Rows, Cols int
	Forward    func(dst, x []float64)
	Backward   func(dst, y []float64)
}

// Dims returns the numbers of measurements and coordinates.
func (f Func) Dims() (rows, cols int) { return f.Rows, f.Cols }

// Apply calls Forward.
func (f Func) Apply(dst, x []float64) {
	fits(f, dst, x)
	f.Forward(dst, x)
}

// Adjoint calls Backward.
func (f Func) Adjoint(dst, y []float64) {
	fits(f, y, dst)
	f.Backward(dst, y)
}

// CheckAdjoint returns the largest relative difference between y.(A x) and
// (A' y).x over a few pairs of vectors: about 1e-15 if Adjoint is the adjoint
// of Apply.
func CheckAdjoint(a Operator) float64 {
	rows, cols := a.Dims()
	x, y := make([]float64, cols), make([]float64, rows)
	ax, ay := make([]float64, rows), make([]float64, cols)
	worst := 0.0
	for round := range 4 {
		for i := range x {
			x[i] = math.Sin(float64((i+1)*(2*round+3))) + 0.1
		}
		for i := range y {
			y[i] = math.Cos(float64((i+2)*(3*round+5))) - 0.1
		}
		a.Apply(ax, x)
		a.Adjoint(ay, y)
		size := math.Sqrt(dot(ax, ax)*dot(y, y)) + math.Sqrt(dot(ay, ay)*dot(x, x))
		if size > 0 {
			worst = max(worst, math.Abs(dot(y, ax)-dot(ay, x))/size)
		}
	}
	return worst
}

// Compose returns the operator a b, which first applies b.
func Compose(a, b Operator) Operator {
	rows, inner := a.Dims()
	if r, _ := b.Dims(); r != inner {
		panic(ErrShape)
	}
	_, cols := b.Dims()
	return Func{rows, cols, func(dst, x []float64) {
		v := make([]float64, inner)
		b.Apply(v, x)
		a.Apply(dst, v)
	}, func(dst, y []float64) {
		v := make([]float64, inner)
		a.Adjoint(v, y)
		b.Adjoint(dst, v)
	}}
}

// fits panics unless y and x are as long as a has rows and columns.
func fits(a Operator, y, x []float64) {
	if rows, cols := a.Dims(); len(y) != rows || len(x) != cols {
		panic(ErrShape)
	}
}

func dot(x, y []float64) float64 { return blas64.Dot(vec(x), vec(y)) }

// axpy adds alpha x to y.
func axpy(alpha float64, x, y []float64) { blas64.Axpy(alpha, vec(x), vec(y)) }

func scale(x []float64, alpha float64) { blas64.Scal(alpha, vec(x)) }

func vec(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }
