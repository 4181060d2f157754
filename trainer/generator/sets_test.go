package generator

import (
	"math"
	"math/rand/v2"
	"slices"
)

// set is a synthetic distribution: draw appends one record to x.
type set struct {
	name  string
	dim   int
	limit float64 // of the energy distance over that of two true samples
	draw  func(rng *rand.Rand, x []float64)
}

func (s set) records(n int, rng *rand.Rand) []float64 {
	x := make([]float64, n*s.dim)
	for i := range n {
		s.draw(rng, x[i*s.dim:i*s.dim+s.dim])
	}
	return x
}

func student(rng *rand.Rand, nu float64) float64 {
	chi := 0.0
	// A chi-square of nu degrees of freedom by summing its halves.
	for range int(2 * nu) {
		v := rng.NormFloat64()
		chi += v * v / 2
	}
	return rng.NormFloat64() / math.Sqrt(chi/nu)
}

// plane are the six two-dimensional sets that the method is known on.
var plane = []set{
	{"gmm6", 2, 1.5, func(r *rand.Rand, x []float64) {
		a := 2 * math.Pi * float64(r.IntN(6)) / 6
		x[0], x[1] = 3*math.Cos(a)+.3*r.NormFloat64(), 3*math.Sin(a)+.3*r.NormFloat64()
	}},
	{"spiral", 2, 1.5, func(r *rand.Rand, x []float64) {
		t := math.Sqrt(r.Float64()) * 3 * math.Pi
		x[0], x[1] = t*math.Cos(t)/3+.1*r.NormFloat64(), t*math.Sin(t)/3+.1*r.NormFloat64()
	}},
	{"circg", 2, 1.5, func(r *rand.Rand, x []float64) {
		if r.Float64() < .33 {
			x[0], x[1] = .4*r.NormFloat64(), .4*r.NormFloat64()
			return
		}
		a := 2 * math.Pi * r.Float64()
		x[0], x[1] = 3*math.Cos(a)+.1*r.NormFloat64(), 3*math.Sin(a)+.1*r.NormFloat64()
	}},
	{"grid25", 2, 1.5, func(r *rand.Rand, x []float64) {
		x[0] = float64(r.IntN(5)-2)*2 + .1*r.NormFloat64()
		x[1] = float64(r.IntN(5)-2)*2 + .1*r.NormFloat64()
	}},
	{"heavy", 2, 1.5, func(r *rand.Rand, x []float64) {
		x[0] = student(r, 2.5)
		x[1] = .5*x[0] + .3*student(r, 3)
	}},
	{"aniso", 2, 1.5, func(r *rand.Rand, x []float64) {
		x[0] = 100 * r.NormFloat64()
		x[1] = .01 * (math.Copysign(1, x[0]) + .1*r.NormFloat64())
	}},
}

// unseen are sets of up to six channels that the defaults were not chosen on.
var unseen = []set{
	{"moons", 2, 1.5, func(r *rand.Rand, x []float64) {
		a := math.Pi * r.Float64()
		x[0], x[1] = math.Cos(a), math.Sin(a)
		if r.IntN(2) == 0 {
			x[0], x[1] = 1-x[0], .5-x[1]
		}
		x[0] += .08 * r.NormFloat64()
		x[1] += .08 * r.NormFloat64()
	}},
	{"roll3", 3, 1.5, func(r *rand.Rand, x []float64) {
		t := 1.5 * math.Pi * (1 + 2*r.Float64())
		x[0] = t*math.Cos(t) + .3*r.NormFloat64()
		x[1] = 20 * r.Float64()
		x[2] = t*math.Sin(t) + .3*r.NormFloat64()
	}},
	{"mixture4", 4, 1.5, func(r *rand.Rand, x []float64) {
		centre := [5][4]float64{{0, 0, 0, 0}, {4, 0, 2, -1}, {-3, 3, 0, 2}, {0, -4, 3, 3}, {3, 3, -3, 0}}
		size := [5]float64{1, .4, .6, .3, .8}
		c := r.IntN(5)
		for k := range x {
			x[k] = centre[c][k] + size[c]*r.NormFloat64()
		}
	}},
	{"mixture6", 6, 1.5, func(r *rand.Rand, x []float64) {
		c := r.IntN(8)
		shared := r.NormFloat64()
		for k := range x {
			x[k] = 2.5*float64((c*(2*k+1)>>1)%3-1) + .5*r.NormFloat64() + .4*shared
		}
	}},
	{"heavy5", 5, 1.5, func(r *rand.Rand, x []float64) {
		common := student(r, 3)
		for k := range x {
			x[k] = float64(k+1) * (.6*common + .6*student(r, 4))
		}
	}},
	{"sensors6", 6, 1.5, func(r *rand.Rand, x []float64) {
		load := r.Float64()
		phase := 2 * math.Pi * r.Float64()
		x[0] = 20 + 40*load + 2*r.NormFloat64()
		x[1] = 1.2*math.Sqrt(load+.1) + .05*r.NormFloat64()
		x[2] = 3 * math.Sin(phase)
		x[3] = 3*math.Sin(phase+.8) + .2*r.NormFloat64()
		x[4] = math.Exp(.5*r.NormFloat64() + load)
		x[5] = x[0]*x[1]/20 + .1*r.NormFloat64()
	}},
}

