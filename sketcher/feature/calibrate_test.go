package feature

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustCalibrate(t testing.TB, pilot []float64, opt CalibrateOptions) (*Spec, *Report) {
	t.Helper()
	spec, rep, err := Calibrate(pilot, opt)
	if err != nil {
		t.Fatal(err)
	}
	return spec, rep
}

func encoded(t testing.TB, s *Spec) []byte {
	t.Helper()
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func warned(r *Report, part string) bool {
	return slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, part) })
}

func TestCalibrateGaussian(t *testing.T) {
	for _, c := range []struct{ d, features int }{{1, 1024}, {8, 1024}, {9, 2048}, {17, 4096}} {
		spec, rep := mustCalibrate(t, gaussianPilot(1200, c.d, 5), CalibrateOptions{Names: channelNames(c.d), Seed: 3})
		if spec.Features != c.features || spec.Dim() != c.d || spec.Pilot != 1200 || spec.Seed != 3 || spec.Law != LawLogRadius {
			t.Errorf("d=%d: m=%d, dim %d, pilot %d, seed %d, law %q", c.d, spec.Features, spec.Dim(), spec.Pilot, spec.Seed, spec.Law)
		}
		if rep.Health > 3 || rep.Health <= 0 || !warned(rep, "a Gaussian would do") {
			t.Errorf("d=%d: health %g of a Gaussian, warnings %q", c.d, rep.Health, rep.Warnings)
		}
		for k, ch := range rep.Channels {
			if ch.Kind != Continuous || ch.Transform != Identity || ch.Suggested != Identity || math.Abs(ch.Kurtosis-3) > 1 {
				t.Errorf("d=%d: channel %d: %+v", c.d, k, ch)
			}
		}
		if len(rep.Warnings) != 1 {
			t.Errorf("d=%d: warnings %q", c.d, rep.Warnings)
		}
	}
}

func TestCalibrateStructureIsHealthy(t *testing.T) {
	_, rep := mustCalibrate(t, mixturePilot(5000, 8, 4, 1), CalibrateOptions{Names: channelNames(8)})
	if rep.Health < 50 || len(rep.Warnings) != 0 {
		t.Errorf("health %g, warnings %q", rep.Health, rep.Warnings)
	}
}

func TestCalibrateDeterminism(t *testing.T) {
	x := mixturePilot(2000, 3, 4, 9)
	for _, law := range Laws() {
		for _, directions := range []string{"dense", "selected"} {
			opt := CalibrateOptions{Names: channelNames(3), Features: 96, Law: law, Directions: directions, Seed: 11}
			before := slices.Clone(x)
			a, _ := mustCalibrate(t, x, opt)
			b, _ := mustCalibrate(t, x, opt)
			if !bytes.Equal(encoded(t, a), encoded(t, b)) {
				t.Errorf("%s, %s: two calibrations differ", law, directions)
			}
			if !slices.Equal(before, x) {
				t.Fatalf("%s, %s: the pilot was changed", law, directions)
			}
			opt.Seed++
			c, _ := mustCalibrate(t, x, opt)
			if slices.Equal(a.Omega, c.Omega) {
				t.Errorf("%s, %s: another seed gives the same frequencies", law, directions)
			}
			if !slices.Equal(a.Edges, c.Edges) || !slices.Equal(a.Rotation, c.Rotation) {
				t.Errorf("%s, %s: edges or rotation depend on the seed", law, directions)
			}
			if back, err := DecodeSpec(encoded(t, a)); err != nil || back.Fingerprint() != a.Fingerprint() {
				t.Errorf("%s, %s: decoded spec: %v", law, directions, err)
			}
		}
	}
}

