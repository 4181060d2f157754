package kernel

import "gonum.org/v1/gonum/blas/gonum"

var blas gonum.Implementation

// addTN equals
//
//	for l := range k { for i := range m { for j := range n {
//		c[i*n+j] += a[l*m+i] * b[l*n+j]
//	}}}
//
// Rank-one updates held in registers reach more than twice the speed of Gonum's
// general product for the shapes of a fit.
func addTN(c, a, b []float32, m, n, k int) {
	for l := range k {
		blas.Sger(m, n, 1, a[l*m:l*m+m], 1, b[l*n:l*n+n], 1, c, n)
	}
}

// addNN equals
//
//	for l := range k { for i := range m { for j := range n {
//		c[i*n+j] += a[i*k+l] * b[l*n+j]
//	}}}
func addNN(c, a, b []float32, m, n, k int) {
	for l := range k {
		blas.Sger(m, n, 1, a[l:], k, b[l*n:l*n+n], 1, c, n)
	}
}

// addNT equals
//
//	for i := range m { for j := range n { for l := range k {
//		c[i*n+j] += a[i*k+l] * b[j*k+l]
//	}}}
//
// up to the order within the four lanes of a dot product.
func addNT(c, a, b []float32, m, n, k int) {
	for i := range m {
		x := a[i*k : i*k+k]
		row := c[i*n : i*n+n]
		for j := range row {
			row[j] += blas.Sdot(k, x, 1, b[j*k:j*k+k], 1)
		}
	}
}
