package feature

import (
	"cmp"
	"math"
	"slices"
)

// medianDistance returns the median distance of two pilot records, in standard
// units: over all pairs of at most 600 of them. Where most records are equal it
// is their root mean square distance, and sqrt(2 d) where all are.
func (p *pilotSet) medianDistance() float64 {
	rows := p.subset(600)
	squares := make([]float64, 0, len(rows)*(len(rows)-1)/2)
	var sum float64
	for i, a := range rows {
		for _, b := range rows[:i] {
			qa, qb := p.row(a), p.row(b)
			var s float64
			for k := range qa {
				e := (float64(qa[k]) - float64(qb[k])) / Unit
				s += float64(e * e)
			}
			squares = append(squares, s)
			sum += s
		}
	}
	if sum == 0 {
		return math.Sqrt(2 * float64(p.d))
	}
	slices.Sort(squares)
	if median := squares[len(squares)/2]; median > 0 {
		return math.Sqrt(median)
	}
	return math.Sqrt(sum / float64(len(squares)))
}

// envelopeSigma fits the scale of the folded Gaussian and the adapted radius:
// it draws adapted radii at the current scale, takes the largest |z| of the
// pilot in each of 16 ranges of radius, fits exp(-R^2 sigma^2/2) to these by
// least squares, and does so four times.
func (p *pilotSet) envelopeSigma() float64 {
	const (
		draws  = 512
		ranges = 16
		rounds = 4
		grid   = 200
		rows   = 5000
	)
	rng := p.rand(streamLaw)
	inverse := adaptedRadius()
	subset := p.subset(rows)
	variance := 1.0
	for range rounds {
		radii := stratified(rng, draws)
		for j, u := range radii {
			radii[j] = inverse(u) / math.Sqrt(variance)
		}
		z := p.phasors(frequencies(radii, sphere(rng, draws, p.d)), subset)
		order := make([]int, draws)
		for j := range order {
			order[j] = j
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(radii[a], radii[b]) })
		var radius2, height [ranges]float64
		for g := range ranges {
			for _, j := range order[g*draws/ranges : (g+1)*draws/ranges] {
				if v := math.Hypot(real(z[j]), imag(z[j])); v > height[g] {
					height[g], radius2[g] = v, radii[j]*radii[j]
				}
			}
		}
		best := math.Inf(1)
		for i := range grid {
			v := math.Pow(10, -3+4*float64(i)/(grid-1))
			var loss float64
			for g := range ranges {
				e := height[g] - math.Exp(-radius2[g]*v/2)
				loss += float64(e * e)
			}
			if loss < best {
				best, variance = loss, v
			}
		}
	}
	return math.Sqrt(variance)
}
