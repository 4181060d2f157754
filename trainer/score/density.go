package score

import "math"

// densityAt returns (1/m) sum_j Re(conj(z_j) phi_j(y)).
func (s *Scorer) densityAt(y []float64) float64 {
	d := len(y)
	sum := 0.0
	for j, z := range s.z {
		turns := 0.0
		for k, w := range s.turns[j*d : (j+1)*d] {
			turns += w * y[k]
		}
		sin, cos := math.Sincos(2 * math.Pi * (turns - math.Round(turns)))
		sum += real(z)*cos + imag(z)*sin
	}
	return sum / float64(len(s.z))
}

// phasors returns the mean phasors of records in standard units.
func (s *Scorer) phasors(y []float64) []complex128 {
	d := s.Dim()
	n := len(y) / d
	z := make([]complex128, len(s.turns)/d)
	for j := range z {
		w := s.turns[j*d : (j+1)*d]
		var re, im float64
		for i := range n {
			turns := 0.0
			for k, v := range w {
				turns += v * y[i*d+k]
			}
			sin, cos := math.Sincos(2 * math.Pi * (turns - math.Round(turns)))
			re += cos
			im += sin
		}
		z[j] = complex(re/float64(n), im/float64(n))
	}
	return z
}
