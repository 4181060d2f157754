package trainer

import (
	"fmt"
	"math"
	"time"
)

// Horizon says which part of the stream's past a fit sees. The zero value is everything since the last change.
type Horizon struct {
	All      bool          // Everything ever folded, also before the last change.
	Last     time.Duration // So much event time before the newest complete pane; 0: no bound.
	From, To time.Time     // This interval of event time, whatever comes after it.
	HalfLife time.Duration // Older panes count less and less: half as much with each half-life.
}

// HalfLives is after how many half-lives a pane no longer counts.
const HalfLives = 6

// Validate says what is wrong and what would happen.
func (h Horizon) Validate() error {
	named := 0
	for _, set := range []bool{h.All, h.Last != 0, !h.To.IsZero(), h.HalfLife != 0} {
		if set {
			named++
		}
	}
	switch {
	case h.Last < 0 || h.HalfLife < 0:
		return fmt.Errorf("trainer: fit.horizon is %v with a half-life of %v: they cannot be negative", h.Last, h.HalfLife)
	case h.HalfLife > 0 && h.HalfLife < time.Millisecond:
		return fmt.Errorf("trainer: fit.half_life is %v: event time is counted in milliseconds; give 1ms or more, or 0 for none", h.HalfLife)
	case !h.To.After(h.From) && !(h.To.IsZero() && h.From.IsZero()):
		return fmt.Errorf("trainer: fit.range from %v to %v: it must end after it begins", h.From, h.To)
	case named > 1:
		return fmt.Errorf("trainer: of fit.all, fit.horizon, fit.range and fit.half_life only one can hold")
	}
	return nil
}

// interval is the range of event time, until the newest complete pane, that a fit sees of what came from since on. It is
// 0, 0 for everything ever folded.
func (h Horizon) interval(since, until int64) (from, to int64) {
	from, to = since, until
	switch {
	case !h.To.IsZero():
		return max(1, h.From.UnixMilli()), min(until, h.To.UnixMilli())
	case until == math.MinInt64: // No pane is complete.
	case h.All:
		return 0, 0
	case h.Last > 0:
		from = max(from, until-h.Last.Milliseconds())
	case h.HalfLife > 0:
		from = max(from, until-HalfLives*h.HalfLife.Milliseconds())
	}
	if from <= 0 {
		return 0, 0
	}
	return from, to
}

// keeps returns whether a pane counts in a fit up to a time. Of the panes that are between k and k+1 half-lives old, every
// 2^k-th does, evenly spread: the counts stay those of records, so that the noise of the sketch is still known from them.
// It is nil if all count.
func (h Horizon) keeps(until int64) func(start, length int64) bool {
	if h.HalfLife <= 0 {
		return nil
	}
	return func(start, length int64) bool {
		k := (until - start - length) / h.HalfLife.Milliseconds()
		if k <= 0 {
			return true
		}
		n := start / length
		return n&(1<<min(k, 62)-1) == 0
	}
}
