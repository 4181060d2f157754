package feature

import (
	"math"
	"slices"
)

// The pilot's quantiles at which values are clipped before the mean and the
// standard deviation are taken.
const clipShare = 1e-3

// heavyKurtosis is the kurtosis above which a transform is tried. A Student
// distribution with five degrees of freedom and an exponential have 9.
const heavyKurtosis = 10

// minDeviation keeps the scale finite.
const minDeviation = 1e-300

// column copies column k of the pilot and refuses NaN and infinities.
func column(pilot []float64, d, k int, name string) ([]float64, error) {
	x := make([]float64, len(pilot)/d)
	for i := range x {
		x[i] = pilot[i*d+k]
		if math.IsNaN(x[i]) || math.IsInf(x[i], 0) {
			return nil, &PilotError{Row: i, Channel: name, Value: x[i]}
		}
	}
	return x, nil
}

// transformColumn applies t to x in place.
func transformColumn(x []float64, t Transform, name string) error {
	if t == Identity {
		return nil
	}
	for i, v := range x {
		y := t.Apply(v)
		if math.IsNaN(y) || math.IsInf(y, 0) {
			return &PilotError{Row: i, Channel: name, Value: v, Transform: t}
		}
		x[i] = y
	}
	return nil
}

func isConstant(x []float64) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return true
}

// standardisation returns offset and scale of a transformed column: mean and
// inverse standard deviation after clipping at the 0.1 % and 99.9 % quantiles.
//
// A constant column has offset x and scale 1/max(1e-3 |x|, 1e-6). A column
// that is constant but for the clipped values has the deviation of all values,
// at least an eighth of the largest, so that rare values stay within eight
// standard units.
func standardisation(x []float64) (offset, scale float64) {
	if isConstant(x) {
		return x[0], 1 / max(1e-3*math.Abs(x[0]), 1e-6)
	}
	y, exponent := normalised(x)
	// Deviations from one of the values are exact where the spread is small.
	origin := y[0]
	for i := range y {
		y[i] -= origin
	}
	slices.Sort(y)
	lo, hi := quantile(y, clipShare), quantile(y, 1-clipShare)
	if lo == hi {
		lo, hi = y[0], y[len(y)-1]
		mean, sd := clippedMoments(y, lo, hi)
		return restore(mean+origin, max(sd, max(hi-mean, mean-lo)/8), exponent)
	}
	mean, sd := clippedMoments(y, lo, hi)
	return restore(mean+origin, sd, exponent)
}

func restore(mean, sd float64, exponent int) (offset, scale float64) {
	return math.Ldexp(mean, exponent), 1 / max(math.Ldexp(sd, exponent), minDeviation)
}

// normalised returns x times 2^-exponent, with largest magnitude below one
// half, so that no sum or difference overflows.
func normalised(x []float64) (y []float64, exponent int) {
	var largest float64
	for _, v := range x {
		largest = max(largest, math.Abs(v))
	}
	_, exponent = math.Frexp(largest)
	exponent++
	y = make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Ldexp(v, -exponent)
	}
	return y, exponent
}

func clippedMoments(y []float64, lo, hi float64) (mean, sd float64) {
	var sum float64
	for _, v := range y {
		sum += min(max(v, lo), hi)
	}
	n := float64(len(y))
	mean = sum / n
	var squares float64
	for _, v := range y {
		e := min(max(v, lo), hi) - mean
		squares += float64(e * e)
	}
	return mean, math.Sqrt(squares / n)
}

// quantile interpolates between the order statistics of sorted values.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}

// suggestTransform returns the transform that a column's tails ask for, and
// the column's kurtosis. A transform is suggested if it at least halves a
// kurtosis above heavyKurtosis: log1p for values that are never negative,
// asinh for others.
func suggestTransform(x []float64) (Transform, float64) {
	before := kurtosis(x)
	if before <= heavyKurtosis {
		return Identity, before
	}
	t := Log1p
	if slices.Min(x) < 0 {
		t = Asinh
	}
	y := slices.Clone(x)
	if transformColumn(y, t, "") != nil || kurtosis(y) > before/2 {
		return Identity, before
	}
	return t, before
}

// kurtosis is the fourth standardised moment, 3 for a Gaussian; 0 for a
// constant.
func kurtosis(x []float64) float64 {
	if isConstant(x) {
		return 0
	}
	y, _ := normalised(x)
	origin := y[0]
	var sum, largest float64
	for i := range y {
		y[i] -= origin
		sum += y[i]
	}
	mean := sum / float64(len(y))
	for i := range y {
		y[i] -= mean
		largest = max(largest, math.Abs(y[i]))
	}
	var second, fourth float64
	for _, v := range y {
		v /= largest
		v2 := float64(v * v)
		second += v2
		fourth += float64(v2 * v2)
	}
	return fourth * float64(len(y)) / float64(second*second)
}
