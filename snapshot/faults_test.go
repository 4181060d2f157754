package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/mem"
)

// onlyAt is a plan by which the i-th operation of any kind has the fault.
func onlyAt(i int, fault buckettest.Fault) func(buckettest.Operation) buckettest.Fault {
	n := -1
	return func(buckettest.Operation) buckettest.Fault {
		if n++; n == i {
			return fault
		}
		return buckettest.None
	}
}

// crashAt is the same for a process that dies there.
func crashAt(i int, fault buckettest.Fault) func(buckettest.Operation) buckettest.Fault {
	n := -1
	return func(buckettest.Operation) buckettest.Fault {
		switch n++; {
		case n == i:
			return fault
		case n > i:
			return buckettest.Fail
		}
		return buckettest.None
	}
}

var faults = map[string]buckettest.Fault{"fail": buckettest.Fail, "done": buckettest.Done, "torn": buckettest.Torn, "flipped": buckettest.Flipped}

// everyFault runs the scenario with each fault at each of its operations, alone and as the process's last. The scenario
// is given a faulty bucket over a fresh one that prepare filled; check sees the fresh one when all is over.
func everyFault(t *testing.T, prepare func(bucket.Bucket), scenario func(b bucket.Bucket), check func(t *testing.T, fault string, b bucket.Bucket)) {
	t.Helper()
	fresh := func() (bucket.Bucket, *buckettest.Faulty) {
		b := mem.New()
		prepare(b)
		return b, buckettest.NewFaulty(b, nil)
	}
	_, faulty := fresh()
	scenario(faulty)
	operations := len(faulty.Log())
	if operations < 5 {
		t.Fatalf("the scenario has %d operations", operations)
	}
	for name, fault := range faults {
		for i := range operations {
			for mode, plan := range map[string]func(int, buckettest.Fault) func(buckettest.Operation) buckettest.Fault{"once": onlyAt, "crash": crashAt} {
				b, faulty := fresh()
				faulty.SetPlan(plan(i, fault))
				scenario(faulty)
				check(t, name, b)
				if t.Failed() {
					t.Fatalf("with %s, %s, at operation %d of %d: %+v", name, mode, i, operations, faulty.Log()[i])
				}
			}
		}
	}
}

// TestStatesSurviveEveryFault runs a sketcher's life under faults: save a pane and a state, prune, resume.
func TestStatesSurviveEveryFault(t *testing.T) {
	m := sharedMap(t)
	p := partition(0)
	state := func(next int64) *snapshot.State {
		s := stateAt(m, p, next)
		s.Open = nil
		return s
	}
	for _, keep := range []int{1, 2} {
		var acknowledged []int64 // States that SaveState called durable, in this run.
		var panes map[int64]bool // The same of SavePane, by start.
		prepare := func(b bucket.Bucket) {
			acknowledged, panes = nil, map[int64]bool{}
			e := open(t, b, snapshot.Hooks{})
			must(t, e.SaveState(t.Context(), state(1)))
			acknowledged = append(acknowledged, 1)
		}
		verify := func(s *snapshot.State) {
			t.Helper()
			if !bytes.Equal(encode(t, s), encode(t, state(s.Next))) {
				t.Errorf("the state at %d is wrong", s.Next)
			}
		}
		scenario := func(b bucket.Bucket) {
			e, err := snapshot.Open(b, "line").LatestSpec(t.Context())
			if err != nil {
				return
			}
			for next := int64(2); next < 7; next++ {
				pane := paneAt(m, p, next*minute, minute)
				if e.SavePane(t.Context(), pane) != nil {
					continue // The state must not go before its panes.
				}
				panes[pane.Start] = true
				if e.SaveState(t.Context(), state(next)) == nil {
					acknowledged = append(acknowledged, next)
				}
				_, _ = e.PruneStates(t.Context(), p, keep) // What fails is left for the next time.
				if next%2 == 0 {
					if s, err := e.LoadState(t.Context(), p, testFold); err == nil {
						verify(s)
					} else if errors.Is(err, snapshot.ErrNotExist) {
						t.Errorf("started empty at %d: %v", next, err)
					}
				}
			}
		}
		everyFault(t, prepare, scenario, func(t *testing.T, fault string, b bucket.Bucket) {
			e := open(t, b, snapshot.Hooks{})
			s, err := e.LoadState(t.Context(), p, testFold)
			if err != nil {
				t.Errorf("keeping %d: %v", keep, err)
				return
			}
			verify(s)
			// A disk that flips a bit without saying so costs the one state it flips.
			least := acknowledged[len(acknowledged)-1]
			if fault == "flipped" {
				least = acknowledged[max(0, len(acknowledged)-2)]
			}
			if s.Next < least {
				t.Errorf("keeping %d: loaded the state at %d, durable were %v", keep, s.Next, acknowledged)
			}
			// The fold comes by again: the lost state is written, whatever lies in its place.
			for next := s.Next; next < 8; next++ {
				must(t, e.SavePane(t.Context(), paneAt(m, p, next*minute, minute)))
				must(t, e.SaveState(t.Context(), state(next)))
			}
			if s, err := e.LoadState(t.Context(), p, testFold); err != nil || s.Next != 7 {
				t.Errorf("keeping %d: after recovery: %v", keep, err)
			}
			for start := range panes {
				found, err := e.LoadPane(t.Context(), snapshot.PaneRef{PartitionID: p, Start: start, Length: minute})
				if fault == "flipped" && errors.Is(err, snapshot.ErrCorrupt) {
					continue
				}
				if err != nil || !found.Accumulator.Equal(paneAt(m, p, start, minute).Accumulator) {
					t.Errorf("the pane at %d: %v", start, err)
				}
			}
		})
	}
}

