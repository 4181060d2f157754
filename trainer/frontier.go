package trainer

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"phasor/snapshot"
)

// cutting is how the sketchers cut event time, as the states say.
type cutting struct{ length, lateness int64 } // Milliseconds.

func cuttingOf(s *snapshot.State) (cutting, error) {
	var c cutting
	for _, f := range []struct {
		key string
		v   *int64
	}{{"panes.length", &c.length}, {"panes.lateness", &c.lateness}} {
		text, ok := s.Fold.Get(f.key)
		n, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil || n < 0 {
			return c, fmt.Errorf("trainer: the state of %s does not say %s (%q): was it written by another program?", s.PartitionID, f.key, text)
		}
		*f.v = n
	}
	if c.length == 0 {
		return c, fmt.Errorf("trainer: the state of %s has panes of length 0", s.PartitionID)
	}
	return c, nil
}

// frontier is how far event time is complete.
type frontier struct {
	until int64                       // Every pane that ends at or before it is complete; math.MinInt64: none is.
	open  map[int64][]*snapshot.State // The states of idle partitions that hold the pane of this start open.
}

// frontierOf tells how far the partitions have come. A partition that has been idle does not hold the others back, and
// its open panes count as they are; if all are idle, everything they hold is complete.
func frontierOf(states []*snapshot.State, lives map[snapshot.PartitionID]snapshot.Live, c cutting, idle time.Duration, now time.Time) frontier {
	f := frontier{until: math.MaxInt64, open: map[int64][]*snapshot.State{}}
	newest := int64(math.MinInt64) // End of the newest pane of an idle partition.
	for _, s := range states {
		if isIdle(s, lives, idle, now) {
			for start := range s.Open {
				f.open[start] = append(f.open[start], s)
				newest = max(newest, start+c.length)
			}
			if s.Watermark != snapshot.NoTime {
				newest = max(newest, sealedUntil(s.Watermark, c))
			}
			continue
		}
		if s.Watermark == snapshot.NoTime {
			return frontier{until: math.MinInt64}
		}
		f.until = min(f.until, sealedUntil(s.Watermark, c))
	}
	if f.until == math.MaxInt64 {
		f.until = newest
	}
	return f
}

// sealedUntil is the end of the last pane that a watermark seals.
func sealedUntil(watermark int64, c cutting) int64 {
	t := watermark - c.lateness
	r := t % c.length
	if r < 0 {
		r += c.length
	}
	return t - r
}

func isIdle(s *snapshot.State, lives map[snapshot.PartitionID]snapshot.Live, idle time.Duration, now time.Time) bool {
	l, ok := lives[s.PartitionID]
	return ok && l.CaughtUp > 0 && l.Next == s.Next && now.Sub(time.UnixMilli(l.CaughtUp)) >= idle
}
