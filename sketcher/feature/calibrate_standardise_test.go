package feature

import (
	"math"
	"slices"
	"testing"
)

func TestStandardisation(t *testing.T) {
	for _, size := range []float64{1, 1e-300, 1e300, 1e-9, 1e17} {
		x := gaussianPilot(20_000, 1, 3)
		for i := range x {
			x[i] = (x[i]*3 + 5) * size
		}
		offset, scale := standardisation(x)
		within(t, "offset", offset/size, 5, .02)
		within(t, "deviation", 1/(scale*size), 3, .02)
		// A few values out of range hardly count.
		x[7], x[70], x[700] = 1e7*size, -1e5*size, 1e6*size
		offset2, scale2 := standardisation(x)
		within(t, "offset with outliers", offset2, offset, .01)
		within(t, "scale with outliers", scale2, scale, .01)
	}
}

func TestStandardisationClips(t *testing.T) {
	x := make([]float64, 1001)
	for i := range x {
		x[i] = float64(i)
	}
	x[1000] = 1e6 // clipped at the 99.9 % quantile, 999
	offset, scale := standardisation(x)
	var mean, square float64
	for i := range 1001 {
		mean += min(max(float64(i), 1), 999) / 1001
	}
	for i := range 1001 {
		square += math.Pow(min(max(float64(i), 1), 999)-mean, 2) / 1001
	}
	within(t, "mean", offset, mean, 1e-12)
	within(t, "scale", scale, 1/math.Sqrt(square), 1e-12)
}

func TestStandardisationOfRareValues(t *testing.T) {
	x := make([]float64, 10_000)
	x[17] = 1 // clipped away, but not forgotten
	offset, scale := standardisation(x)
	if y := (1 - offset) * scale; y < 7 || y > 8 {
		t.Errorf("a rare flag is at %g standard units", y)
	}
}

func TestStandardisationOfNeighbours(t *testing.T) {
	// Two values that differ in the last bit are two standard units apart.
	a := 1e9
	b := math.Nextafter(a, 2e9)
	x := slices.Repeat([]float64{a, b}, 50)
	offset, scale := standardisation(x)
	if y := (b - offset) * scale; (b-a)*scale < 1.99 || (b-a)*scale > 2.01 || y < 0 || y > 2.01 {
		t.Errorf("offset %v, scale %g", offset, scale)
	}
}

func TestSuggestedTransforms(t *testing.T) {
	rng := pilotRand(3)
	for _, c := range []struct {
		name  string
		value func() float64
		want  Transform
	}{
		{"normal", rng.NormFloat64, Identity},
		{"exponential", rng.ExpFloat64, Identity},
		{"lognormal", func() float64 { return math.Exp(2 * rng.NormFloat64()) }, Log1p},
		{"heavy on both", func() float64 { return 50 * studentVariate(rng, 2) }, Asinh},
		{"tiny heavy on both", func() float64 { return 1e-9 * studentVariate(rng, 2) }, Identity},
		{"rare flag", func() float64 { return float64(max(0, rng.IntN(500)-498)) }, Identity},
		{"negative lognormal", func() float64 { return -math.Exp(2 * rng.NormFloat64()) }, Asinh},
		{"every magnitude", func() float64 { return math.Pow(10, 600*rng.Float64()-300) }, Log1p},
	} {
		x := make([]float64, 4000)
		for i := range x {
			x[i] = c.value()
		}
		spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(1), Features: 32})
		if got := rep.Channels[0].Suggested; got != c.want || spec.Channels[0].Transform != Identity || warned(rep, "set its transform to "+c.want.String()+", or") != (c.want != Identity) {
			t.Errorf("%s: %v suggested for kurtosis %g, %v applied, warnings %q", c.name, got, rep.Channels[0].Kurtosis, spec.Channels[0].Transform, rep.Warnings)
		}
		spec, rep = mustCalibrate(t, x, CalibrateOptions{Names: channelNames(1), Features: 32, Transforms: []string{"auto"}})
		if spec.Channels[0].Transform != c.want || rep.Channels[0].Transform != c.want {
			t.Errorf("%s: auto applied %v", c.name, spec.Channels[0].Transform)
		}
	}
}

func TestTransformComesBeforeOffset(t *testing.T) {
	rng := pilotRand(9)
	x := make([]float64, 8000)
	for i := range x {
		x[i] = math.Expm1(3 + rng.NormFloat64()/2)
	}
	spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(1), Features: 32, Transforms: []string{"log1p"}})
	within(t, "offset", spec.Offset[0], 3, .01)
	within(t, "scale", spec.Scale[0], 2, .03)
	if len(rep.Warnings) != 1 || !warned(rep, "a Gaussian would do") {
		t.Errorf("warnings %q", rep.Warnings)
	}
}

func TestKurtosis(t *testing.T) {
	if k := kurtosis([]float64{-1, 1, -1, 1}); k != 1 {
		t.Errorf("kurtosis of two values %g", k)
	}
	if k := kurtosis([]float64{-1e300, 0, 0, 0, 0, 1e300}); k != 3 {
		t.Errorf("kurtosis of a sixth at each end %g", k)
	}
	if k := kurtosis([]float64{4, 4}); k != 0 {
		t.Errorf("kurtosis of a constant %g", k)
	}
}
