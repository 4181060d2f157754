package drift

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

const (
	independent   = "independent records"
	leastRecords  = 30  // records of a sketch that is compared without panes
	leastExpected = 5.0 // expected records of a histogram cell
)

// TwoSketches compares two sketches without panes. Nothing in them shows how records
// depend on each other, so the p-value assumes independent records, and says so in
// Assumes: on a stream with memory it is too small, without bound. Five tests share it:
// the phasors (group S), the channels' means (cm), scales (cv) and histograms (no
// group), and, up to 128 channels, the correlation of each pair (C); the p-value is the
// smallest times their number, Threshold is at 1 %. An alarm names the channels that
// moved by mean, scale or histogram, and the pairs that moved by correlation.
//
// The error wraps ErrMap when the sketches are not of one bound map, and
// ErrNotEnoughHistory when one holds fewer than 30 records.
func TwoSketches(a, b *sketch.Accumulator) (Result, error) {
	m, err := mapOf([]*sketch.Accumulator{a, b})
	if err != nil {
		return Result{}, err
	}
	if n := min(a.Count(), b.Count()); n < leastRecords {
		return Result{}, fmt.Errorf("drift: a sketch of %d records cannot be compared: %d are needed: %w", n, leastRecords, ErrNotEnoughHistory)
	}
	d := a.Dim()
	res := Result{
		Threshold: -math.Log10(significance), Window: 1, EffectiveRatio: 1, Assumes: independent,
		Divergence: divergence(a, b),
	}
	shift, spread, kurt := momentTests(m.Spec(), a, b)
	shape := make([]float64, d)
	for k := range shape {
		shape[k] = homogeneity(a.Histogram(k), b.Histogram(k))
	}
	pairs := pairTests(a, b, kurt, 1)
	share, pairShare := math.Log10(float64(d)), math.Log10(float64(max(len(pairs), 1)))
	tests := []struct {
		group Group
		lp    float64
	}{
		{GroupS, phasorTest(m.Spec(), a, b)},
		{GroupCM, floats.Max(shift) - share},
		{GroupCV, floats.Max(spread) - share},
		{0, floats.Max(shape) - share},
	}
	if len(pairs) > 0 {
		tests = append(tests, struct {
			group Group
			lp    float64
		}{GroupC, floats.Max(pairs) - pairShare})
	}
	for _, t := range tests {
		if t.lp > res.Statistic {
			res.Statistic, res.Group = t.lp, t.group
		}
	}
	res.Statistic = max(0, res.Statistic-math.Log10(float64(len(tests))))
	res.PValue = math.Pow(10, -res.Statistic)
	res.Alarm = res.Statistic > res.Threshold
	if res.Alarm {
		res.name(a.Channels(), shift, spread, shape, pairs)
	}
	return res, nil
}

// name fills the channels and pairs whose -log10 p pass 5 % after Bonferroni's
// correction.
func (r *Result) name(names []string, shift, spread, shape, pairs []float64) {
	level := -math.Log10(.05 / 3 / float64(len(names)))
	for k, name := range names {
		if max(shift[k], spread[k], shape[k]) > level {
			r.Channels = append(r.Channels, name)
		}
	}
	if len(pairs) == 0 {
		return
	}
	level = -math.Log10(.05 / float64(len(pairs)))
	var at int
	for i := range names {
		for j := i + 1; j < len(names); j++ {
			if pairs[at] > level {
				r.Pairs = append(r.Pairs, [2]string{names[i], names[j]})
			}
			at++
		}
	}
}

// phasorTest returns -log10 p of
//
//	Q = sum |zA - zB|² / ((1/NA + 1/NB) sum (1 - |z|²)),
//
// whose mean is 1 for independent records of one law, z their merged sketch. Its degrees
// of freedom are tr(C)²/tr(C²): the pilot's leading eigenvalues are the inverse squared
// norms of the stored components, and the rest of the trace is spread evenly.
func phasorTest(s *feature.Spec, a, b *sketch.Accumulator) float64 {
	za, zb := a.Phasor(nil), b.Phasor(nil)
	na, nb := float64(a.Count()), float64(b.Count())
	var distance, trace float64
	for j := range za {
		d := za[j] - zb[j]
		z := (za[j]*complex(na, 0) + zb[j]*complex(nb, 0)) / complex(na+nb, 0)
		distance += real(d)*real(d) + imag(d)*imag(d)
		trace += max(0, 1-real(z)*real(z)-imag(z)*imag(z))
	}
	if trace == 0 {
		return 0
	}
	features := 2 * s.Features
	k := len(s.Components) / features
	var lead, square float64
	for j := range k {
		var norm float64
		for i := range features {
			v := float64(s.Components[i*k+j])
			norm += v * v
		}
		if norm > 0 {
			lead += 1 / norm
			square += 1 / (norm * norm)
		}
	}
	if rest := trace - lead; rest > 0 {
		square += rest * rest / float64(max(features-k, 1))
	} else {
		square *= trace * trace / (lead * lead)
	}
	// The unbiased trace: the merged sketch lies nearer to both than their law does.
	trace *= (na + nb) / (na + nb - 1)
	return wilsonHilferty(distance/((1/na+1/nb)*trace), trace*trace/square)
}

