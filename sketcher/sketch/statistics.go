package sketch

import (
	"math"
	"math/big"
	"slices"

	"phasor/sketcher/feature"
)

// Count returns the number of records, N.
func (a *Accumulator) Count() int64 { return a.count }

// Dim returns the number of channels, d.
func (a *Accumulator) Dim() int { return len(a.channels) }

// Features returns the number of frequencies, m.
func (a *Accumulator) Features() int { return a.features }

// Fingerprint returns the fingerprint of the map.
func (a *Accumulator) Fingerprint() string { return a.fingerprint }

// Channels returns the names of the channels, which must not be changed.
func (a *Accumulator) Channels() []string { return a.channels }

// Map returns the map, or nil if a was read and not bound.
func (a *Accumulator) Map() *feature.Map { return a.m }

// Phasor writes the m elements of the sketch to dst, which is grown if it is
// shorter, and returns it:
//
//	z_j = 1 - A_j/(N 2^22) + i B_j/(N 2^22)
//
// They are zero if there are no records.
func (a *Accumulator) Phasor(dst []complex128) []complex128 {
	dst = resize(dst, a.features)
	if a.count == 0 {
		return dst
	}
	unit := math.Ldexp(float64(a.count), 22)
	for j := range dst {
		dst[j] = complex(1-float64(a.sum(j).float()/unit), a.sum(a.indexB()+j).float()/unit)
	}
	return dst
}

// Mean writes the d means in standard units to dst, which is grown if it is
// shorter, and returns it. They are zero if there are no records.
func (a *Accumulator) Mean(dst []float64) []float64 {
	dst = resize(dst, a.Dim())
	if a.count == 0 {
		return dst
	}
	for k := range dst {
		dst[k] = a.sum(a.indexMoment1()+k).float() / float64(a.count) / feature.GridV
	}
	return dst
}

// Covariance writes the d*d covariances (over N, not N-1) in squared standard
// units to dst, which is grown if it is shorter, and returns it. For d > 128 only
// the diagonal is known and the rest is zero. All are zero if there are no
// records.
func (a *Accumulator) Covariance(dst []float64) []float64 {
	d := a.Dim()
	dst = resize(dst, d*d)
	if a.count == 0 {
		return dst
	}
	i := a.indexMoment2()
	for k := range d {
		last := d
		if d > feature.WideDim {
			last = k + 1
		}
		for l := k; l < last; l++ {
			c := a.covariance(i, k, l)
			dst[k*d+l], dst[l*d+k] = c, c
			i++
		}
	}
	return dst
}

// covariance returns (N S_kl - S_k S_l)/N^2, with the numerator exact, where sum i
// is S_kl.
func (a *Accumulator) covariance(i, k, l int) float64 {
	n := float64(a.count)
	const unit = feature.GridV * feature.GridV
	sk, sl := a.indexMoment1()+k, a.indexMoment1()+l
	if a.high == nil {
		numerator := times(a.count, a.low[i]).minus(times(a.low[sk], a.low[sl]))
		return numerator.float() / n / n / unit
	}
	numerator := new(big.Int).Mul(big.NewInt(a.count), a.sum(i).int())
	numerator.Sub(numerator, new(big.Int).Mul(a.sum(sk).int(), a.sum(sl).int()))
	f, _ := new(big.Float).SetInt(numerator).Float64()
	return f / n / n / unit
}

// Range returns the extremes of channel k in standard units, or +Inf and -Inf if
// there are no records.
func (a *Accumulator) Range(k int) (lo, hi float64) {
	if a.count == 0 {
		return math.Inf(1), math.Inf(-1)
	}
	return float64(a.sums.Min[k]) / feature.Unit, float64(a.sums.Max[k]) / feature.Unit
}

// Histogram returns the records in each bin of channel k. The slice is a's own
// and must not be changed.
func (a *Accumulator) Histogram(k int) []int64 {
	return a.sums.Histogram[k*feature.Bins : (k+1)*feature.Bins : (k+1)*feature.Bins]
}

// Clamped returns the number of values of channel k that were cut at the ends of
// the range that can be quantised.
func (a *Accumulator) Clamped(k int) int64 { return a.sums.Clamped[k] }

// resize returns dst with n elements, all zero.
func resize[T any](dst []T, n int) []T {
	dst = slices.Grow(dst[:0], n)[:n]
	clear(dst)
	return dst
}
