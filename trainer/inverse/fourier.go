package inverse

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Fourier returns the operator that measures the coefficients keep of the
// unitary discrete Fourier transform of a signal (one length) or an image (rows
// and columns; coefficient number i columns + j belongs to the frequencies i
// and j), as a scanner by magnetic resonance does: first the real parts, then
// the imaginary ones.
func Fourier(shape []int, keep []int) Operator {
	f := newTransform(shape)
	for _, k := range keep {
		if k < 0 || k >= f.rows*f.cols {
			panic(fmt.Errorf("%w: coefficient %d of %d is kept", ErrShape, k, f.rows*f.cols))
		}
	}
	keep = append([]int(nil), keep...)
	n := len(keep)
	return Func{2 * n, f.rows * f.cols, func(dst, x []float64) {
		z := make([]complex128, len(x))
		for i, v := range x {
			z[i] = complex(v, 0)
		}
		f.forward(z)
		for i, k := range keep {
			dst[i], dst[n+i] = real(z[k]), imag(z[k])
		}
	}, func(dst, y []float64) {
		z := make([]complex128, len(dst))
		for i, k := range keep {
			z[k] += complex(y[i], y[n+i])
		}
		f.backward(z)
		for i, v := range z {
			dst[i] = real(v)
		}
	}}
}

// transform is the unitary discrete Fourier transform of a grid.
type transform struct {
	rows, cols int
	plans      sync.Pool // gonum's plans hold buffers: each goroutine needs its own
}

type plans struct {
	across, down *fourier.CmplxFFT
	column       []complex128
}

func newTransform(shape []int) *transform {
	rows, cols := grid(shape)
	t := &transform{rows: rows, cols: cols}
	t.plans.New = func() any {
		return &plans{fourier.NewCmplxFFT(cols), fourier.NewCmplxFFT(rows), make([]complex128, rows)}
	}
	return t
}

// grid returns the rows and columns of a shape: a signal is one row.
func grid(shape []int) (rows, cols int) {
	rows = 1
	switch len(shape) {
	case 1:
		cols = shape[0]
	case 2:
		rows, cols = shape[0], shape[1]
	}
	if rows < 1 || cols < 1 {
		panic(fmt.Errorf("%w: the shape is %v", ErrShape, shape))
	}
	return rows, cols
}

func (t *transform) forward(z []complex128) {
	t.each(z, (*fourier.CmplxFFT).Coefficients)
}

func (t *transform) backward(z []complex128) {
	t.each(z, (*fourier.CmplxFFT).Sequence)
}

func (t *transform) each(z []complex128, do func(*fourier.CmplxFFT, []complex128, []complex128) []complex128) {
	p := t.plans.Get().(*plans)
	defer t.plans.Put(p)
	if t.cols > 1 {
		for i := range t.rows {
			row := z[i*t.cols : (i+1)*t.cols]
			do(p.across, row, row)
		}
	}
	if t.rows > 1 {
		for j := range t.cols {
			for i := range t.rows {
				p.column[i] = z[i*t.cols+j]
			}
			do(p.down, p.column, p.column)
			for i := range t.rows {
				z[i*t.cols+j] = p.column[i]
			}
		}
	}
	unit := complex(1/math.Sqrt(float64(len(z))), 0)
	for i := range z {
		z[i] *= unit
	}
}