// momentTests returns -log10 p, by channel, that means and that scales are alike, and
// the kurtosis. A scale's error needs the fourth moment, which the histogram gives.
func momentTests(s *feature.Spec, a, b *sketch.Accumulator) (shift, spread, kurt []float64) {
	d := a.Dim()
	ma, mb := a.Mean(nil), b.Mean(nil)
	ca, cb := a.Covariance(nil), b.Covariance(nil)
	na, nb := float64(a.Count()), float64(b.Count())
	shift, spread, kurt = make([]float64, d), make([]float64, d), make([]float64, d)
	for k := range d {
		va, vb := ca[k*d+k]*na/(na-1), cb[k*d+k]*nb/(nb-1)
		shift[k] = twoSided(ma[k]-mb[k], va/na+vb/nb)
		pooled := (na*va + nb*vb) / (na + nb)
		if va <= dead || vb <= dead {
			spread[k] = twoSided(va-vb, 0)
			if va <= dead && vb <= dead {
				spread[k] = 0
			}
			continue
		}
		kurt[k] = kurtosis(s, k, a, b, ma[k], mb[k], pooled)
		spread[k] = twoSided(math.Log(va/vb), (kurt[k]-1)*(1/na+1/nb))
	}
	return shift, spread, kurt
}

// pairTests returns -log10 p, by pair of channels, that correlations are alike, by
// Fisher's z = atanh r, of which the variance under an elliptical law of kurtosis kappa is
// (kappa/3)/(N - 3), at least the normal law's; nil above 128 channels. A pair with a
// channel that never moved in one of the sketches tests nothing: the scales see it.
// ratio is that of effective over nominal records.
func pairTests(a, b *sketch.Accumulator, kurt []float64, ratio float64) []float64 {
	d := a.Dim()
	if d < 2 || d > maxChannels {
		return nil
	}
	ca, cb := a.Covariance(nil), b.Covariance(nil)
	error2 := 1/float64(a.Count()-3) + 1/float64(b.Count()-3)
	lp := make([]float64, 0, d*(d-1)/2)
	for i := range d {
		for j := i + 1; j < d; j++ {
			if kurt[i] == 0 || kurt[j] == 0 {
				lp = append(lp, 0)
				continue
			}
			z := fisherZ(ca[i*d+j], ca[i*d+i], ca[j*d+j]) - fisherZ(cb[i*d+j], cb[i*d+i], cb[j*d+j])
			lp = append(lp, twoSided(z, error2/ratio*max(1, (kurt[i]+kurt[j])/6)))
		}
	}
	return lp
}

// fisherZ returns atanh of a correlation, which is kept off ±1 by the moments' grid.
func fisherZ(covariance, v, w float64) float64 {
	const most = 1 - 1e-6
	return math.Atanh(max(-most, min(most, covariance/math.Sqrt(v*w))))
}

// twoSided returns -log10 of the two-sided p-value of a normal difference.
func twoSided(difference, variance float64) float64 {
	if difference == 0 {
		return 0
	}
	if variance <= 0 {
		return maxLog10
	}
	return max(0, normalTail(math.Abs(difference)/math.Sqrt(variance))-math.Log10(2))
}

// kurtosis returns the fourth central moment over the squared variance of both sketches'
// records about their own means, from the bins' values; at least 1.5, so that a channel
// of two values keeps an error.
func kurtosis(s *feature.Spec, k int, a, b *sketch.Accumulator, ma, mb, variance float64) float64 {
	values := s.Values[k*feature.Bins : (k+1)*feature.Bins]
	var four float64
	for i, v := range values {
		x := float64(v) / feature.Unit
		da, db := (x-ma)*(x-ma), (x-mb)*(x-mb)
		four += float64(a.Histogram(k)[i])*da*da + float64(b.Histogram(k)[i])*db*db
	}
	return max(1.5, four/float64(a.Count()+b.Count())/(variance*variance))
}

// homogeneity returns -log10 p of Pearson's chi-squared test that two histograms are of
// one law, on neighbouring bins merged until each side expects leastExpected records.
func homogeneity(p, q []int64) float64 {
	var np, nq float64
	for i := range p {
		np += float64(p[i])
		nq += float64(q[i])
	}
	type cell struct{ x, y float64 }
	var cells []cell
	var c cell
	least := leastExpected * (np + nq) / min(np, nq)
	for i := range p {
		c.x += float64(p[i])
		c.y += float64(q[i])
		if c.x+c.y >= least {
			cells, c = append(cells, c), cell{}
		}
	}
	if n := len(cells); n > 0 {
		cells[n-1].x += c.x
		cells[n-1].y += c.y
	}
	if len(cells) < 2 {
		return 0
	}
	var chi float64
	for _, c := range cells {
		e := c.x*nq - c.y*np
		chi += e * e / (np * nq * (c.x + c.y))
	}
	free := float64(len(cells) - 1)
	return wilsonHilferty(chi/free, free)
}
