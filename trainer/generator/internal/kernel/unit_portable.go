package kernel

import "math"

const (
	// bound is where the hyperbolic tangent is 1 to working precision.
	bound = 10
	// grid is the number of steps of the table of the tangent per unit.
	grid = 128
)

// tangent holds tanh at the points of the grid in [-bound, bound), in a table
// of a power of two so that an index needs no check.
var tangent = func() (t [4096]float32) {
	for i := range t {
		t[i] = float32(math.Tanh(max(-bound, min(bound, float64(i-len(t)/2)/grid))))
	}
	return t
}()

// tanh takes the nearest point of the table and two terms of the Taylor series
// from there,
//
//	tanh(a + e) = t + e (1 - t^2)(1 - e t),   t = tanh a,   |e| <= 1/256.
//
// The two comparisons are never taken in a healthy network.
func tanh(x, bias []float32, n int) {
	for r, b := range bias {
		row := x[r*n : r*n+n]
		for i, v := range row {
			v += b
			if v > bound {
				v = bound
			}
			if v < -bound {
				v = -bound
			}
			k := v*grid + magic
			e := v - (k-magic)*(1.0/grid)
			t := tangent[(math.Float32bits(k)+uint32(len(tangent)/2))%uint32(len(tangent))]
			row[i] = t + e*(1-t*t)*(1-e*t)
		}
	}
}

func through(bias, dh, h []float32, n int) {
	for r := range bias {
		x, g := h[r*n:r*n+n], dh[r*n:r*n+n]
		var sum float32
		for i, v := range x {
			g[i] *= 1 - v*v
			sum += g[i]
		}
		bias[r] += sum
	}
}

func adam(w, g, m, v []float32, p [7]float32) {
	b1, c1, b2, c2, rate, correct, eps := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i := range w {
		x := g[i]
		m[i] = b1*m[i] + c1*x
		v[i] = b2*v[i] + c2*x*x
		w[i] -= rate * m[i] / (float32(math.Sqrt(float64(v[i]*correct))) + eps)
	}
}

func average(mean, x []float32, p [2]float32) {
	d, c := p[0], p[1]
	for i, v := range x {
		mean[i] = d*mean[i] + c*v
	}
}

func add(dst, x []float32) {
	for i, v := range x {
		dst[i] += v
	}
}
