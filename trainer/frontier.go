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

// cuttingOfAll is the cutting that all states share.
func cuttingOfAll(states []*snapshot.State) (cutting, error) {
	first, err := cuttingOf(states[0])
	for _, s := range states[1:] {
		if err != nil {
			break
		}
		var c cutting
		if c, err = cuttingOf(s); err == nil && c != first {
			err = fmt.Errorf("trainer: %s has panes of %d ms with lateness %d ms, %s of %d ms with %d ms: give all sketchers of a sketch the same panes, or begin a new epoch",
				states[0].PartitionID, first.length, first.lateness, s.PartitionID, c.length, c.lateness)
		}
	}
	return first, err
}

// frontier is how far event time is complete.
type frontier struct {
	until int64                       // Every pane that ends at or before it is complete; math.MinInt64: none is.
	open  map[int64][]*snapshot.State // The states of idle partitions that hold the pane of this start open.

	keep func(start, length int64) bool // Which panes a merge takes; nil: all.
}

// ahead is how many panes past the watermark an open pane may start and still count for how far event time has come.
// One farther away was opened by a clock that is wrong.
const ahead = 16

// frontierOf tells how far the partitions have come. A partition that has been idle does not hold the others back, and
// its open panes count as they are; if all are idle, everything they hold is complete.
func frontierOf(states []*snapshot.State, lives map[snapshot.PartitionID]snapshot.Live, c cutting, idle time.Duration) frontier {
	f := frontier{until: math.MaxInt64, open: map[int64][]*snapshot.State{}}
	newest := int64(math.MinInt64) // How far the idle partitions have come.
	for _, s := range states {
		waits := isIdle(s, lives, idle)
		switch {
		case s.Watermark != snapshot.NoTime && waits:
			newest = max(newest, sealedUntil(s.Watermark, c))
			for start := range s.Open {
				f.open[start] = append(f.open[start], s)
				if start <= s.Watermark+ahead*c.length {
					newest = max(newest, start+c.length)
				}
			}
		case s.Watermark != snapshot.NoTime:
			f.until = min(f.until, sealedUntil(s.Watermark, c))
		case !waits:
			return frontier{until: math.MinInt64}
		}
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

// isIdle reports whether a partition's owner has said for the time of idle that it waits for records. Both times are of
// the owner's clock, so an owner that died in between has not said so.
func isIdle(s *snapshot.State, lives map[snapshot.PartitionID]snapshot.Live, idle time.Duration) bool {
	l, ok := lives[s.PartitionID]
	return ok && l.CaughtUp > 0 && l.Next == s.Next && l.Time-l.CaughtUp >= idle.Milliseconds()
}
