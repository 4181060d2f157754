package generator

import "math"

// cholesky returns the lower triangular factor L of a covariance C, d by d,
// with LL' = C, both row-major. A covariance of measured records may be
// singular, and rounding may push it beyond: a column whose pivot is below
// 1e-9 of its variance is left zero, as the channel then is a combination of
// those before it.
func cholesky(c []float64, d int) []float64 {
	l := make([]float64, d*d)
	for j := range d {
		pivot := c[j*d+j]
		for _, v := range l[j*d : j*d+j] {
			pivot -= v * v
		}
		if !(pivot > 1e-9*c[j*d+j]) {
			continue
		}
		root := math.Sqrt(pivot)
		l[j*d+j] = root
		for i := j + 1; i < d; i++ {
			s := c[i*d+j]
			for k, v := range l[j*d : j*d+j] {
				s -= v * l[i*d+k]
			}
			l[i*d+j] = s / root
		}
	}
	return l
}