func TestCalibrateRefusesOptions(t *testing.T) {
	ok := []float64{1, 2, 3, 4}
	for name, c := range map[string]struct {
		pilot []float64
		opt   CalibrateOptions
		says  string
	}{
		"no names":        {ok, CalibrateOptions{}, "no channel"},
		"no records":      {nil, CalibrateOptions{Names: channelNames(2)}, "no records"},
		"part of a row":   {ok, CalibrateOptions{Names: channelNames(3)}, "whole records"},
		"features":        {ok, CalibrateOptions{Names: channelNames(2), Features: 100}, "multiple of 32"},
		"few transforms":  {ok, CalibrateOptions{Names: channelNames(2), Transforms: []string{"auto"}}, "1 transforms for 2"},
		"transform":       {ok, CalibrateOptions{Names: channelNames(2), Transforms: []string{"", "log"}}, `unknown transform "log"`},
		"law":             {ok, CalibrateOptions{Names: channelNames(2), Law: "cauchy"}, "log-radius, gaussian"},
		"directions":      {ok, CalibrateOptions{Names: channelNames(2), Directions: "up"}, "dense or selected"},
		"radius order":    {ok, CalibrateOptions{Names: channelNames(2), Radius: [2]float64{2, 1}}, "radius range"},
		"radius NaN":      {ok, CalibrateOptions{Names: channelNames(2), Radius: [2]float64{math.NaN(), 1}}, "radius range"},
		"radius of a law": {ok, CalibrateOptions{Names: channelNames(2), Radius: [2]float64{1, 2}, Law: LawGaussian}, "no radius range"},
	} {
		spec, rep, err := Calibrate(c.pilot, c.opt)
		if !errors.Is(err, ErrCalibrate) || spec != nil || rep != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := Calibrate(ok, CalibrateOptions{Names: []string{"a", "a"}}); !errors.Is(err, ErrSpec) {
		t.Errorf("equal names: %v", err)
	}
}

func TestCalibrateRefusesValues(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		x := gaussianPilot(20, 3, 1)
		x[7*3+2] = bad
		_, _, err := Calibrate(x, CalibrateOptions{Names: channelNames(3)})
		var e *PilotError
		if !errors.As(err, &e) || !errors.Is(err, ErrCalibrate) || e.Row != 7 || e.Channel != "c2" || e.Transform != Identity {
			t.Errorf("%g: %v", bad, err)
		}
	}
	x := []float64{0, 1, 2, -1.5, 3}
	_, _, err := Calibrate(x, CalibrateOptions{Names: channelNames(1), Transforms: []string{"log1p"}})
	var e *PilotError
	if !errors.As(err, &e) || e.Row != 3 || e.Value != -1.5 || e.Transform != Log1p || !strings.Contains(err.Error(), "asinh") {
		t.Errorf("log1p of -1.5: %v", err)
	}
}

func TestCalibrateTinyPilots(t *testing.T) {
	for _, d := range []int{1, 2, 40} {
		for _, n := range []int{1, 2, 3, 5, 30, 49} {
			spec, rep := mustCalibrate(t, gaussianPilot(n, d, uint64(n)), CalibrateOptions{Names: channelNames(d), Features: 64})
			if !warned(rep, "The pilot has only") {
				t.Errorf("n=%d d=%d: warnings %q", n, d, rep.Warnings)
			}
			if n < recordsPerComponent != (len(spec.Components) == 0) || rep.R1 < 2.9*rep.R0 || rep.R0 < 0.1 {
				t.Errorf("n=%d d=%d: %d components, radii [%g, %g]", n, d, rep.Components, rep.R0, rep.R1)
			}
		}
	}
}

func TestCalibrateConstant(t *testing.T) {
	x := make([]float64, 0, 300)
	for range 100 {
		x = append(x, 0, -4000, 1e-3)
	}
	spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(3), Features: 64})
	if want := []float64{1e6, 0.25, 1e6}; !slices.Equal(spec.Scale, want) || !slices.Equal(spec.Offset, x[:3]) {
		t.Errorf("scale %v, offset %v", spec.Scale, spec.Offset)
	}
	m, err := NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	q := make([]int32, 3)
	m.Quantise(q, []float64{0, -4001, 1e-3 + 1e-6})
	if q[0] != 0 || q[1] != -Unit/4 || q[2] < Unit-1 || q[2] > Unit+1 {
		t.Errorf("a channel that wakes up is at %v", q)
	}
	for k, c := range rep.Channels {
		if c.Kind != Quiet || spec.Channels[k].Kind != Quiet || c.Distinct != 1 || c.Atoms != 1 || spec.Values[k*Bins+4] != 0 {
			t.Errorf("channel %d: %+v", k, c)
		}
	}
	if rep.Rotations != 0 || rep.Components != 0 || rep.Health != 0 || warned(rep, "a Gaussian would do") || !warned(rep, `"c2" had one value`) {
		t.Errorf("report %+v", rep)
	}
}

func TestCalibrateTwoValues(t *testing.T) {
	x := make([]float64, 2000)
	rng := pilotRand(1)
	for i := range x {
		x[i] = float64(10 + 5*rng.IntN(2))
	}
	spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(1)})
	if c := rep.Channels[0]; c.Kind != Discrete || c.Distinct != 2 || c.Atoms != 2 {
		t.Errorf("%+v", c)
	}
	if rep.R1 != lumpyRadius || math.Abs(rep.R0-math.Acos(math.Sqrt(.9))) > .02 {
		t.Errorf("radii [%g, %g]: the curve is cos^2 R", rep.R0, rep.R1)
	}
	if rep.Components != 1 {
		t.Errorf("%d components of two values", rep.Components)
	}
	m, err := NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	back, q := make([]float64, 1), make([]int32, 1)
	for _, v := range []float64{10, 15} {
		m.Quantise(q, []float64{v})
		if b := m.bins[0].bin(q[0]); spec.Values[b] != q[0] {
			t.Errorf("%g: bin %d holds %d, not %d", v, b, spec.Values[b], q[0])
		}
		if m.Dequantise(back, q); math.Abs(back[0]-v) > 1e-4 {
			t.Errorf("%g comes back as %g", v, back[0])
		}
	}
}

