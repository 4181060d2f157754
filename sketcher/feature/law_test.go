package feature

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// radiiOf returns the lengths of a spec's frequencies in radians per standard
// unit.
func radiiOf(s *Spec) []float64 {
	d := s.Dim()
	w := Turns(s)
	r := make([]float64, s.Features)
	for j := range r {
		for _, v := range w[j*d : (j+1)*d] {
			r[j] = math.Hypot(r[j], 2*math.Pi*v)
		}
	}
	return r
}

func within(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) {
		t.Errorf("%s: %g, want %g within %g %%", what, got, want, 100*relative)
	}
}

func TestLogRadius(t *testing.T) {
	spec, rep := mustCalibrate(t, planarPilot("gmm6", 2000, 3), CalibrateOptions{Names: channelNames(2), Features: 512})
	r := radiiOf(spec)
	if slices.IsSorted(r) {
		t.Error("radii are in order, so that a part of the frequencies is not like the whole")
	}
	slices.Sort(r)
	for j, v := range r {
		// Each stratum has one; quantisation moves a radius by 1e-4.
		u := 512 * math.Log(v/rep.R0) / math.Log(rep.R1/rep.R0)
		if u < float64(j)-.1 || u > float64(j)+1.1 {
			t.Fatalf("radius %d of [%g, %g] is %g", j, rep.R0, rep.R1, v)
		}
	}
	if spec.Params["r0"] != formatParam(rep.R0) || spec.Params["r1"] != formatParam(rep.R1) || spec.Params["directions"] != "dense" {
		t.Errorf("params %v", spec.Params)
	}

	spec, rep = mustCalibrate(t, planarPilot("gmm6", 500, 3), CalibrateOptions{Names: channelNames(2), Features: 512, Radius: [2]float64{2, 2}})
	if r := radiiOf(spec); slices.Min(r) < 1.999 || slices.Max(r) > 2.001 || rep.R0 != 2 || rep.R1 != 2 {
		t.Errorf("radii [%g, %g] are not those of the options", slices.Min(r), slices.Max(r))
	}
}

func TestRadiusRangeOfGaussian(t *testing.T) {
	for _, d := range []int{1, 2, 4, 8, 40} {
		_, rep := mustCalibrate(t, gaussianPilot(10_000, d, uint64(d)), CalibrateOptions{Names: channelNames(d), Features: 32})
		within(t, "r0", rep.R0, math.Sqrt(-math.Log(.9)), .02)
		within(t, fmt.Sprintf("d=%d: r1", d), rep.R1, math.Sqrt(-math.Log(.005)), .04)
		for _, c := range rep.Curve {
			if math.Abs(c.Power-math.Exp(-c.Radius*c.Radius)) > .012 {
				t.Errorf("d=%d: curve at %v, want %g", d, c, math.Exp(-c.Radius*c.Radius))
			}
		}
	}
}

// TestRadiusRangeOfShapes holds the ranges of sets whose finest structure is
// known.
func TestRadiusRangeOfShapes(t *testing.T) {
	for name, want := range map[string][2]float64{
		"gmm6": {10, 16}, "spiral": {10, 18}, "circg": {8, 16}, "grid25": {20, 50}, "heavy": {5, 16}, "aniso": {10, 18},
	} {
		_, rep := mustCalibrate(t, planarPilot(name, 10_000, 7), CalibrateOptions{Names: channelNames(2), Features: 32})
		t.Logf("%s: [%.3g, %.3g], health %.3g", name, rep.R0, rep.R1, rep.Health)
		if rep.R0 < .25 || rep.R0 > .45 || rep.R1 < want[0] || rep.R1 > want[1] {
			t.Errorf("%s: radii [%.3g, %.3g], want r1 in %v", name, rep.R0, rep.R1, want)
		}
	}
}

func TestRadiusRangeOfFewRecords(t *testing.T) {
	for _, d := range []int{1, 2, 5} {
		for seed := range uint64(10) {
			_, rep := mustCalibrate(t, gaussianPilot(60, d, seed), CalibrateOptions{Names: channelNames(d), Features: 32})
			if rep.R0 < .2 || rep.R0 > .5 || rep.R1 < 2.2 || rep.R1 > 6 {
				t.Errorf("d=%d seed %d: radii [%g, %g] of 60 Gaussian records", d, seed, rep.R0, rep.R1)
			}
		}
	}
}

// drawn returns 4096 radii of a law fitted to a pilot.
func drawn(t *testing.T, law string, x []float64, d int) []float64 {
	t.Helper()
	p := quantised(t, x, d)
	return p.newLaw(CalibrateOptions{Law: law}, &Report{}).draw(pilotRand(1), 4096)
}

func TestCurveHasNoBias(t *testing.T) {
	// At radii from 4 on a Gaussian's curve is zero; 1/N would be 0.02.
	const n = 50
	for _, d := range []int{1, 2, 6} {
		var sum float64
		points := 0
		for seed := range uint64(100) {
			for _, c := range quantised(t, gaussianPilot(n, d, seed), d).curve() {
				if c.Radius > 4 && c.Radius < 40 {
					sum += c.Power
					points++
				}
			}
		}
		if mean := sum / float64(points); math.Abs(mean) > .002 {
			t.Errorf("d=%d: the curve ends at %g", d, mean)
		}
	}
}

