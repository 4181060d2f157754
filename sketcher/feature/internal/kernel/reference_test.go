package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
)

// sines and cosines are the coefficients as the definition gives them.
var (
	sines   = [5]float32{4.442882834150685, -7.308241154578656, 3.606288958638492, -0.8457635981866104, 0.10920575707384743}
	cosines = [5]float32{1.4142134966405506, -6.9788509922865964, 5.739461229122794, -1.8835632995335314, 0.3106987475835834}
)

// exact is the definition in exact arithmetic, rounded where it says so.
func exact(p int32) (a, b int32) {
	r := bigFloat(float64(float32(p) / (1 << 32)))
	u := round24(new(big.Float).SetPrec(200).Mul(r, r))
	horner := func(c [5]float32) *big.Float {
		y := bigFloat(float64(c[4]) * 2048)
		for i := 3; i >= 0; i-- {
			product := new(big.Float).SetPrec(200).Mul(u, y)
			y = round24(product.Add(product, bigFloat(float64(c[i])*2048)))
		}
		return y
	}
	sine := round24(new(big.Float).SetPrec(200).Mul(horner(sines), r))
	cosine := horner(cosines)
	integer := func(x, y *big.Float) int32 {
		f, _ := round24(new(big.Float).SetPrec(200).Mul(x, y)).Float64()
		return int32(math.RoundToEven(f))
	}
	return integer(sine, sine), integer(sine, cosine)
}

func bigFloat(x float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(x) }

// round24 rounds to binary32; no value here is subnormal or overflows.
func round24(x *big.Float) *big.Float {
	y := new(big.Float).SetPrec(24).SetMode(big.ToNearestEven).Set(x)
	return y.SetPrec(200)
}

// odd is a fused multiply-add of binary32: the sum in binary64 is rounded to odd,
// so that rounding it again to binary32 gives what one rounding would (Boldo and
// Melquiond, Emulation of FMA and correctly rounded sums, 2008).
func odd(a, b, c float32) float32 {
	p, q := float64(a)*float64(b), float64(c)
	s := p + q
	t := s - p
	if e := (p - (s - t)) + (q - t); e != 0 {
		if bits := math.Float64bits(s); bits&1 == 0 {
			if (e > 0) == (s > 0) {
				bits++
			} else {
				bits--
			}
			s = math.Float64frombits(bits)
		}
	}
	return float32(s)
}

// byOdd is the definition with odd, quick enough for all phases.
func byOdd(p int32) (a, b int32) {
	r := float32(p) / (1 << 32)
	u := r * r
	s, c := sines[4]*2048, cosines[4]*2048
	for i := 3; i >= 0; i-- {
		s, c = odd(s, u, sines[i]*2048), odd(c, u, cosines[i]*2048)
	}
	s *= r
	return int32(math.RoundToEven(float64(float32(s * s)))), int32(math.RoundToEven(float64(float32(s * c))))
}

// one evaluates a phase by the portable kernel.
func one(p int32) (a, b int32) {
	var sa, sb, phases [Lanes]int32
	phases[5] = p
	evaluate(&sa, &sb, &phases)
	return sa[5], sb[5]
}

// corners are phases where something may change: powers of two, and the ends.
func corners() []int32 {
	list := []int32{0, math.MinInt32, math.MinInt32 + 1, math.MaxInt32}
	for e := range 31 {
		for _, f := range []int64{1 << e, 3 << e >> 1, 5 << e >> 2, 0xb504f3 << e >> 23} {
			for _, near := range []int64{-129, -65, -64, -63, -2, -1, 0, 1, 2, 63, 64, 65, 129} {
				list = append(list, int32(f+near), -int32(f+near))
			}
		}
	}
	return list
}

func TestPortableIsTheDefinition(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	phases := corners()
	for range 4000 {
		phases = append(phases, int32(rng.Uint32())>>rng.IntN(31))
	}
	for _, p := range phases {
		a, b := exact(p)
		if x, y := one(p); x != a || y != b {
			t.Errorf("phase %d: portable a=%d b=%d, exact %d %d", p, x, y, a, b)
		}
		if x, y := byOdd(p); x != a || y != b {
			t.Errorf("phase %d: round-to-odd a=%d b=%d, exact %d %d", p, x, y, a, b)
		}
	}
}

func TestFeaturesAreNearTheTruth(t *testing.T) {
	worst := 0.0
	for p := int64(math.MinInt32); p <= math.MaxInt32; p += 9973 {
		a, b := one(int32(p))
		sin, cos := math.Sincos(2 * math.Pi * float64(p) / (1 << 32))
		const unit = 1 << 22
		worst = max(worst, math.Hypot(1-float64(a)/unit-cos, float64(b)/unit-sin))
	}
	t.Logf("largest error %.3g", worst)
	if worst >= 1e-6 {
		t.Errorf("an element is off by %g", worst)
	}
}

// Every binary32 number that a phase converts to is tried, each with both signs:
// this is the proof that the portable kernel's roundings are those of fused
// multiply-adds, and that MaxA and MaxB hold. PHASOR_LONG=1 tries them all,
// otherwise a part.
func TestPortableOnEveryPhase(t *testing.T) {
	stride := int64(101)
	if os.Getenv("PHASOR_LONG") != "" {
		stride = 1
	}
	var maxA, maxB, n int32
	for p := int64(0); p <= 1<<31; {
		// Neighbouring phases above 2^24 convert to the same number.
		step := max(1, int64(1)<<max(0, int(math.Ilogb(float64(p|1)))-23))
		var phases, sa, sb [Lanes]int32
		for j := range phases {
			x := min(p, 1<<31)
			if j%2 == 1 {
				x = -x
				p += stride * step
			}
			phases[j] = int32(x) // 2^31 and -2^31 are one phase
		}
		evaluate(&sa, &sb, &phases)
		for j, x := range phases {
			a, b := byOdd(x)
			if sa[j] != a || sb[j] != b {
				t.Fatalf("phase %d: portable a=%d b=%d, fused %d %d", x, sa[j], sb[j], a, b)
			}
			maxA, maxB = max(maxA, a), max(maxB, b, -b)
		}
		n += Lanes
	}
	t.Logf("%d phases, a <= %d, |b| <= %d", n, maxA, maxB)
	if maxA > MaxA || maxB > MaxB {
		t.Errorf("the extremes are a=%d, b=%d", maxA, maxB)
	}
	if MaxA*MaxRecords > math.MaxInt32 {
		t.Error("a block can overflow")
	}
}
