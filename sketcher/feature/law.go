package feature

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// The frequency laws. A frequency is omega = R u / (2 pi): R is drawn by the
// law, u by the directions. All radii are in radians per standard unit.
const (
	// LawLogRadius has R log-uniform on [r0, r1], both read from the pilot.
	LawLogRadius = "log-radius"
	// LawGaussian has omega normal with standard deviation 1/sigma, sigma the
	// median distance of two pilot records (the median heuristic).
	LawGaussian = "gaussian"
	// LawFoldedGaussian has R half-normal with standard deviation 1/sigma,
	// sigma fitted to the envelope of the pilot's sketch.
	LawFoldedGaussian = "folded-gaussian"
	// LawAdaptedRadius has R sigma of density proportional to
	// sqrt(R^2 + R^4/4) exp(-R^2/2), where a change of a Gaussian's mean or
	// variance changes its sketch most; sigma as for the folded Gaussian.
	// Keriven, Bourrier, Gribonval, Perez, Sketching for large-scale learning
	// of mixture models (2018), section 3.3.
	LawAdaptedRadius = "adapted-radius"
	// LawMultiScale has omega normal with standard deviation 1/sigma, sigma
	// log-uniform between a sixteenth of the median distance and all of it.
	LawMultiScale = "multi-scale"
)

// Laws returns the names of the frequency laws, the default first.
func Laws() []string {
	return []string{LawLogRadius, LawGaussian, LawFoldedGaussian, LawAdaptedRadius, LawMultiScale}
}

// radialLaw draws the radii of frequencies.
type radialLaw struct {
	name   string
	params map[string]string
	draw   func(rng *rand.Rand, m int) []float64
}

// newLaw fits the law that the options name to the pilot.
func (p *pilotSet) newLaw(opt CalibrateOptions, rep *Report) radialLaw {
	law := radialLaw{name: opt.law(), params: map[string]string{}}
	switch law.name {
	case LawGaussian:
		sigma := p.medianDistance()
		law.params["sigma"] = formatParam(sigma)
		law.draw = func(rng *rand.Rand, m int) []float64 {
			return chiRadii(rng, m, p.d, func(int) float64 { return sigma })
		}
	case LawMultiScale:
		const octaves = 4
		sigma := p.medianDistance()
		law.params["sigma"] = formatParam(sigma)
		law.params["scales"] = strconv.Itoa(1 << octaves)
		law.draw = func(rng *rand.Rand, m int) []float64 {
			u := stratified(rng, m)
			return chiRadii(rng, m, p.d, func(j int) float64 { return sigma * math.Exp2(-octaves*u[j]) })
		}
	case LawFoldedGaussian, LawAdaptedRadius:
		inverse := halfNormalRadius
		if law.name == LawAdaptedRadius {
			inverse = adaptedRadius()
		}
		sigma := p.envelopeSigma()
		law.params["sigma"] = formatParam(sigma)
		law.draw = func(rng *rand.Rand, m int) []float64 {
			r := stratified(rng, m)
			for j, u := range r {
				r[j] = inverse(u) / sigma
			}
			return r
		}
	default:
		r0, r1 := opt.Radius[0], opt.Radius[1]
		if opt.Radius == [2]float64{} {
			r0, r1 = p.radiusRange(rep)
		}
		rep.R0, rep.R1 = r0, r1
		law.params["r0"], law.params["r1"] = formatParam(r0), formatParam(r1)
		span := math.Log(r1 / r0)
		law.draw = func(rng *rand.Rand, m int) []float64 {
			r := stratified(rng, m)
			for j, u := range r {
				r[j] = r0 * math.Exp(u*span)
			}
			return r
		}
	}
	return law
}

// stratified returns one uniform number in each m-th of [0, 1), in random
// order, so that any subset of the frequencies has radii of all sizes.
func stratified(rng *rand.Rand, m int) []float64 {
	u := make([]float64, m)
	for j := range u {
		u[j] = (float64(j) + rng.Float64()) / float64(m)
	}
	rng.Shuffle(m, func(i, j int) { u[i], u[j] = u[j], u[i] })
	return u
}

// chiRadii returns the lengths of m normal vectors in d dimensions, the j-th
// with standard deviation 1/sigma(j).
func chiRadii(rng *rand.Rand, m, d int, sigma func(j int) float64) []float64 {
	r := make([]float64, m)
	for j := range r {
		var s float64
		for range d {
			g := rng.NormFloat64()
			s += float64(g * g)
		}
		r[j] = math.Sqrt(s) / sigma(j)
	}
	return r
}

// halfNormalRadius is the quantile function of |g|, g standard normal.
func halfNormalRadius(u float64) float64 { return math.Sqrt2 * math.Erfinv(u) }

// adaptedRadius returns the quantile function of the adapted radius, tabulated
// and interpolated.
func adaptedRadius() func(u float64) float64 {
	const points, top = 4000, 6.0
	cdf := make([]float64, points)
	step := top / (points - 1)
	density := func(r float64) float64 {
		r2 := float64(r * r)
		return math.Sqrt(r2+float64(r2*r2)/4) * math.Exp(-r2/2)
	}
	for i := 1; i < points; i++ {
		r := float64(i) * step
		cdf[i] = cdf[i-1] + density(r-step) + 4*density(r-step/2) + density(r)
	}
	total := cdf[points-1]
	return func(u float64) float64 {
		u *= total
		lo, hi := 0, points-1
		for hi-lo > 1 {
			if mid := (lo + hi) / 2; cdf[mid] <= u {
				lo = mid
			} else {
				hi = mid
			}
		}
		return (float64(lo) + (u-cdf[lo])/(cdf[hi]-cdf[lo])) * step
	}
}
