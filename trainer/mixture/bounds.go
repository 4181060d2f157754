package mixture

import "math"

// bounds are those of the logarithm of a deviation. Below the least no frequency tells a difference, and above the most
// none has anything left; between them a sine carries a parameter that may take any value, so that a step that goes too
// far comes back instead of being stuck where nothing changes any more.
type bounds struct{ middle, half float64 }

// boundsOf returns those of a target: half a radian at its fastest frequency, and the widest range of a channel.
func boundsOf(t *Target) bounds {
	fastest, widest := 0.0, 0.0
	for j := range t.z {
		square := 0.0
		for _, u := range t.w[j*t.dim : (j+1)*t.dim] {
			square += u * u
		}
		fastest = max(fastest, square)
	}
	for k, lo := range t.lo {
		widest = max(widest, t.hi[k]-lo)
	}
	hi := math.Log(max(widest, 1))
	lo := min(math.Log(.5/math.Sqrt(max(fastest, 1e-6))), hi-1)
	return bounds{(lo + hi) / 2, (hi - lo) / 2}
}

// deviation returns the one that x stands for, and its slope in x.
func (b bounds) deviation(x float64) (s, slope float64) {
	sin, cos := math.Sincos(x)
	s = math.Exp(b.middle + b.half*sin)
	return s, s * b.half * cos
}

// at returns the x that stands for a deviation, or for the nearest one well within the bounds.
func (b bounds) at(s float64) float64 {
	return b.loosened(math.Asin(min(max((math.Log(s)-b.middle)/b.half, -1), 1)))
}

// loosened returns x, or what stands for a deviation a little within the bounds if x is at one of them.
func (b bounds) loosened(x float64) float64 {
	const within = .8
	return math.Asin(min(max(math.Sin(x), -within), within))
}
