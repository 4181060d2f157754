package feature_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
)

// quantise is the definition: each operation exact, then rounded to binary64.
func quantise(x, offset, scale float64) int32 {
	operation := func(f func(z, x, y *big.Float) *big.Float, x, y float64) float64 {
		v, _ := f(new(big.Float).SetPrec(2200), big.NewFloat(x), big.NewFloat(y)).Float64()
		return v
	}
	v := operation((*big.Float).Sub, x, offset)
	for _, factor := range []float64{scale, 65536} {
		if math.IsInf(v, 0) {
			break
		}
		v = operation((*big.Float).Mul, v, factor)
	}
	switch {
	case v >= feature.Limit:
		return feature.Limit
	case v <= -feature.Limit:
		return -feature.Limit
	}
	return int32(math.RoundToEven(v))
}

func TestQuantiseIsTheDefinition(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		s := featuretest.Spec(seed, 4, 32)
		for k := range s.Channels {
			s.Channels[k].Transform = feature.Identity
			s.Offset[k] = math.Ldexp(rng.NormFloat64(), rng.IntN(40)-20)
			s.Scale[k] = math.Ldexp(rng.Float64()+0.5, rng.IntN(40)-20)
		}
		switch rng.IntN(10) {
		case 0:
			s.Scale[0] = 0x1p-1070
		case 1:
			s.Scale[0] = math.MaxFloat64
		case 2:
			s.Offset[0], s.Scale[0] = 0, 1
		}
		m, err := feature.NewMap(s)
		if err != nil {
			t.Fatal(err)
		}
		x, q := make([]float64, 4), make([]int32, 4)
		for range 100 {
			for k := range x {
				// Near the middle of two integers the rounding shows.
				half := float64(rng.IntN(1<<24)-1<<23) + 0.5
				x[k] = half/65536/s.Scale[k] + s.Offset[k]
				if rng.IntN(4) == 0 || math.IsInf(x[k], 0) {
					x[k] = math.Ldexp(rng.NormFloat64(), rng.IntN(1000)-500)
				}
			}
			if rng.IntN(20) == 0 {
				x[0] = math.Copysign(math.MaxFloat64, rng.NormFloat64())
			}
			if !m.Quantise(q, x) {
				t.Fatalf("%v was rejected", x)
			}
			for k := range x {
				if want := quantise(x[k], s.Offset[k], s.Scale[k]); q[k] != want {
					t.Fatalf("x=%v offset=%v scale=%v: q=%d, want %d", x[k], s.Offset[k], s.Scale[k], q[k], want)
				}
			}
		}
	}
}

func TestQuantiseRejectsWhatIsNotFinite(t *testing.T) {
	m := featuretest.Map(1, 3, 32) // identity, log1p, asinh
	q := make([]int32, 3)
	for _, c := range []struct {
		x    []float64
		want bool
	}{
		{[]float64{0, 0, 0}, true},
		{[]float64{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64}, true},
		{[]float64{-math.MaxFloat64, -0.999, -math.MaxFloat64}, true},
		{[]float64{math.NaN(), 0, 0}, false},
		{[]float64{math.Inf(-1), 0, 0}, false},
		{[]float64{0, math.Inf(1), 0}, false},
		{[]float64{0, -1, 0}, false},
		{[]float64{0, -1.5, 0}, false},
		{[]float64{0, math.NaN(), 0}, false},
		{[]float64{0, 0, math.Inf(1)}, false},
		{[]float64{0, 0, math.NaN()}, false},
	} {
		if got := m.Quantise(q, c.x); got != c.want {
			t.Errorf("%v: accepted %v, want %v", c.x, got, c.want)
		}
	}
}

func TestDequantiseIsWithinHalfAUnit(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const d = 9
	m := featuretest.Map(3, d, 32)
	x, back, y, z := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
	q := make([]int32, d)
	for range 2000 {
		for k := range x {
			x[k] = math.Abs(rng.NormFloat64())
		}
		if !m.Quantise(q, x) {
			t.Fatalf("%v was rejected", x)
		}
		m.Dequantise(back, q)
		m.Standardise(y, x)
		m.Standardise(z, back)
		for k := range x {
			if e := math.Abs(y[k] - z[k]); e > 0.5001/feature.Unit {
				t.Fatalf("channel %d: %v came back as %v, %g standard units away", k, x[k], back[k], e)
			}
			if e := math.Abs(y[k]*feature.Unit - float64(q[k])); e > 0.5001 {
				t.Fatalf("channel %d: Standardise gives %v units, Quantise %d", k, y[k]*feature.Unit, q[k])
			}
		}
		m.Physical(back, y)
		for k := range x {
			if math.Abs(back[k]-x[k]) > 1e-12*(1+math.Abs(x[k])) {
				t.Fatalf("channel %d: %v came back as %v", k, x[k], back[k])
			}
		}
	}
}

func TestTurns(t *testing.T) {
	s := golden()
	for i, w := range feature.Turns(s) {
		if w*65536 != float64(s.Omega[i]) {
			t.Fatalf("frequency %d: %v turns for %d", i, w, s.Omega[i])
		}
	}
}

func TestAtoms(t *testing.T) {
	s := golden() // bins one cell wide; values are off the middle except in bin 512
	if q, ok := s.Atom(0, 3); !ok || q != s.Values[3] {
		t.Errorf("bin 3 holds %d, stored %v", q, ok)
	}
	s.Values[3] = s.Edges[3] + 512
	if _, ok := s.Atom(0, 3); ok {
		t.Error("the middle of a continuous channel's bin is not a stored value")
	}
	s.Edges[4] += 1024
	s.Edges[5] += 1024
	s.Values[3]++
	if _, ok := s.Atom(0, 3); ok {
		t.Error("a bin of two cells holds no stored value")
	}
}

func TestQuantiseDoesNotAllocate(t *testing.T) {
	m := featuretest.Map(1, 10, 32)
	x, q := make([]float64, 10), make([]int32, 10)
	if n := testing.AllocsPerRun(100, func() { m.Quantise(q, x); m.Dequantise(x, q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkQuantise(b *testing.B) {
	s := featuretest.Spec(1, 10, 32)
	for _, tr := range []feature.Transform{feature.Identity, feature.Log1p, feature.Asinh} {
		for k := range s.Channels {
			s.Channels[k].Transform = tr
		}
		m, err := feature.NewMap(s)
		if err != nil {
			b.Fatal(err)
		}
		x, q := make([]float64, 10), make([]int32, 10)
		for k := range x {
			x[k] = float64(k) / 3
		}
		b.Run("transform="+tr.String(), func(b *testing.B) {
			for b.Loop() {
				m.Quantise(q, x)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
