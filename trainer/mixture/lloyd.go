package mixture

import (
	"math"
	"math/rand/v2"
)

// Lloyd returns the k centres, k by d, of the lowest cost that Lloyd's iteration reaches on the records y, n by d, from
// the given number of k-means++ starts (Arthur, Vassilvitskii, 2007), with the cost
//
//	(1/n) sum_i min_k |y_i - c_k|^2
//
// and the share of the records of each centre. It panics if n is zero.
func Lloyd(y []float64, d, k, runs int, seed uint64) (centres, shares []float64, cost float64) {
	n := len(y) / d
	if n == 0 {
		panic("mixture: Lloyd of no records")
	}
	cost = math.Inf(1)
	for r := range runs {
		rng := rand.New(rand.NewPCG(seed, uint64(r)))
		c := seeds(y, d, k, rng)
		s := make([]float64, k)
		last := math.Inf(1)
		for range 300 {
			now := step(y, d, c, s)
			if !(now < last*(1-1e-7)) {
				break
			}
			last = now
		}
		if now := assign(y, d, c, s); now < cost {
			centres, shares, cost = c, s, now
		}
	}
	return centres, shares, cost
}

// Cost returns that of centres on records, and writes the share of each centre to shares if there is one.
func Cost(y []float64, d int, centres, shares []float64) float64 {
	if shares == nil {
		shares = make([]float64, len(centres)/d)
	}
	return assign(y, d, centres, shares)
}

// seeds draws k records, each with a probability in proportion to its squared distance from those before.
func seeds(y []float64, d, k int, rng *rand.Rand) []float64 {
	n := len(y) / d
	c := append([]float64{}, y[rng.IntN(n)*d:][:d]...)
	distance := make([]float64, n)
	for i := range distance {
		distance[i] = squared(y[i*d:(i+1)*d], c)
	}
	for len(c) < k*d {
		sum := 0.0
		for _, v := range distance {
			sum += v
		}
		pick, at := n-1, rng.Float64()*sum
		for i, v := range distance {
			if at -= v; at < 0 {
				pick = i
				break
			}
		}
		row := y[pick*d : (pick+1)*d]
		c = append(c, row...)
		for i := range distance {
			distance[i] = min(distance[i], squared(y[i*d:(i+1)*d], row))
		}
	}
	return c
}

// step moves the centres c to the means of their records, and returns the cost before. A centre without records stays.
func step(y []float64, d int, c, shares []float64) float64 {
	n := len(y) / d
	sums := make([]float64, len(c))
	clear(shares)
	cost := 0.0
	for i := range n {
		row := y[i*d : (i+1)*d]
		at, least := nearest(row, c, d)
		cost += least
		shares[at]++
		for k, v := range row {
			sums[at*d+k] += v
		}
	}
	for i, s := range shares {
		if s > 0 {
			for k := range d {
				c[i*d+k] = sums[i*d+k] / s
			}
		}
	}
	return cost / float64(n)
}

func assign(y []float64, d int, c, shares []float64) float64 {
	n := len(y) / d
	clear(shares)
	cost := 0.0
	for i := range n {
		at, least := nearest(y[i*d:(i+1)*d], c, d)
		cost += least / float64(n)
		shares[at] += 1 / float64(n)
	}
	return cost
}

func nearest(row, c []float64, d int) (at int, least float64) {
	least = math.Inf(1)
	for i := 0; i*d < len(c); i++ {
		if v := squared(row, c[i*d:i*d+d]); v < least {
			at, least = i, v
		}
	}
	return at, least
}

func squared(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += (v - b[i]) * (v - b[i])
	}
	return sum
}
