// Package featuretest makes specs and records for tests.
package featuretest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"phasor/sketcher/feature"
)

// Spec returns a valid spec of d channels and m frequencies. Channel k has the
// transform k mod 3; the histogram has edges within and beyond the grid, atoms,
// and repeated edges at the end.
func Spec(seed uint64, d, m int) *feature.Spec {
	rng := rand.New(rand.NewPCG(seed, uint64(d)<<32|uint64(m)))
	s := &feature.Spec{
		Features:   m,
		Omega:      make([]int32, m*d),
		Rotation:   make([]float32, d*d),
		Components: make([]float32, 2*m*4),
		Law:        "normal",
		Params:     map[string]string{"sigma": "0.5"},
		Seed:       seed,
		Pilot:      1000,
	}
	for i := range s.Omega {
		s.Omega[i] = int32(math.Round(rng.NormFloat64() * feature.Unit / 2))
	}
	for i := range s.Rotation {
		s.Rotation[i] = float32(rng.NormFloat64())
	}
	for i := range s.Components {
		s.Components[i] = float32(rng.NormFloat64())
	}
	for k := range d {
		s.Channels = append(s.Channels, feature.Channel{Name: fmt.Sprintf("channel %d", k), Transform: feature.Transform(k % 3), Kind: feature.Kind(k / 3 % 3)})
		s.Offset = append(s.Offset, rng.NormFloat64())
		s.Scale = append(s.Scale, math.Exp(rng.NormFloat64()))
		edges := edges(rng)
		s.Edges = append(s.Edges, edges...)
		for b := range feature.Bins {
			s.Values = append(s.Values, edges[b]+(edges[b+1]-edges[b])/2)
		}
	}
	return s
}

func edges(rng *rand.Rand) []int32 {
	const grid = feature.Unit / 64
	e := make([]int32, 0, feature.Bins+1)
	for range 20 + rng.IntN(100) {
		e = append(e, int32(rng.IntN(1025)-512)*grid)
	}
	e = append(e, -9*feature.Unit-3, -20*feature.Unit, 8*feature.Unit+1, 8*feature.Unit, 15*feature.Unit+7)
	slices.Sort(e)
	e = slices.Compact(e)
	for len(e) < feature.Bins+1 {
		e = append(e, e[len(e)-1])
	}
	return e
}

// Map compiles [Spec], and panics if that fails.
func Map(seed uint64, d, m int) *feature.Map {
	compiled, err := feature.NewMap(Spec(seed, d, m))
	if err != nil {
		panic(err)
	}
	return compiled
}

// Quantised returns n quantised records of d channels: normal ones, with one value
// in 50 anywhere in the range and one in 50 at an extreme or an edge.
func Quantised(rng *rand.Rand, n, d int) []int32 {
	special := [...]int32{-feature.Limit, feature.Limit, feature.Limit - 1, 0, -1, 31, 32, -32, -33, 8 * feature.Unit, 8*feature.Unit - 1, -8 * feature.Unit, -8*feature.Unit - 1, 1024, 1023, 32767 << 6, -32768 << 6}
	q := make([]int32, n*d)
	for i := range q {
		switch rng.IntN(50) {
		case 0:
			q[i] = int32(rng.IntN(2*feature.Limit+1) - feature.Limit)
		case 1:
			q[i] = special[rng.IntN(len(special))]
		default:
			q[i] = int32(rng.NormFloat64() * feature.Unit)
		}
	}
	return q
}
