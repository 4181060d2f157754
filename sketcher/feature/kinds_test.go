package feature

import "testing"

func TestKinds(t *testing.T) {
	rng := pilotRand(6)
	for _, c := range []struct {
		name  string
		value func(i int) float64
		want  Kind
	}{
		{"smooth", func(int) float64 { return rng.NormFloat64() }, Continuous},
		{"constant", func(int) float64 { return 3 }, Quiet},
		{"flag", func(i int) float64 { return float64(i % 2) }, Discrete},
		{"rare flag", func(i int) float64 { return float64(min(1, i%1999) ^ 1) }, Discrete},
		{"states", func(int) float64 { return float64(rng.IntN(64)) }, Discrete},
		{"counter", func(i int) float64 { return float64(i) }, Continuous},
		{"half zero", func(int) float64 { return max(0, rng.NormFloat64()) }, Continuous},
		{"rounded", func(int) float64 { return float64(int(rng.NormFloat64() * 8)) }, Discrete},
		{"finely rounded", func(int) float64 { return float64(int(rng.NormFloat64() * 500)) }, Continuous},
		{"zero but for 1%", func(i int) float64 { return rng.NormFloat64() * float64(min(1, i%100)^1) }, Discrete},
	} {
		x := make([]float64, 4000)
		for i := range x {
			x[i] = c.value(i)
		}
		spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(1), Features: 32})
		if got := rep.Channels[0].Kind; got != c.want || spec.Channels[0].Kind != got {
			t.Errorf("%s: %v with %d values, %d atoms", c.name, got, rep.Channels[0].Distinct, rep.Channels[0].Atoms)
		}
		if lumpy := c.want == Discrete || c.name == "half zero" || c.name == "finely rounded"; lumpy && rep.R1 > max(lumpyRadius, minSpan*rep.R0) {
			t.Errorf("%s: largest radius %g", c.name, rep.R1)
		}
	}
}

func TestKindOfFewRecords(t *testing.T) {
	two := func(a, b int) valueCounts { return valueCounts{{0, a}, {Unit, b}} }
	if k := kindOf(two(5, 5), nil, 10); k != Discrete {
		t.Errorf("ten records of two values are %v", k)
	}
	if k := kindOf(two(5, 4), nil, 9); k != Continuous {
		t.Errorf("nine records of two values are %v", k)
	}
}
