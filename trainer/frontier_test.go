package trainer

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// times draws event times about 0, about now, and at the ends of what a state may hold.
func times(t *rapid.T, label string) int64 {
	return rapid.SampledFrom([]int64{0, 0, began, began, -1 << 60, 1 << 60}).Draw(t, label+" origin") + rapid.Int64Range(-300, 300).Draw(t, label)
}

// drawStates draws partitions that are idle, busy or silent, with open panes near their watermarks and far from them.
func drawStates(t *rapid.T, c cutting) ([]*snapshot.State, map[snapshot.PartitionID]snapshot.Live) {
	lives := map[snapshot.PartitionID]snapshot.Live{}
	var states []*snapshot.State
	for i := range rapid.IntRange(1, 5).Draw(t, "partitions") {
		s := &snapshot.State{PartitionID: snapshot.PartitionID{Topic: "t", TopicID: "id", Partition: i}, Next: 10, Watermark: snapshot.NoTime, Open: map[int64]*sketch.Accumulator{}}
		if rapid.IntRange(0, 4).Draw(t, "has time") > 0 {
			s.Watermark = times(t, "watermark")
			for range rapid.IntRange(0, 4).Draw(t, "open") {
				s.Open[sealedUntil(times(t, "pane"), c)] = nil
				s.Open[sealedUntil(s.Watermark, c)+c.length*rapid.Int64Range(0, 20).Draw(t, "near")] = nil
			}
		}
		states = append(states, s)
		switch rapid.IntRange(0, 5).Draw(t, "live") {
		case 0: // Nothing is said.
		case 1:
			lives[s.PartitionID] = snapshot.Live{Next: 10, Time: 5000} // Not caught up.
		case 2:
			lives[s.PartitionID] = snapshot.Live{Next: 11, Time: 5000, CaughtUp: 1} // Caught up, but beyond the state.
		case 3:
			lives[s.PartitionID] = snapshot.Live{Next: 10, Time: 1999, CaughtUp: 1000} // Not for long enough.
		default:
			lives[s.PartitionID] = snapshot.Live{Next: 10, Time: 2000, CaughtUp: 1000}
		}
	}
	return states, lives
}

// complete restates, pane by pane, whether the pane that starts at start is complete: every busy partition has sealed
// it; if there is none, an idle one has sealed it, holds it or a later one open.
func complete(start int64, states []*snapshot.State, idle func(*snapshot.State) bool, c cutting) bool {
	busy, reached := false, false
	for _, s := range states {
		sealed := s.Watermark != snapshot.NoTime && start+c.length+c.lateness <= s.Watermark
		if !idle(s) {
			busy = true
			if !sealed {
				return false
			}
			continue
		}
		reached = reached || sealed
		for open := range s.Open {
			reached = reached || start <= open && open <= s.Watermark+16*c.length
		}
	}
	return busy || reached
}

func TestFrontierIsWhatEachPaneSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cutting{length: rapid.Int64Range(1, 20).Draw(t, "length"), lateness: rapid.Int64Range(0, 60).Draw(t, "lateness")}
		states, lives := drawStates(t, c)
		idle := func(s *snapshot.State) bool { l := lives[s.PartitionID]; return l.Time == 2000 }
		f := frontierOf(states, lives, c, time.Second)

		candidates := []int64{sealedUntil(0, c), sealedUntil(began, c)}
		for _, s := range states {
			for start := range s.Open {
				candidates = append(candidates, start-c.length, start, start+c.length)
			}
			if s.Watermark != snapshot.NoTime {
				for k := int64(-2); k <= 2; k++ {
					candidates = append(candidates, sealedUntil(s.Watermark, c)+k*c.length)
				}
			}
		}
		for _, start := range candidates {
			if found, want := start+c.length <= f.until, complete(start, states, idle, c); found != want {
				t.Fatalf("the pane at %d of %d ms is complete: %v, wanted %v; until %d", start, c.length, found, want, f.until)
			}
		}
		if f.until == math.MinInt64 {
			return
		}
		for _, s := range states {
			for start := range s.Open {
				held := false
				for _, o := range f.open[start] {
					held = held || o == s
				}
				if held != idle(s) {
					t.Fatalf("%s holds %d open: %v; it is idle: %v", s.PartitionID, start, held, idle(s))
				}
			}
		}
	})
}

func TestSealedUntilIsTheLastBorder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cutting{length: rapid.Int64Range(1, 1<<40).Draw(t, "length"), lateness: rapid.Int64Range(0, 1<<42).Draw(t, "lateness")}
		w := times(t, "watermark")
		u := sealedUntil(w, c)
		if u%c.length != 0 || u+c.lateness > w || u+c.length+c.lateness <= w {
			t.Fatalf("%d is not the last multiple of %d at or before %d - %d", u, c.length, w, c.lateness)
		}
	})
}

func TestCuttingComesFromTheStates(t *testing.T) {
	state := func(partition int, length, lateness string) *snapshot.State {
		s := &snapshot.State{PartitionID: snapshot.PartitionID{Topic: "t", TopicID: "id", Partition: partition}}
		for k, v := range map[string]string{"panes.length": length, "panes.lateness": lateness} {
			if v != "" {
				s.Fold = append(s.Fold, snapshot.Field{Key: k, Value: v})
			}
		}
		return s
	}
	c, err := cuttingOfAll([]*snapshot.State{state(0, "60000", "5000"), state(1, "60000", "5000")})
	if err != nil || c != (cutting{60000, 5000}) {
		t.Errorf("%v, %v", c, err)
	}
	for i, states := range [][]*snapshot.State{
		{state(0, "", "5000")}, {state(0, "60000", "")}, {state(0, "0", "5000")}, {state(0, "-1", "5000")}, {state(0, "long", "5000")},
		{state(0, "60000", "5000"), state(1, "30000", "5000")}, {state(0, "60000", "5000"), state(1, "60000", "0")}, {state(0, "60000", "5000"), state(1, "", "")},
	} {
		if c, err := cuttingOfAll(states); err == nil {
			t.Errorf("case %d: %v", i, c)
		}
	}
	// What the sketcher writes is what the trainer reads.
	r := newRig(t, 1, 1)
	r.panes(1, quiet)
	if c, err := cuttingOfAll(r.states()); err != nil || c != (cutting{paneLength, paneLength}) {
		t.Errorf("of a fold: %v, %v", c, err)
	}
}