func TestCalibrateManyChannels(t *testing.T) {
	spec, rep := mustCalibrate(t, mixturePilot(1200, 130, 3, 2), CalibrateOptions{Names: channelNames(130), Features: 256})
	if rep.R1 > lumpyRadius || rep.Rotations != 48 || rep.Components != 32 || len(spec.Edges) != 130*(Bins+1) {
		t.Errorf("radii [%g, %g], %d rotations, %d components", rep.R0, rep.R1, rep.Rotations, rep.Components)
	}
}

func TestCalibrateVeryManyChannels(t *testing.T) {
	spec, rep := mustCalibrate(t, gaussianPilot(60, widest+1, 2), CalibrateOptions{Names: channelNames(widest + 1), Features: 32})
	if len(spec.Rotation) != 0 || rep.Components != 12 || !warned(rep, "no drift rotation") || rep.Health > 3 {
		t.Errorf("%d rotations, %d components, health %g, warnings %q", rep.Rotations, rep.Components, rep.Health, rep.Warnings)
	}
}

func TestCalibrateOnAnyNumberOfProcessors(t *testing.T) {
	x := mixturePilot(400, 130, 3, 2)
	opt := CalibrateOptions{Names: channelNames(130), Features: 32}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, _ := mustCalibrate(t, x, opt)
	runtime.GOMAXPROCS(4)
	four, _ := mustCalibrate(t, x, opt)
	if !bytes.Equal(encoded(t, one), encoded(t, four)) {
		t.Error("the spec depends on the number of processors")
	}
}

// TestCalibrateAnyPilot draws pilots of every magnitude and shape.
func TestCalibrateAnyPilot(t *testing.T) {
	special := []float64{0, 1, -1, 1e300, -1e300, 1e-300, -1e-300, 5e-324, math.MaxFloat64, -math.MaxFloat64, 1e9, math.Nextafter(1e9, 2e9)}
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.IntRange(1, 5).Draw(t, "d")
		n := rapid.IntRange(1, 120).Draw(t, "n")
		rng := pilotRand(rapid.Uint64().Draw(t, "seed"))
		x := make([]float64, n*d)
		for k := range d {
			kind := rapid.IntRange(0, 6).Draw(t, "kind")
			scale := special[rapid.IntRange(1, len(special)-3).Draw(t, "scale")]
			for i := range n {
				v := rng.NormFloat64()
				switch kind {
				case 0:
					v = special[rng.IntN(len(special))]
				case 1:
					v = scale
				case 2:
					v = float64(rng.IntN(5))
				case 3:
					v = math.Pow(10, 300*(2*rng.Float64()-1))
				case 4:
					v = 1e12 + v/16
				default:
					if v *= scale; math.IsInf(v, 0) {
						v = scale
					}
				}
				x[i*d+k] = v
			}
		}
		opt := CalibrateOptions{Names: channelNames(d), Features: 32, Seed: 4}
		opt.Law = rapid.SampledFrom(Laws()).Draw(t, "law")
		opt.Directions = rapid.SampledFrom([]string{"dense", "selected"}).Draw(t, "directions")
		if name := rapid.SampledFrom([]string{"", "auto", "asinh"}).Draw(t, "transform"); name != "" {
			opt.Transforms = slices.Repeat([]string{name}, d)
		}
		spec, rep, err := Calibrate(x, opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := spec.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, v := range []float64{rep.R0, rep.R1, rep.Health} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("report %+v", rep)
			}
		}
		m, err := NewMap(spec)
		if err != nil {
			t.Fatal(err)
		}
		p := &pilotSet{n: n, d: d, q: make([]int32, n*d)}
		for i := range n {
			if !m.Quantise(p.q[i*d:(i+1)*d], x[i*d:(i+1)*d]) {
				t.Fatalf("row %d of the pilot is refused by its own map", i)
			}
		}
		for k, c := range spec.Channels {
			lo, hi := p.q[k], p.q[k]
			for i := range n {
				lo, hi = min(lo, p.q[i*d+k]), max(hi, p.q[i*d+k])
			}
			if c.Kind != Quiet && lo == hi {
				t.Fatalf("%v channel %d does not move", c.Kind, k)
			}
			if c.Kind == Quiet && (lo != 0 || hi != 0) {
				t.Fatalf("quiet channel %d is at %d to %d", k, lo, hi)
			}
		}
	})
}
