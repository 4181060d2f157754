// Package wave holds the two elementwise functions of a fit, in single
// precision and without branches: the cosine and sine of phases in turns, and
// the hyperbolic tangent.
package wave

import "math"

const (
	// steps is the size of the table of one turn.
	steps = 4096
	// magic rounds a float32 of magnitude below 2^22 to the nearest integer,
	// and leaves that integer in the low bits of the sum.
	magic = 3 << 22
)

// circle holds the cosine and sine of each step of a turn.
var circle = func() (t [steps][2]float32) {
	for i := range t {
		s, c := math.Sincos(2 * math.Pi * float64(i) / steps)
		t[i] = [2]float32{float32(c), float32(s)}
	}
	return t
}()

// Turns writes cos(2 pi t) and sin(2 pi t) to c and s, which must be as long
// as t, and returns the sums of both. A phase is rounded to a step of the table
// and turned by the rest in first order:
//
//	cos(a + e) = cos a - e sin a,   sin(a + e) = sin a + e cos a,   |e| <= pi/4096
//
// so that the error stays below 6e-7 where |t| <= 1/2, plus that of t itself. A
// phase of 2^22 turns or more has lost its fraction; an infinite one and NaN
// give NaN.
func Turns(c, s, t []float32) (sumCos, sumSin float32) {
	c, s = c[:len(t)], s[:len(t)]
	for i, v := range t {
		v -= (v + magic) - magic
		v *= steps
		k := v + magic
		e := (v - (k - magic)) * float32(2*math.Pi/steps)
		p := &circle[math.Float32bits(k)&(steps-1)]
		x := p[0] - e*p[1]
		y := p[1] + e*p[0]
		c[i], s[i] = x, y
		sumCos += x
		sumSin += y
	}
	return sumCos, sumSin
}

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

// Tanh replaces each element of x by its hyperbolic tangent: the nearest point
// of the table and two terms of the Taylor series from there,
//
//	tanh(a + e) = t + e (1 - t^2)(1 - e t),   t = tanh a,   |e| <= 1/256,
//
// with an absolute error below 2e-7. NaN gives NaN. The two comparisons are
// never taken in a healthy network.
func Tanh(x []float32) {
	for i, v := range x {
		if v > bound {
			v = bound
		}
		if v < -bound {
			v = -bound
		}
		k := v*grid + magic
		e := v - (k-magic)*(1.0/grid)
		t := tangent[(math.Float32bits(k)+uint32(len(tangent)/2))%uint32(len(tangent))]
		x[i] = t + e*(1-t*t)*(1-e*t)
	}
}
