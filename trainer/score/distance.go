package score

import "math"

// leastVariance is the variance that a direction is taken to have at least, in squared standard units: below it, a
// channel that hardly ever moves would make any record infinitely far.
const leastVariance = 1e-4

// whitening returns the inverse of the Cholesky factor of the records' covariance, lower triangle, d by d, so that W y
// has covariance 1.
func whitening(y []float64, d int) []float64 {
	n := len(y) / d
	mean, l := make([]float64, d), make([]float64, d*d)
	for i, v := range y {
		mean[i%d] += v / float64(n)
	}
	for i := range n {
		row := y[i*d : (i+1)*d]
		for a := range d {
			for b := range a + 1 {
				l[a*d+b] += (row[a] - mean[a]) * (row[b] - mean[b]) / float64(n)
			}
		}
	}
	for a := range d {
		l[a*d+a] += leastVariance
		for b := range a + 1 {
			for k := range b {
				l[a*d+b] -= l[a*d+k] * l[b*d+k]
			}
			if a == b {
				l[a*d+a] = math.Sqrt(max(l[a*d+a], leastVariance/2))
			} else {
				l[a*d+b] /= l[b*d+b]
			}
		}
	}
	w := make([]float64, d*d)
	for col := range d {
		for row := col; row < d; row++ {
			v := 0.0
			if row == col {
				v = 1
			}
			for k := col; k < row; k++ {
				v -= l[row*d+k] * w[k*d+col]
			}
			w[row*d+col] = v / l[row*d+row]
		}
	}
	return w
}

// white replaces records, row-major, by W y.
func (s *Scorer) white(y []float64) {
	d := s.Dim()
	for i := 0; i < len(y); i += d {
		row := y[i : i+d]
		for a := d - 1; a >= 0; a-- { // From below, where nothing that is still needed is overwritten.
			v := 0.0
			for b := range a + 1 {
				v += s.whiten[a*d+b] * row[b]
			}
			row[a] = v
		}
	}
}

// distances returns those of records in standard units to the generator's range. Each begins at the nearest generated
// record, and its latent goes down the gradient by steps that grow while they help and shrink where they do not, back
// onto the sphere of the radius if it leaves it.
func (s *Scorer) distances(y []float64) []float64 {
	k, d := s.model.Latent(), s.Dim()
	n := len(y) / d
	white := append([]float64{}, y...)
	s.white(white)
	u, best := make([]float64, n*k), make([]float64, n)
	for i := range n {
		at, square := s.nearest(white[i*d : (i+1)*d])
		copy(u[i*k:], s.latents[at*k:(at+1)*k])
		best[i] = square
	}
	if s.steps > 0 {
		s.descend(white, u, best)
	}
	for i, v := range best {
		best[i] = math.Sqrt(v / float64(d))
	}
	return best
}

// nearest returns the generated record with the least squared distance to a whitened one.
func (s *Scorer) nearest(white []float64) (at int, least float64) {
	d := len(white)
	least = math.Inf(1)
	for i := 0; i < len(s.records); i += d {
		sum := 0.0
		for k, v := range s.records[i : i+d] {
			sum += (v - white[k]) * (v - white[k])
		}
		if sum < least {
			at, least = i/d, sum
		}
	}
	return at, least
}

// descend improves the latents u of whitened records, and the squared distances in best.
func (s *Scorer) descend(white, u, best []float64) {
	k, d := s.model.Latent(), s.Dim()
	n := len(best)
	out, g, du, try := make([]float64, n*d), make([]float64, n*d), make([]float64, n*k), append([]float64{}, u...)
	slope := make([]float64, n*k) // At u.
	rate, zero := make([]float64, n), make([]float64, d)
	for i := range rate {
		rate[i] = .1
	}
	evaluate := func() []float64 {
		// The gradient of |W(G(u) - y)|^2 at the record is 2 W'W(G(u) - y), for which the record must be known first.
		s.model.Generate(out, try)
		now := make([]float64, n)
		for i := range n {
			row := append([]float64{}, out[i*d:(i+1)*d]...)
			s.white(row)
			copy(zero, row)
			for a := range row {
				zero[a] -= white[i*d+a]
				now[i] += zero[a] * zero[a]
			}
			for b := range d {
				v := 0.0
				for a := b; a < d; a++ {
					v += s.whiten[a*d+b] * zero[a]
				}
				g[i*d+b] = 2 * v
			}
		}
		s.model.Pullback(out, du, try, g)
		return now
	}
	evaluate()
	copy(slope, du)
	for range s.steps {
		for i := range n {
			norm := 0.0
			for _, v := range slope[i*k : (i+1)*k] {
				norm += v * v
			}
			if norm = math.Sqrt(norm); norm == 0 {
				continue
			}
			length := 0.0
			for c := i * k; c < (i+1)*k; c++ {
				try[c] = u[c] - rate[i]*slope[c]/norm
				length += try[c] * try[c]
			}
			if length = math.Sqrt(length); length > s.radius {
				for c := i * k; c < (i+1)*k; c++ {
					try[c] *= s.radius / length
				}
			}
		}
		now := evaluate()
		for i, v := range now {
			if !(v < best[i]) {
				rate[i] /= 3
				continue
			}
			rate[i] *= 1.5
			best[i] = v
			copy(u[i*k:(i+1)*k], try[i*k:(i+1)*k])
			copy(slope[i*k:(i+1)*k], du[i*k:(i+1)*k])
		}
	}
}
