package streams

import (
	"math"
	"math/rand/v2"
)

// Change is a change that is planted into a stream from some record on.
type Change struct {
	Name    string
	Channel string // that moved, empty if it is not one
	Shift   func(*Record, *rand.Rand)
}

// Changes returns the planted changes.
func Changes() []Change {
	return []Change{
		{"mean +.3 in one channel", "c", func(x *Record, _ *rand.Rand) { x[2] += .3 }},
		{"mean ±.1 in all channels", "", func(x *Record, _ *rand.Rand) {
			for k := range x {
				x[k] += .1 - .2*float64(k%2)
			}
		}},
		{"scale 1.15 in one channel", "c", func(x *Record, _ *rand.Rand) { x[2] *= 1.15 }},
		{"scale 1.15 in all channels", "", func(x *Record, _ *rand.Rand) {
			for k := range x {
				x[k] *= 1.15
			}
		}},
		{"correlation +.3", "", Correlate},
		{"bimodal, same moments", "c", bimodal},
		{"all uniform, same variances", "", uniform},
	}
}

// Correlate adds .3 of channel c to h and keeps h's variance.
func Correlate(x *Record, _ *rand.Rand) {
	l := factor()
	var dot float64
	for k := range Channels {
		dot += l[7][k] * l[2][k]
	}
	x[7] = (x[7] + .3*x[2]) / math.Sqrt(1+.09+.6*dot)
}

// bimodal puts channel c around -.9 or .9 with its mean and variance unchanged.
func bimodal(x *Record, rng *rand.Rand) {
	const centre = .9
	side := centre
	if rng.Uint64()&1 == 0 {
		side = -centre
	}
	x[2] = side + math.Sqrt(1-centre*centre)*x[2]
}

// uniform gives each channel a uniform law of its variance.
func uniform(x *Record, _ *rand.Rand) {
	for k, v := range x {
		x[k] = math.Sqrt(3) * math.Erf(v/math.Sqrt2)
	}
}
