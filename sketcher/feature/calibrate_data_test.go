package feature

import (
	"fmt"
	"math"
	"math/rand/v2"
)

func channelNames(d int) []string {
	s := make([]string, d)
	for k := range s {
		s[k] = fmt.Sprintf("c%d", k)
	}
	return s
}

func pilotRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 17)) }

// gaussianPilot returns n standard normal records.
func gaussianPilot(n, d int, seed uint64) []float64 {
	rng := pilotRand(seed)
	x := make([]float64, n*d)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// mixturePilot returns n records of a mixture of clusters with centres of standard
// deviation 3 around zero and unit variance within.
func mixturePilot(n, d, clusters int, seed uint64) []float64 {
	centers := gaussianPilot(clusters, d, seed+1000)
	x := gaussianPilot(n, d, seed)
	rng := pilotRand(seed + 2000)
	for i := range n {
		c := rng.IntN(clusters)
		for k := range d {
			x[i*d+k] += 3 * centers[c*d+k]
		}
	}
	return x
}

// studentVariate returns a Student variate by its definition.
func studentVariate(rng *rand.Rand, degrees float64) float64 {
	// A chi-square variate with 2a degrees of freedom is twice a gamma
	// variate; this is Marsaglia and Tsang's method.
	a := degrees/2 - 1.0/3
	for {
		g := rng.NormFloat64()
		v := math.Pow(1+g/math.Sqrt(9*a), 3)
		if v > 0 && math.Log(rng.Float64()) < g*g/2+a-a*v+a*math.Log(v) {
			return rng.NormFloat64() / math.Sqrt(2*a*v/degrees)
		}
	}
}

// planarPilot returns n records of a named set in two dimensions.
func planarPilot(name string, n int, seed uint64) []float64 {
	rng := pilotRand(seed)
	g := rng.NormFloat64
	x := make([]float64, 0, 2*n)
	for range n {
		switch name {
		case "gmm6":
			s, c := math.Sincos(2 * math.Pi * float64(rng.IntN(6)) / 6)
			x = append(x, 3*c+.3*g(), 3*s+.3*g())
		case "spiral":
			t := math.Sqrt(rng.Float64()) * 3 * math.Pi
			s, c := math.Sincos(t)
			x = append(x, t*c/3+.1*g(), t*s/3+.1*g())
		case "circg":
			if rng.Float64() < .33 {
				x = append(x, .4*g(), .4*g())
				continue
			}
			s, c := math.Sincos(2 * math.Pi * rng.Float64())
			x = append(x, 3*c+.1*g(), 3*s+.1*g())
		case "grid25":
			x = append(x, 2*float64(rng.IntN(5)-2)+.1*g(), 2*float64(rng.IntN(5)-2)+.1*g())
		case "heavy":
			t := studentVariate(rng, 2.5)
			x = append(x, t, .5*t+.3*studentVariate(rng, 3))
		case "aniso":
			a := g()
			x = append(x, 100*a, .01*(math.Copysign(1, a)+.1*g()))
		}
	}
	return x
}
