package mixture

import "slices"

// nnls returns the x >= 0 that minimises x'Gx - 2 h'x, the non-negative least squares of a problem with the normal
// equations Gx = h, by the active-set method of Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23).
// G is n by n, symmetric and positive semidefinite.
func nnls(g, h []float64) []float64 {
	n := len(h)
	x := make([]float64, n)
	var passive []int
	scale := 0.0
	for _, v := range h {
		scale = max(scale, v, -v)
	}
	for range 3 * n {
		best, at := 1e-12*scale, -1
		for i := range n {
			if slices.Contains(passive, i) {
				continue
			}
			slope := h[i]
			for j := range n {
				slope -= g[i*n+j] * x[j]
			}
			if slope > best {
				best, at = slope, i
			}
		}
		if at < 0 {
			break
		}
		passive = append(passive, at)
		for len(passive) > 0 {
			s := solve(g, h, n, passive)
			if !slices.ContainsFunc(s, func(v float64) bool { return v <= 0 }) {
				for i, p := range passive {
					x[p] = s[i]
				}
				break
			}
			// Go as far towards s as all stay non-negative, and let go of those that reach zero.
			step := 1.0
			for i, p := range passive {
				if s[i] <= 0 {
					step = min(step, x[p]/(x[p]-s[i]))
				}
			}
			kept := passive[:0]
			for i, p := range passive {
				x[p] += step * (s[i] - x[p])
				if s[i] <= 0 && x[p] <= 1e-14 {
					x[p] = 0
				} else {
					kept = append(kept, p)
				}
			}
			if len(kept) == len(s) {
				kept = kept[:len(kept)-1] // Rounding kept them all from zero: the newest goes.
				x[passive[len(s)-1]] = 0
			}
			passive = kept
		}
	}
	return x
}

// solve returns the solution of the equations of the passive set, by Cholesky's method with a ridge of rounding's size.
func solve(g, h []float64, n int, passive []int) []float64 {
	p := len(passive)
	a, s := make([]float64, p*p), make([]float64, p)
	for i, pi := range passive {
		s[i] = h[pi]
		for j, pj := range passive {
			a[i*p+j] = g[pi*n+pj]
		}
		a[i*p+i] *= 1 + 1e-13
	}
	l := cholesky(a, p)
	for i := range p {
		for j := range i {
			s[i] -= l[i*p+j] * s[j]
		}
		s[i] /= l[i*p+i]
	}
	for i := p - 1; i >= 0; i-- {
		for j := i + 1; j < p; j++ {
			s[i] -= l[j*p+i] * s[j]
		}
		s[i] /= l[i*p+i]
	}
	return s
}
