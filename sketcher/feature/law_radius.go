package feature

import (
	"fmt"
	"math"
)

// CurvePoint is one point of the pilot curve: the mean of |phi(R u)|^2 over
// directions u, without what the finite pilot adds to it.
type CurvePoint struct {
	Radius float64 // radians per standard unit
	Power  float64
}

// The pilot curve runs over curveOctaves octaves from curveStart.
const (
	curveStart   = 0.01
	curveOctaves = 15
	curveRows    = 20_000
)

// curveGrid returns how many radii an octave has, how many directions a radius
// has, and the least level that stands out of the noise of the curve, times N.
// A line has one direction only, so that its curve needs more radii.
func curveGrid(d int) (perOctave, directions int, noise float64) {
	if d == 1 {
		return 24, 12, 12
	}
	return 3, 100, 4
}

// The levels of the curve that end the range of radii, and the largest radius
// for smooth data in few dimensions and for other data.
const (
	lowLevel     = 0.9
	highLevel    = 0.005
	smoothRadius = 50
	lumpyRadius  = 6
	minSpan      = 3 // r1/r0
)

// radiusRange reads [r0, r1] from the pilot curve: r0 where it first falls
// below 0.9, r1 where it last falls below 0.005, up to the cap.
func (p *pilotSet) radiusRange(rep *Report) (r0, r1 float64) {
	// The standard Gaussian's curve is exp(-R^2).
	r0, r1 = math.Sqrt(-math.Log(lowLevel)), math.Sqrt(-math.Log(highLevel))
	rep.Curve = p.curve()
	first := 0
	for first < len(rep.Curve) && rep.Curve[first].Power >= lowLevel {
		first++
	}
	switch first {
	case len(rep.Curve):
		rep.warn("The pilot shows no spread from which to read the radii of the frequencies, so those of a standard Gaussian, [%.2g, %.2g], were used: calibrate again when the channels move.", r0, r1)
		return r0, r1
	case 0:
		r0 = rep.Curve[0].Radius
	default:
		r0 = crossing(rep.Curve[first-1], rep.Curve[first], lowLevel)
	}

	_, _, noise := curveGrid(p.d)
	level := max(highLevel, min(noise/float64(p.n), lowLevel/2))
	smallest := 0.0
	if level > highLevel {
		// The noise of so few records hides the end of the curve.
		smallest = r1
	}
	limit := float64(smoothRadius)
	if p.lumpy || p.d > 4 {
		limit = lumpyRadius
	}
	// Beyond the cap a curve may rise again, where waves fit the steps of
	// rounded values.
	last := len(rep.Curve) - 2
	for last > 0 && (rep.Curve[last].Radius > limit || rep.Curve[last].Power < level) {
		last--
	}
	r1 = crossing(rep.Curve[last], rep.Curve[last+1], level)
	r0 = min(r0, maxRadius/minSpan)
	return r0, max(min(max(r1, smallest), limit), minSpan*r0)
}

// crossing interpolates the radius at which the curve falls from a to below
// the level at b. It is exact for exp(-c R^k).
func crossing(a, b CurvePoint, level float64) float64 {
	depth := func(v float64) float64 { return math.Log(-math.Log(min(max(v, level/100), 1-1e-12))) }
	top, bottom := depth(a.Power), depth(b.Power)
	if !(bottom > top) {
		return b.Radius
	}
	t := min(max((depth(level)-top)/(bottom-top), 0), 1)
	return a.Radius * math.Exp(t*math.Log(b.Radius/a.Radius))
}

// curve measures the pilot curve. The phasor at twice the radius is the square
// of that at the radius, so that sines and cosines are taken in the lowest
// octave only.
func (p *pilotSet) curve() []CurvePoint {
	perOctave, count, _ := curveGrid(p.d)
	curve := make([]CurvePoint, curveOctaves*perOctave)
	for i := range curve {
		curve[i].Radius = curveStart * math.Exp2(float64(i)/float64(perOctave))
	}
	rows := p.subset(curveRows)
	n := float64(len(rows))
	if n == 1 {
		for i := range curve {
			curve[i].Power = 1
		}
		return curve
	}
	directions := p.curveDirections(perOctave, count)
	along := make([]float64, len(rows))
	for u := range count {
		u := directions[u*p.d : (u+1)*p.d]
		for i, row := range rows {
			var t float64
			for k, q := range p.row(row) {
				t += float64(float64(q) * u[k])
			}
			along[i] = t / Unit
		}
		for start := range perOctave {
			var sumC, sumS [curveOctaves]float64
			radius := curve[start].Radius
			for _, t := range along {
				s, c := math.Sincos(radius * t)
				for o := range sumC {
					sumC[o] += c
					sumS[o] += s
					c, s = float64(c*c)-float64(s*s), 2*c*s
				}
			}
			for o := range sumC {
				power := (float64(sumC[o]*sumC[o]) + float64(sumS[o]*sumS[o])) / (n * n)
				curve[o*perOctave+start].Power += (power - 1/n) / (1 - 1/n) / float64(count)
			}
		}
	}
	return curve
}

// curveDirections returns the directions of the curve. On a line they differ in
// length instead, over the distance of two radii: the mean over them smooths the
// curve a little, as directions do elsewhere.
func (p *pilotSet) curveDirections(perOctave, count int) []float64 {
	if p.d > 1 {
		return sphere(p.rand(streamCurve), count, p.d)
	}
	u := make([]float64, count)
	for j := range u {
		u[j] = math.Exp2(((float64(j)+0.5)/float64(count) - 0.5) / float64(perOctave))
	}
	return u
}

// String gives the point as "radius: power".
func (c CurvePoint) String() string { return fmt.Sprintf("%.4g: %.4g", c.Radius, c.Power) }
