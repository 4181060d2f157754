package feature

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// The pool of the selected directions: candidates for each frequency, and the
// number of pilot rows that they are judged on, less where the dimension makes
// that long.
const (
	poolFactor  = 12
	poolRows    = 2500
	poolMinRows = 1000
	poolWork    = 5_000_000_000 // multiplications
)

// sphere returns m unit vectors, uniform on the sphere, row-major.
func sphere(rng *rand.Rand, m, d int) []float64 {
	u := make([]float64, m*d)
	for j := range m {
		randomDirection(rng, u[j*d:(j+1)*d])
	}
	return u
}

func randomDirection(rng *rand.Rand, u []float64) {
	for {
		for k := range u {
			u[k] = rng.NormFloat64()
		}
		if normalise(u) {
			return
		}
	}
}

// normalise scales u to length one and reports whether it had a length.
func normalise(u []float64) bool {
	var s float64
	for _, v := range u {
		s += float64(v * v)
	}
	if s == 0 {
		return false
	}
	s = 1 / math.Sqrt(s)
	for k := range u {
		u[k] *= s
	}
	return true
}

// frequencies returns the quantised frequencies of the radii, in radians per
// standard unit, along the directions.
func frequencies(radii, directions []float64) []int32 {
	d := len(directions) / len(radii)
	omega := make([]int32, len(directions))
	for j, r := range radii {
		r = min(r, maxRadius) * (Unit / (2 * math.Pi))
		for k := range d {
			omega[j*d+k] = int32(math.RoundToEven(r * directions[j*d+k]))
		}
	}
	return omega
}

// selectedFrequencies draws a pool of candidates with radii by the law, half
// along random directions and half along (x_i - x_j)/|x_i - x_j| of pilot
// records, and returns m frequencies in random order: half of them the
// candidates of largest |z_j - phi_Gauss(omega_j)|^2, half random.
func (p *pilotSet) selectedFrequencies(law radialLaw, m int) []int32 {
	d := p.d
	pool := poolFactor * m
	rng := p.rand(streamPool)
	directions := sphere(rng, pool, d)
	pairs := p.rand(streamPairs)
	for j := pool / 2; j < pool; j++ {
		p.pairDirection(pairs, directions[j*d:(j+1)*d])
	}
	candidates := frequencies(law.draw(rng, pool), directions)

	rows := p.subset(int(min(poolRows, max(poolMinRows, poolWork/(int64(pool)*int64(d))))))
	z := p.phasors(candidates, rows)
	gauss := p.gaussian()
	score := make([]float64, pool)
	order := make([]int, pool)
	for j := range score {
		e := z[j] - gauss.at(candidates[j*d:(j+1)*d])
		score[j] = float64(real(e)*real(e)) + float64(imag(e)*imag(e))
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })

	omega := make([]int32, 0, m*d)
	for _, j := range order[:m/2] {
		omega = append(omega, candidates[j*d:(j+1)*d]...)
	}
	random := m - m/2
	radii := law.draw(p.rand(streamRadii), random)
	omega = append(omega, frequencies(radii, sphere(p.rand(streamDirections), random, d))...)
	rng.Shuffle(m, func(i, j int) {
		for k := range d {
			omega[i*d+k], omega[j*d+k] = omega[j*d+k], omega[i*d+k]
		}
	})
	return omega
}

// pairDirection writes the direction between two random records, or a random
// one where records keep being equal.
func (p *pilotSet) pairDirection(rng *rand.Rand, u []float64) {
	for range 8 {
		a, b := p.row(rng.IntN(p.n)), p.row(rng.IntN(p.n))
		for k := range u {
			u[k] = float64(a[k]) - float64(b[k])
		}
		if normalise(u) {
			return
		}
	}
	randomDirection(rng, u)
}
