package inverse

import "fmt"

// Convolution returns the operator of a signal of n numbers with a short
// kernel, of as many measurements: y_t = sum_l kernel_l x_(t + c - l), where c
// is the middle of the kernel, len(kernel)/2, and x is zero outside.
func Convolution(n int, kernel []float64) Operator {
	if len(kernel) < 1 || n < 1 {
		panic(fmt.Errorf("%w: a kernel of %d numbers on a signal of %d", ErrShape, len(kernel), n))
	}
	h := append([]float64(nil), kernel...)
	c := len(h) / 2
	return Func{n, n, func(dst, x []float64) {
		for t := range dst {
			var s float64
			for l, v := range h {
				if i := t + c - l; i >= 0 && i < n {
					s += v * x[i]
				}
			}
			dst[t] = s
		}
	}, func(dst, y []float64) {
		clear(dst)
		for t, v := range y {
			for l, w := range h {
				if i := t + c - l; i >= 0 && i < n {
					dst[i] += w * v
				}
			}
		}
	}}
}

// ConvolutionImage returns the operator of an image with a kernel of kr by kc
// numbers, row-major, around its middle; the image is zero outside.
func ConvolutionImage(rows, cols int, kernel []float64, kr, kc int) Operator {
	if kr < 1 || kc < 1 || len(kernel) != kr*kc || rows < 1 || cols < 1 {
		panic(fmt.Errorf("%w: a kernel of %d numbers as %d by %d on an image of %d by %d", ErrShape, len(kernel), kr, kc, rows, cols))
	}
	h := append([]float64(nil), kernel...)
	// each calls f for every pair of a measurement and a pixel with their weight.
	each := func(f func(measurement, pixel int, weight float64)) {
		for i := range rows {
			for j := range cols {
				for a := range kr {
					r := i + kr/2 - a
					if r < 0 || r >= rows {
						continue
					}
					for b := range kc {
						if c := j + kc/2 - b; c >= 0 && c < cols {
							f(i*cols+j, r*cols+c, h[a*kc+b])
						}
					}
				}
			}
		}
	}
	return Func{rows * cols, rows * cols, func(dst, x []float64) {
		clear(dst)
		each(func(m, p int, w float64) { dst[m] += w * x[p] })
	}, func(dst, y []float64) {
		clear(dst)
		each(func(m, p int, w float64) { dst[p] += w * y[m] })
	}}
}

// Downsample returns the operator that measures the means of factor numbers
// each of a signal, or of factor by factor pixels of an image; the shape must
// be a multiple of factor. Its inverse is super-resolution.
func Downsample(shape []int, factor int) Operator {
	rows, cols := grid(shape)
	down := factor
	if len(shape) == 1 {
		down = 1
	}
	if factor < 1 || cols%factor != 0 || rows%down != 0 {
		panic(fmt.Errorf("%w: a shape of %v by a factor of %d", ErrShape, shape, factor))
	}
	small := cols / factor
	weight := 1 / float64(down*factor)
	cell := func(i int) int { return i/cols/down*small + i%cols/factor }
	return Func{rows / down * small, rows * cols, func(dst, x []float64) {
		clear(dst)
		for i, v := range x {
			dst[cell(i)] += weight * v
		}
	}, func(dst, y []float64) {
		for i := range dst {
			dst[i] = weight * y[cell(i)]
		}
	}}
}
