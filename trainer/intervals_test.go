package trainer

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// plain is what each interval holds, kept beside the store: integer sums by start.
type plain map[int64]*sketch.Accumulator

func (p plain) fold(start int64, records *sketch.Accumulator) {
	if p[start] == nil {
		p[start] = sketch.New(testMap())
	}
	if err := p[start].Merge(records); err != nil {
		panic(err)
	}
}

// intervals draws a store of several partitions with gaps, compacted longer panes, and an idle partition whose last
// panes are open.
func intervals(t *testing.T, r *rig, rng *rand.Rand) (want plain, compacted map[int64]bool, f frontier) {
	want, compacted = plain{}, map[int64]bool{}
	ctx := context.Background()
	f = frontier{until: began + 40*paneLength, open: map[int64][]*snapshot.State{}}
	idle := &snapshot.State{PartitionID: snapshot.PartitionID{Topic: "t", TopicID: "id", Partition: 2}, Open: map[int64]*sketch.Accumulator{}}
	for part := range 3 {
		id := snapshot.PartitionID{Topic: "t", TopicID: "id", Partition: part}
		group := map[int64]*sketch.Accumulator{} // Longer panes of 4.
		for i := range int64(44) {
			start := began + i*paneLength
			if rng.IntN(4) == 0 {
				continue // A gap.
			}
			a := sketch.New(testMap())
			for range 1 + rng.IntN(5) {
				a.Fold([]int32{int32(rng.IntN(200000)) - 100000, int32(rng.IntN(200000)) - 100000})
			}
			switch {
			case part == 2 && i >= 30:
				idle.Open[start] = a
				f.open[start] = append(f.open[start], idle)
			case i < 8: // Compacted away.
				long := began + i/4*4*paneLength
				if group[long] == nil {
					group[long] = sketch.New(testMap())
				}
				r.must(group[long].Merge(a))
				compacted[start] = true
			default:
				r.must(r.epoch.SavePane(ctx, &snapshot.Pane{PaneRef: snapshot.PaneRef{PartitionID: id, Start: start, Length: paneLength}, Accumulator: a}))
			}
			if start < f.until {
				want.fold(start, a)
			}
		}
		for start, a := range group {
			r.must(r.epoch.SavePane(ctx, &snapshot.Pane{PaneRef: snapshot.PaneRef{PartitionID: id, Start: start, Length: 4 * paneLength}, Accumulator: a}))
		}
	}
	// One that was sealed after the state was read: it is there twice, and counts once.
	for start, a := range idle.Open {
		if start+paneLength <= f.until {
			r.must(r.epoch.SavePane(ctx, &snapshot.Pane{PaneRef: snapshot.PaneRef{PartitionID: idle.PartitionID, Start: start, Length: paneLength}, Accumulator: a}))
			break
		}
	}
	return want, compacted, f
}

func TestIntervalsHoldEveryRecordOnce(t *testing.T) {
	for seed := range uint64(5) {
		r := newRig(t, 0, seed)
		want, compacted, f := intervals(t, r, rand.New(rand.NewPCG(seed, 1)))
		for _, from := range []int64{math.MinInt64, began, began + 8*paneLength, began + 17*paneLength, began + 35*paneLength, f.until} {
			found, last := plain{}, int64(math.MinInt64)
			r.must(eachInterval(context.Background(), r.epoch, from, f, paneLength, func(p timedPane) error {
				if p.start <= last || p.start < from {
					t.Errorf("seed %d, from %d: the interval at %d comes after %d", seed, from, p.start, last)
				}
				last = p.start
				found.fold(p.start, p.acc)
				return nil
			}))
			whole := sketch.New(testMap()) // Of all that is complete from here on; longer panes count where they lie within.
			for start, a := range want {
				if start < from {
					continue
				}
				r.must(whole.Merge(a))
				if compacted[start] {
					continue
				}
				if found[start] == nil || !found[start].Equal(a) {
					t.Errorf("seed %d, from %d: the interval at %d differs from the sum of its records", seed, from, start)
				}
				delete(found, start)
			}
			if len(found) != 0 {
				t.Errorf("seed %d, from %d: %d intervals that nobody wrote", seed, from, len(found))
			}
			merged, err := mergeIntervals(context.Background(), r.epoch, from, f, paneLength)
			r.must(err)
			if merged == nil {
				merged = sketch.New(testMap())
			}
			if !merged.Equal(whole) {
				t.Errorf("seed %d, from %d: merged %d records, wanted %d", seed, from, merged.Count(), whole.Count())
			}
		}
	}
}

func TestIntervalsOfAFoldAreItsRecords(t *testing.T) {
	r := newRig(t, 3, 7)
	r.panes(12, quiet)
	for range 3 { // One partition is slower, one goes on alone.
		r.pane(r.parts[0], quiet)
		r.pane(r.parts[2], quiet)
	}
	r.pane(r.parts[2], quiet)
	r.save(r.parts[0])
	r.save(r.parts[2])
	sum := func(f frontier) (n int64, starts int) {
		r.must(eachInterval(context.Background(), r.epoch, math.MinInt64, f, paneLength, func(p timedPane) error {
			n += p.acc.Count()
			starts++
			return nil
		}))
		return n, starts
	}
	f := r.frontier()
	if n, k := sum(f); n != int64(3*perPane*k) || f.until != began+int64(k)*paneLength || k < 8 || k > 11 {
		t.Errorf("busy partitions: %d records of %d intervals until %d", n, k, f.until)
	}
	r.idle(r.parts[1]) // Its open panes count now, and the others go as far as they can.
	f = r.frontier()
	if n, k := sum(f); k != 13 || n != (12*3+2)*perPane {
		t.Errorf("one is idle: %d records of %d intervals", n, k)
	}
	for _, p := range r.parts {
		r.idle(p)
	}
	f = r.frontier()
	all := sketch.New(testMap())
	for _, p := range r.parts {
		r.must(all.Merge(p.all))
	}
	if n, k := sum(f); n != all.Count() || k != 16 {
		t.Errorf("all are idle: %d records of %d intervals, wanted %d", n, k, all.Count())
	}
	merged, err := mergeIntervals(context.Background(), r.epoch, began, f, paneLength)
	r.must(err)
	if !merged.Equal(all) {
		t.Error("the merged intervals are not the sum of the records")
	}
	// What was open when the states were read has been sealed since, and merged into a longer pane.
	for _, p := range r.parts {
		ref := snapshot.PaneRef{PartitionID: snapshot.PartitionID(p.id), Start: began, Length: 20 * paneLength}
		r.must(r.epoch.SavePane(context.Background(), &snapshot.Pane{PaneRef: ref, Accumulator: p.all}))
	}
	f.until = began + 20*paneLength
	merged, err = mergeIntervals(context.Background(), r.epoch, began, f, paneLength)
	r.must(err)
	if !merged.Equal(all) {
		t.Errorf("%d records after a compaction, wanted %d", merged.Count(), all.Count())
	}
}

func TestOneWrongClockDoesNotMoveTheFrontier(t *testing.T) {
	r := newRig(t, 1, 8)
	r.panes(5, quiet)
	p := r.parts[0]
	now := p.time
	p.time = began + int64(1000*time.Hour/time.Millisecond)
	r.record(p, quiet(p.rng)) // Of another year.
	p.time = now
	r.pane(p, quiet)
	r.save(p)
	r.idle(p)
	if f := r.frontier(); f.until != now+paneLength || len(f.open) < 2 {
		t.Errorf("complete until %v after the start, %d panes open", time.Duration(f.until-began)*time.Millisecond, len(f.open))
	}
}