// TestCompactionSurvivesEveryFault: no record of the panes is lost or counted twice.
func TestCompactionSurvivesEveryFault(t *testing.T) {
	m := sharedMap(t)
	now := time.UnixMilli(3 * oneDay)
	prepare := func(b bucket.Bucket) {
		e := open(t, b, snapshot.Hooks{})
		for i := range int64(9) {
			must(t, e.SavePane(t.Context(), paneAt(m, partition(0), i*20*minute, 20*minute)))
		}
		s := stateAt(m, partition(0), 5)
		s.Open = nil
		s.Watermark = now.UnixMilli()
		must(t, e.SaveState(t.Context(), s))
	}
	b := mem.New()
	prepare(b)
	want, err := open(t, b, snapshot.Hooks{}).MergeRange(t.Context(), -all, all)
	must(t, err)
	scenario := func(b bucket.Bucket) {
		e, err := snapshot.Open(b, "line").LatestSpec(t.Context())
		if err != nil {
			return
		}
		for range 2 {
			_, _ = e.Prune(t.Context(), now, snapshot.DefaultRetention()) // What fails is left for the next time.
		}
	}
	everyFault(t, prepare, scenario, func(t *testing.T, fault string, b bucket.Bucket) {
		e := open(t, b, snapshot.Hooks{})
		for i := range 3 {
			found, err := e.MergeRange(t.Context(), -all, all)
			must(t, err)
			if !found.Equal(want) {
				t.Errorf("after %d clean prunes: %d records, wanted %d", i, found.Count(), want.Count())
			}
			_, err = e.Prune(t.Context(), now, snapshot.DefaultRetention())
			must(t, err)
		}
		refs, err := e.ListPanes(t.Context(), -all, all)
		must(t, err)
		if len(refs) != 3 || len(names(t, b, "line/0001/panes/")) != 3 {
			t.Errorf("left %s", starts(refs))
		}
	})
}

// TestModelsSurviveEveryFault: what was published is served until something else is.
func TestModelsSurviveEveryFault(t *testing.T) {
	published := 1
	prepare := func(b bucket.Bucket) {
		e := open(t, b, snapshot.Hooks{})
		_, err := e.SaveModel(t.Context(), model(t, e, 0), []byte(`{"n":0}`), nil)
		must(t, err)
		_, err = e.Publish(t.Context(), 1, "first")
		must(t, err)
		published = 1
	}
	keep := snapshot.DefaultRetention()
	keep.Models = 1
	scenario := func(b bucket.Bucket) {
		e, err := snapshot.Open(b, "line").LatestSpec(t.Context())
		if err != nil {
			return
		}
		for i := range 3 {
			if version, err := e.SaveModel(t.Context(), model(t, e, i+1), fmt.Appendf(nil, `{"n":%d}`, i+1), nil); err == nil {
				if _, err := e.Publish(t.Context(), version, "test"); err == nil {
					published = version
				}
			}
			_, _ = e.Prune(t.Context(), time.Time{}, keep)
		}
	}
	everyFault(t, prepare, scenario, func(t *testing.T, fault string, b bucket.Bucket) {
		e := open(t, b, snapshot.Hooks{})
		m, g, err := e.LoadCurrent(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		// A lost answer may have published more than was acknowledged; only a silent flip may cost the last step.
		if g.Version != m.Version || m.Version < published && fault != "flipped" {
			t.Errorf("serves version %d by %+v, published was %d", m.Version, g, published)
		}
		if _, err := e.SaveModel(t.Context(), model(t, e, 9), nil, nil); err != nil {
			t.Error(err)
		}
	})
}

// TestSpecSurvivesEveryFault: whatever happened to the first writer, the next one has a spec.
func TestSpecSurvivesEveryFault(t *testing.T) {
	for _, fault := range []buckettest.Fault{buckettest.Fail, buckettest.Done} {
		for i := range 12 {
			b := mem.New()
			faulty := buckettest.NewFaulty(b, crashAt(i, fault))
			first, err := snapshot.Open(faulty, "line").CreateSpec(t.Context(), sharedSpec(t))
			second, err2 := snapshot.Open(b, "line").CreateSpec(t.Context(), newSpec(t, 99))
			must(t, err2)
			if err == nil && first.Map().Fingerprint() != second.Map().Fingerprint() {
				t.Errorf("operation %d: two specs in epoch %d", i, second.Number)
			}
			if second.Number != 1 {
				t.Errorf("operation %d: epoch %d", i, second.Number)
			}
		}
	}
}
