// Package gemm holds the two matrix products that a small network needs, in
// single precision on row-major slices without padding:
//
//	AddTN   C += A' B     A is k by m, B is k by n, C is m by n
//	AddNT   C += A B'     A is m by k, B is n by k, C is m by n
//
// With activations stored unit by unit (one row a unit, one column a record)
// the forward pass, the gradient of the activations and the phases of the
// sketch are AddTN, and the gradient of the weights is AddNT. Both sum over k
// in increasing order of its index, whatever the machine does in parallel, so
// that equal inputs give equal bits on one kernel.
//
// The products run on the kernels of Gonum: rank-one updates held in registers
// reach more than twice the speed of its general product for these shapes, and
// three times that of a blocked loop in plain Go. A kernel for a wider vector
// unit replaces addTN and addNT alone.
package gemm

import "errors"

// ErrShape is the panic of a slice that is shorter than its shape.
var ErrShape = errors.New("gemm: a slice is shorter than its shape")

// AddTN adds A'B to C, where A is k by m, B is k by n and C is m by n. It
// panics with ErrShape when a slice is too short.
func AddTN(c, a, b []float32, m, n, k int) {
	if len(c) < m*n || len(a) < k*m || len(b) < k*n {
		panic(ErrShape)
	}
	if m == 0 || n == 0 {
		return
	}
	addTN(c, a, b, m, n, k)
}

// AddNT adds AB' to C, where A is m by k, B is n by k and C is m by n. It
// panics with ErrShape when a slice is too short.
func AddNT(c, a, b []float32, m, n, k int) {
	if len(c) < m*n || len(a) < m*k || len(b) < n*k {
		panic(ErrShape)
	}
	if k == 0 {
		return
	}
	addNT(c, a, b, m, n, k)
}

// Transpose writes the transpose of the m by n matrix a to dst, n by m.
func Transpose(dst, a []float32, m, n int) {
	if len(dst) < m*n || len(a) < m*n {
		panic(ErrShape)
	}
	for i := range m {
		row := a[i*n : i*n+n]
		for j, v := range row {
			dst[j*m+i] = v
		}
	}
}