func TestGaussianLaw(t *testing.T) {
	const d = 8
	radii := drawn(t, LawGaussian, gaussianPilot(2000, d, 2), d)
	// The median of a chi-square variate is d (1 - 2/(9d))^3.
	sigma := math.Sqrt(2 * d * math.Pow(1-2./(9*d), 3))
	var square float64
	for _, r := range radii {
		square += r * r / 4096 / d
	}
	within(t, "variance of a frequency", square, 1/(sigma*sigma), .05)
}

func TestMultiScaleLaw(t *testing.T) {
	const d = 8
	radii := drawn(t, LawMultiScale, gaussianPilot(2000, d, 2), d)
	sigma := math.Sqrt(2 * d * math.Pow(1-2./(9*d), 3))
	var square float64
	for _, r := range radii {
		square += r * r / 4096 / d
	}
	// The mean of 16^(2u) over u in [0, 1].
	within(t, "variance of a frequency", square, (256-1)/math.Log(256)/(sigma*sigma), .1)
}

func TestFoldedGaussianLaw(t *testing.T) {
	radii := drawn(t, LawFoldedGaussian, gaussianPilot(5000, 3, 2), 3)
	var mean, square float64
	for _, r := range radii {
		mean += r / 4096
		square += r * r / 4096
	}
	within(t, "mean radius", mean, math.Sqrt(2/math.Pi), .12)
	within(t, "mean square over squared mean", square/mean/mean, math.Pi/2, .01)
}

func TestAdaptedRadiusLaw(t *testing.T) {
	radii := drawn(t, LawAdaptedRadius, gaussianPilot(5000, 3, 2), 3)
	// Moments of the density by the midpoint rule, on another grid than the
	// quantile function's.
	var mass, first, second float64
	for i := range 100_000 {
		r := (float64(i) + .5) * 1e-4
		p := math.Sqrt(r*r+r*r*r*r/4) * math.Exp(-r*r/2)
		mass, first, second = mass+p, first+p*r, second+p*r*r
	}
	var mean, square float64
	for _, r := range radii {
		mean += r / 4096
		square += r * r / 4096
	}
	within(t, "mean radius", mean, first/mass, .12)
	within(t, "mean square over squared mean", square/mean/mean, second*mass/first/first, .01)
}

func TestEnvelopeFollowsTheScale(t *testing.T) {
	// Four narrow clusters: the envelope of their sketch has the clusters'
	// width, not the width of all.
	rng := pilotRand(8)
	x := make([]float64, 0, 10_000)
	for range 5000 {
		x = append(x, float64(4*rng.IntN(2))+.2*rng.NormFloat64(), float64(4*rng.IntN(2))+.2*rng.NormFloat64())
	}
	p := quantised(t, x, 2)
	sigma := p.envelopeSigma()
	if width := .2 / math.Sqrt(4.04); sigma > 4*width || sigma < width/2 {
		t.Errorf("sigma %g of clusters %g wide", sigma, width)
	}
}

func TestMedianDistance(t *testing.T) {
	p := &pilotSet{n: 4, d: 2, q: []int32{0, 0, 3 * Unit, 4 * Unit, 0, 0, 0, 0}}
	if got := p.medianDistance(); got != 5 { // squares 0, 0, 0, 25, 25, 25
		t.Errorf("median distance %g", got)
	}
	p = &pilotSet{n: 5, d: 2, q: []int32{0, 0, 3 * Unit, 4 * Unit, 0, 0, 0, 0, 0, 0}}
	if got := p.medianDistance(); got != math.Sqrt(10) { // four pairs of ten are 5 apart
		t.Errorf("root mean square distance %g", got)
	}
	p = &pilotSet{n: 3, d: 2, q: make([]int32, 6)}
	if got := p.medianDistance(); got != 2 {
		t.Errorf("distance of equal records %g", got)
	}
}

// quantised standardises and quantises a pilot.
func quantised(t testing.TB, x []float64, d int) *pilotSet {
	t.Helper()
	p := &pilotSet{n: len(x) / d, d: d, q: make([]int32, len(x)), seed: 1}
	for k := range d {
		column, err := column(x, d, k, "x")
		if err != nil {
			t.Fatal(err)
		}
		offset, scale := standardisation(column)
		p.quantiseColumn(column, k, offset, scale)
	}
	return p
}

// TestRadiusRangeOfOneChannelAmongMany has one channel that moves: few
// directions have much of it, so that even r0 is large.
func TestRadiusRangeOfOneChannelAmongMany(t *testing.T) {
	const d, n = 400, 300
	x := make([]float64, n*d)
	for i, v := range gaussianPilot(n, 1, 5) {
		x[i*d] = v
	}
	_, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(d), Features: 32})
	if rep.R0 < 3 || rep.R1 < 2.99*rep.R0 {
		t.Errorf("radii [%g, %g]", rep.R0, rep.R1)
	}
}
