package sketch

import (
	"fmt"
	"math"
	"math/big"

	"phasor/sketcher/feature"
)

// check reports why no multiset of records has the numbers of a. The bounds of
// the sums were checked when they were loaded.
func (a *Accumulator) check() error {
	for k, name := range a.channels {
		if err := a.checkCounts(k); err != nil {
			return fmt.Errorf("%w: channel %q of %d records: %w", ErrInvalid, name, a.count, err)
		}
		if a.count == 0 {
			continue
		}
		if err := a.checkMoments(k); err != nil {
			return fmt.Errorf("%w: channel %q of %d records: %w", ErrInvalid, name, a.count, err)
		}
	}
	return a.checkPhasors()
}

func (a *Accumulator) checkCounts(k int) error {
	left := a.count
	for b, n := range a.Histogram(k) {
		if n < 0 || n > left {
			return fmt.Errorf("bin %d of the histogram holds %d, with %d records left", b, n, left)
		}
		left -= n
	}
	if left != 0 {
		return fmt.Errorf("the histogram lacks %d records", left)
	}
	lo, hi, clamped := a.sums.Min[k], a.sums.Max[k], a.sums.Clamped[k]
	if a.count == 0 {
		if lo != math.MaxInt32 || hi != math.MinInt32 || clamped != 0 {
			return fmt.Errorf("min %d, max %d, clamped %d", lo, hi, clamped)
		}
		return nil
	}
	if lo > hi || lo < -feature.Limit || hi > feature.Limit {
		return fmt.Errorf("min %d, max %d: want -%d <= min <= max <= %d", lo, hi, feature.Limit, feature.Limit)
	}
	if touches := lo == -feature.Limit || hi == feature.Limit; clamped < 0 || clamped > a.count || touches != (clamped > 0) {
		return fmt.Errorf("%d values clamped, with min %d and max %d", clamped, lo, hi)
	}
	return nil
}

func (a *Accumulator) checkMoments(k int) error {
	s := a.sum(a.indexMoment1() + k)
	least, most := times(a.count, feature.V(a.sums.Min[k])), times(a.count, feature.V(a.sums.Max[k]))
	if s.less(least) || most.less(s) {
		return fmt.Errorf("moment1 %v is not between count*min and count*max, %v and %v", s.int(), least.int(), most.int())
	}
	square := a.sum(a.diagonal(k)).int()
	limit := new(big.Int).Mul(s.int(), s.int())
	if new(big.Int).Mul(big.NewInt(a.count), square).Cmp(limit) < 0 {
		return fmt.Errorf("moment2 %v is below moment1^2/count with moment1 %v", square, s.int())
	}
	return nil
}

// diagonal returns the index of the sum of v_k^2.
func (a *Accumulator) diagonal(k int) int {
	d := a.Dim()
	if d > feature.WideDim {
		return a.indexMoment2() + k
	}
	return a.indexMoment2() + k*d - k*(k-1)/2
}

// checkPhasors checks that a mean of points on the unit circle is in the disc.
// An element's error is below 1e-6.
func (a *Accumulator) checkPhasors() error {
	for j, z := range a.Phasor(nil) {
		if a.sum(j).hi < 0 || math.Hypot(real(z), imag(z)) > 1+1e-5 {
			return fmt.Errorf("%w: feature %d: the mean phasor %v of %d records is outside of the unit circle", ErrInvalid, j, z, a.count)
		}
	}
	return nil
}