// mixed are sets with discrete channels, atoms and spikes.
var mixed = []set{
	{"flags3", 3, 3, func(r *rand.Rand, x []float64) {
		state := float64(r.IntN(3))
		x[0] = state
		x[1] = 2*state + .3*r.NormFloat64()
		x[2] = 0
		if r.Float64() < .1+.3*state {
			x[2] = 1
		}
	}},
	{"counts4", 4, 3, func(r *rand.Rand, x []float64) {
		rate := r.ExpFloat64()
		x[0] = 0
		for p := r.ExpFloat64(); p < 2*rate+1; p += r.ExpFloat64() {
			x[0]++
		}
		x[1] = rate
		x[2] = math.Max(0, r.NormFloat64()+rate-1)
		x[3] = .5*x[2] + .2*r.NormFloat64()
	}},
	{"valve5", 5, 3, func(r *rand.Rand, x []float64) {
		open := r.Float64() < .4
		flow := 0.0
		x[0] = 0
		if open {
			x[0] = 1
			flow = 5 + r.NormFloat64()
		}
		x[1] = flow
		x[2] = math.Round((3 + .4*flow + .5*r.NormFloat64()) * 2)
		x[3] = 100 - 3*flow + 2*r.NormFloat64()
		x[4] = math.Mod(math.Floor(8*r.Float64()), 8)
	}},
}

// deviations returns the standard deviation of each channel, 1 where it is 0.
func deviations(x []float64, d int) []float64 {
	n := float64(len(x) / d)
	sd := make([]float64, d)
	for k := range sd {
		var s, q float64
		for i := k; i < len(x); i += d {
			s += x[i]
		}
		for i := k; i < len(x); i += d {
			q += (x[i] - s/n) * (x[i] - s/n)
		}
		if sd[k] = math.Sqrt(q / n); sd[k] == 0 {
			sd[k] = 1
		}
	}
	return sd
}

// meanDistance returns the mean Euclidean distance between records of a and b
// in units of sd.
func meanDistance(a, b, sd []float64) float64 {
	d := len(sd)
	scale := func(x []float64) []float64 {
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = v / sd[i%d]
		}
		return y
	}
	a, b = scale(a), scale(b)
	var sum float64
	for i := 0; i < len(a); i += d {
		x := a[i : i+d]
		for j := 0; j < len(b); j += d {
			y := b[j : j+d : j+d]
			var q float64
			for k, v := range x {
				q += (v - y[k]) * (v - y[k])
			}
			sum += math.Sqrt(q)
		}
	}
	return sum / (float64(len(a)/d) * float64(len(b)/d))
}

// energy returns the energy distance 2 E|X-Y| - E|X-X'| - E|Y-Y'| of samples.
func energy(a, b, sd []float64) float64 {
	return 2*meanDistance(a, b, sd) - meanDistance(a, a, sd) - meanDistance(b, b, sd)
}

// energyRatio returns the energy distance of generated records from a set over
// that between true samples of the same size, each the mean over pairs of 2,000.
func (s set) energyRatio(generated []float64, pairs int, rng *rand.Rand) float64 {
	const size = 2000
	sd := deviations(s.records(50000, rng), s.dim)
	var model, floor float64
	for p := range pairs {
		a, b := s.records(size, rng), s.records(size, rng)
		model += energy(generated[p*size*s.dim:(p+1)*size*s.dim], a, sd)
		floor += energy(a, b, sd)
	}
	return model / floor
}

// kolmogorov returns the largest distance between the distribution functions
// of a channel of two samples.
func kolmogorov(a, b []float64, d, k int) float64 {
	column := func(x []float64) []float64 {
		var c []float64
		for i := k; i < len(x); i += d {
			c = append(c, x[i])
		}
		slices.Sort(c)
		return c
	}
	x, y := column(a), column(b)
	worst, i, j := 0.0, 0, 0
	for i < len(x) && j < len(y) {
		v := min(x[i], y[j])
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		worst = max(worst, math.Abs(float64(i)/float64(len(x))-float64(j)/float64(len(y))))
	}
	return worst
}
