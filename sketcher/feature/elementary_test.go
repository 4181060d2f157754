package feature

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

var elementary = map[string]func(float64) float64{"log1p": log1p, "asinh": asinh, "expm1": expm1, "sinh": sinh}

// ulps returns the distance of two numbers of one sign in units in the last place.
func ulps(a, b float64) float64 {
	if a == b {
		return 0
	}
	return math.Abs(float64(int64(math.Float64bits(a)) - int64(math.Float64bits(b))))
}

func TestElementaryFunctionsAreAccurate(t *testing.T) {
	for name, f := range elementary {
		worst := 0.0
		for _, v := range elementaryValues[name] {
			x, want := math.Float64frombits(v[0]), math.Float64frombits(v[1])
			e := ulps(f(x), want)
			if e > 2 {
				t.Errorf("%s(%v) = %v, want %v: %v ulp", name, x, f(x), want, e)
			}
			worst = max(worst, e)
		}
		t.Logf("%s: at most %v ulp on %d values", name, worst, len(elementaryValues[name]))
	}
}

// The digests pin every bit of the functions over many arguments: a compiler or an
// architecture that fuses or reorders an operation changes them.
func TestElementaryFunctionsKeepTheirBits(t *testing.T) {
	want := map[string]uint64{
		"log1p": 0x73a6641ee86e5c24,
		"asinh": 0xe196c19ed2c3446c,
		"expm1": 0x58498a9456aff5ec,
		"sinh":  0x8c3f4e752fb3fe4b,
	}
	for name, f := range elementary {
		rng := rand.New(rand.NewPCG(1, 2))
		h := fnv.New64a()
		for range 200_000 {
			x := math.Ldexp(float64(rng.Float64())-0.25, rng.IntN(20)-10)
			y := math.Float64bits(f(x))
			if f(x) != f(x) {
				y = 1 // the bits of a NaN may differ
			}
			var b [8]byte
			for i := range b {
				b[i] = byte(y >> (8 * i))
			}
			h.Write(b[:])
		}
		if h.Sum64() != want[name] {
			t.Errorf("%s: digest %#x, want %#x", name, h.Sum64(), want[name])
		}
	}
}

func TestTransformsAreInvertedAndOdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		x := math.Ldexp(rng.Float64(), rng.IntN(60)-30)
		for _, tr := range []Transform{Identity, Log1p, Asinh} {
			y := tr.Apply(x)
			if back := tr.Invert(y); math.Abs(back-x) > 1e-15*(4+y)*math.Max(x, 0)+1e-300 {
				t.Fatalf("%v: %v came back as %v", tr, x, back)
			}
		}
		if Asinh.Apply(-x) != -Asinh.Apply(x) || Asinh.Invert(-x/1e6) != -Asinh.Invert(x/1e6) {
			t.Fatalf("asinh is not odd at %v", x)
		}
	}
}

func TestTransformsAtTheEnds(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name    string
		x, want float64
	}{
		{"log1p", -1, nan}, {"log1p", -2, nan}, {"log1p", -inf, nan}, {"log1p", nan, nan}, {"log1p", inf, inf}, {"log1p", 0, 0},
		{"asinh", inf, inf}, {"asinh", -inf, -inf}, {"asinh", nan, nan}, {"asinh", 0, 0},
		{"expm1", inf, inf}, {"expm1", 710, inf}, {"expm1", -inf, -1}, {"expm1", -50, -1}, {"expm1", nan, nan}, {"expm1", 0, 0},
		{"sinh", inf, inf}, {"sinh", -inf, -inf}, {"sinh", nan, nan}, {"sinh", 0, 0},
	} {
		if got := elementary[c.name](c.x); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s(%v) = %v, want %v", c.name, c.x, got, c.want)
		}
	}
}

func TestNamesOfTransformsAndKinds(t *testing.T) {
	for _, tr := range []Transform{Identity, Log1p, Asinh} {
		if back, err := ParseTransform(tr.String()); err != nil || back != tr {
			t.Errorf("%v came back as %v, %v", tr, back, err)
		}
	}
	for _, k := range []Kind{Continuous, Discrete, Quiet} {
		if back, err := ParseKind(k.String()); err != nil || back != k {
			t.Errorf("%v came back as %v, %v", k, back, err)
		}
	}
	if _, err := ParseTransform("sqrt"); err == nil {
		t.Error("an unknown transform was accepted")
	}
	if _, err := ParseKind(""); err == nil {
		t.Error("an unknown kind was accepted")
	}
}
