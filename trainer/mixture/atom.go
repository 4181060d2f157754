package mixture

import "math"

// An atom is a normal distribution in parameters that may take any value: the mean, then of Diagonal the deviations, of
// Full the lower factor L of Sigma = L L' by rows. Deviations and the diagonal of L are carried by [bounds].

// size is the number of parameters of an atom.
func (s Shape) size(d int) int {
	if s == Full {
		return d + d*(d+1)/2
	}
	return 2 * d
}

// atom is one with room for its phasors at all frequencies of a target.
type atom struct {
	shape  Shape
	in     bounds
	re, im []float64
	spread []float64 // variances of a Diagonal atom, the factor L, d by d, of a Full one
	slope  []float64 // of the variances, or of the diagonal of L, in their parameters
	v      []float64 // L'w of one frequency
}

func newAtom(t *Target, s Shape, in bounds) *atom {
	n := t.dim
	if s == Full {
		n *= t.dim
	}
	return &atom{shape: s, in: in, re: make([]float64, len(t.z)), im: make([]float64, len(t.z)), spread: make([]float64, n),
		slope: make([]float64, t.dim), v: make([]float64, t.dim)}
}

// set computes the phasors of the atom theta.
func (a *atom) set(t *Target, theta []float64) {
	d := t.dim
	a.unpack(theta, d)
	for j := range a.re {
		w := t.w[j*d : j*d+d : j*d+d]
		phase, form := 0.0, 0.0
		for k, u := range w {
			phase += u * theta[k]
		}
		if a.shape == Full {
			a.project(w)
			for _, u := range a.v {
				form += u * u
			}
		} else {
			for k, u := range w {
				form += u * u * a.spread[k]
			}
		}
		if form > 90 { // Below 1e-19.
			a.re[j], a.im[j] = 0, 0
			continue
		}
		r := math.Exp(-form / 2)
		sin, cos := math.Sincos(phase)
		a.re[j], a.im[j] = r*cos, r*sin
	}
}

// unpack reads the spread of theta and its slopes.
func (a *atom) unpack(theta []float64, d int) {
	i := d
	for row := range d {
		if a.shape == Diagonal {
			s, slope := a.in.deviation(theta[d+row])
			a.spread[row], a.slope[row] = s*s, 2*s*slope
			continue
		}
		copy(a.spread[row*d:row*d+row], theta[i:i+row])
		i += row
		a.spread[row*d+row], a.slope[row] = a.in.deviation(theta[i])
		i++
	}
}

// gradient adds to grad what sum_j (gRe_j dRe_j + gIm_j dIm_j) changes with theta, for the phasors that set left.
func (a *atom) gradient(t *Target, gRe, gIm, grad []float64) {
	d := t.dim
	for j, re := range a.re {
		im := a.im[j]
		if re == 0 && im == 0 {
			continue
		}
		w := t.w[j*d : j*d+d : j*d+d]
		byPhase := gIm[j]*re - gRe[j]*im
		byForm := -(gRe[j]*re + gIm[j]*im) / 2
		for k, u := range w {
			grad[k] += byPhase * u
		}
		if a.shape == Diagonal {
			for k, u := range w {
				grad[d+k] += byForm * u * u * a.slope[k]
			}
			continue
		}
		a.project(w)
		i := d
		for row, u := range w {
			for col := range row {
				grad[i] += byForm * 2 * a.v[col] * u
				i++
			}
			grad[i] += byForm * 2 * a.v[row] * u * a.slope[row]
			i++
		}
	}
}

// project writes L'w to v.
func (a *atom) project(w []float64) {
	d := len(w)
	clear(a.v)
	for row, u := range w {
		for col, x := range a.spread[row*d : row*d+row+1] {
			a.v[col] += x * u
		}
	}
}

// covariance returns the Sigma of theta, d by d.
func (a *atom) covariance(theta []float64, d int) []float64 {
	a.unpack(theta, d)
	c := make([]float64, d*d)
	for i := range d {
		if a.shape == Diagonal {
			c[i*d+i] = a.spread[i]
			continue
		}
		for j := range d {
			for k := range min(i, j) + 1 {
				c[i*d+j] += a.spread[i*d+k] * a.spread[j*d+k]
			}
		}
	}
	return c
}

// round writes to theta the parameters of a mean with a share of the sketch's variances and no correlations.
func (a *atom) round(t *Target, theta, mean []float64, share float64) {
	d := t.dim
	copy(theta, mean)
	clear(theta[d:])
	i := d
	for k := range d {
		if a.shape == Full {
			i += k
		}
		theta[i] = a.in.at(math.Sqrt(max(share*t.covariance[k*d+k], 1e-24)))
		i++
	}
}

// loosen moves deviations at their bounds, where nothing changes with their parameters, to where they can leave them.
func (a *atom) loosen(theta []float64, d int) {
	i := d
	for k := range d {
		if a.shape == Full {
			i += k
		}
		theta[i] = a.in.loosened(theta[i])
		i++
	}
}
