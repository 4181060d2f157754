package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// physical gives numbers near halves, over the limits and of every magnitude.
func physical(rng *rand.Rand, offset, scale float64) float64 {
	switch rng.IntN(8) {
	case 0:
		return math.Ldexp(rng.NormFloat64(), rng.IntN(2000)-1000)
	case 1:
		return math.Copysign(math.MaxFloat64, rng.NormFloat64())
	case 2:
		return (float64(Limit)+rng.Float64()*2-1)/Unit/scale*float64(2*rng.IntN(2)-1) + offset
	case 3:
		return offset
	}
	return (float64(rng.IntN(1<<24)-1<<23)+0.5)/Unit/scale + offset
}

// Every kernel quantises as the portable one does, for every number of channels,
// rejects what is not finite in any place, and touches nothing around its arguments.
func TestQuantisedAreEqual(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, set := range available() {
		rng := rand.New(rand.NewPCG(seed, 0))
		for d := range 131 {
			x, offset, scale := make([]float64, d), make([]float64, d), make([]float64, d)
			for k := range x {
				offset[k] = math.Ldexp(rng.NormFloat64(), rng.IntN(40)-20)
				scale[k] = math.Ldexp(rng.Float64()+0.5, rng.IntN(40)-20)
				if x[k] = physical(rng, offset[k], scale[k]); math.IsInf(x[k], 0) {
					x[k] = 0
				}
			}
			got, want := guard(make([]int32, d), d%16), make([]int32, d)
			if !set.Quantise(got.slice(), x, offset, scale) || !PortableQuantise(want, x, offset, scale) {
				t.Fatalf("%s d=%d: %v was rejected", set.Name, d, x)
			}
			if !slices.Equal(got.slice(), want) || !got.intact() {
				t.Fatalf("%s d=%d: x=%v offset=%v scale=%v: got %v, want %v", set.Name, d, x, offset, scale, got.slice(), want)
			}
			for k, bad := range []float64{math.NaN(), math.Float64frombits(0x7ff0000000000001), math.Inf(1), math.Inf(-1)} {
				if d == 0 {
					break
				}
				at := rng.IntN(d)
				y := slices.Clone(x)
				y[at] = bad
				if set.Quantise(got.slice(), y, offset, scale) || !got.intact() {
					t.Fatalf("%s d=%d: %v (case %d) in place %d was accepted, or wrote around", set.Name, d, bad, k, at)
				}
			}
		}
	}
}
