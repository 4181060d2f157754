package kernel

// Tanh adds a bias to each row of x, rows of n, and takes the hyperbolic tangent:
//
//	x_ij = tanh(x_ij + bias_i)
//
// with an error below 4e-7 and a magnitude of at most 1. NaN gives NaN. It panics
// with ErrShape if len(x) is not n for each bias.
func (s *Set) Tanh(x, bias []float32, n int) {
	if n < 0 || len(x) != n*len(bias) {
		panic(ErrShape)
	}
	if len(x) > 0 {
		s.tanh(x, bias, n)
	}
}

// Through takes a gradient dh at h = tanh(z), rows of n, back to z, and adds the
// sum of each row to bias:
//
//	dh = dh (1 - h h),  bias_i += sum over j of dh_ij
//
// It panics with ErrShape if len(dh) or len(h) is not n for each bias.
func (s *Set) Through(bias, dh, h []float32, n int) {
	if n < 0 || len(dh) != n*len(bias) || len(h) != len(dh) {
		panic(ErrShape)
	}
	if len(dh) > 0 {
		s.through(bias, dh, h, n)
	}
}

// Moments are the constants of a step of Adam: the decay of both moments, the
// rate over the correction of the first, the correction of the second, and epsilon.
type Moments struct{ Beta1, Beta2, Rate, Correct, Epsilon float32 }

// Adam takes a step along g from w, with the moments m and v:
//
//	m = Beta1 m + (1-Beta1) g,  v = Beta2 v + (1-Beta2) g g
//	w = w - Rate m/(sqrt(Correct v) + Epsilon)
//
// It panics with ErrShape if lengths differ.
func (s *Set) Adam(w, g, m, v []float32, c Moments) {
	if len(g) != len(w) || len(m) != len(w) || len(v) != len(w) {
		panic(ErrShape)
	}
	if len(w) > 0 {
		s.adam(w, g, m, v, [7]float32{c.Beta1, 1 - c.Beta1, c.Beta2, 1 - c.Beta2, c.Rate, c.Correct, c.Epsilon})
	}
}

// Average moves mean towards x: mean = decay mean + (1-decay) x. It panics with
// ErrShape if lengths differ.
func (s *Set) Average(mean, x []float32, decay float32) {
	if len(mean) != len(x) {
		panic(ErrShape)
	}
	if len(x) > 0 {
		s.average(mean, x, [2]float32{decay, 1 - decay})
	}
}

// Add adds x to dst. It panics with ErrShape if lengths differ.
func (s *Set) Add(dst, x []float32) {
	if len(dst) != len(x) {
		panic(ErrShape)
	}
	if len(x) > 0 {
		s.add(dst, x)
	}
}
