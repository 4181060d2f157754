package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
	oneDay = 24 * hour
)

func TestPaneRoundTrip(t *testing.T) {
	m := sharedMap(t)
	rapid.Check(t, func(t *rapid.T) {
		p := &snapshot.Pane{Accumulator: fold(m, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 9).Draw(t, "records"))}
		p.Topic, p.TopicID = rapid.StringN(1, 20, 60).Draw(t, "topic"), rapid.StringN(1, 20, 60).Draw(t, "id")
		p.Partition, p.Start, p.Length = rapid.IntRange(0, 99).Draw(t, "partition"), rapid.Int64Range(-1<<50, 1<<50).Draw(t, "start"), rapid.Int64Range(1, 1<<50).Draw(t, "length")
		b, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		found, err := snapshot.DecodePane(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, found, sameStates); d != "" {
			t.Fatal(d)
		}
	})
	for name, change := range map[string]func(*snapshot.Pane){
		"no length":      func(p *snapshot.Pane) { p.Length = 0 },
		"no end":         func(p *snapshot.Pane) { p.Start = 1<<63 - 1 },
		"no beginning":   func(p *snapshot.Pane) { p.Start = -1 << 63 },
		"too long":       func(p *snapshot.Pane) { p.Length = 1<<63 - 1 },
		"no topic":       func(p *snapshot.Pane) { p.Topic = "" },
		"no accumulator": func(p *snapshot.Pane) { p.Accumulator = nil },
	} {
		p := paneAt(m, partition(0), 0, minute)
		change(p)
		if _, err := p.Encode(); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

func TestPaneConflict(t *testing.T) {
	e, b, r := newEpoch(t)
	p := paneAt(e.Map(), partition(0), 0, minute)
	errs := make([]error, 16)
	race(len(errs), func(i int) { errs[i] = e.SavePane(t.Context(), paneAt(e.Map(), partition(0), 0, minute)) })
	must(t, errors.Join(errs...))
	if len(r.conflict) != 0 {
		t.Errorf("equal panes are in conflict: %q", r.conflict)
	}
	other := &snapshot.Pane{PaneRef: p.PaneRef, Accumulator: fold(e.Map(), 99, 4)}
	if err := e.SavePane(t.Context(), other); !errors.Is(err, snapshot.ErrConflict) || len(r.conflict) != 1 {
		t.Errorf("other bytes: %v, reported %q", err, r.conflict)
	}
	found, err := e.LoadPane(t.Context(), p.PaneRef)
	must(t, err)
	if d := cmp.Diff(p, found, sameStates); d != "" {
		t.Errorf("the first does not stay: %s", d)
	}
	// A corrupt pane makes room.
	name := names(t, b, "line/0001/panes/")[0]
	must(t, b.Put(t.Context(), name, []byte("damaged")))
	if _, err := e.LoadPane(t.Context(), p.PaneRef); !errors.Is(err, snapshot.ErrCorrupt) {
		t.Errorf("a corrupt pane: %v", err)
	}
	must(t, e.SavePane(t.Context(), other))
	if found, err := e.LoadPane(t.Context(), p.PaneRef); err != nil || found.Accumulator.Count() != 4 {
		t.Errorf("saved over a corrupt pane: %v", err)
	}
}

func starts(refs []snapshot.PaneRef) string {
	var s []string
	for _, r := range refs {
		s = append(s, fmt.Sprintf("%d:%d+%d", r.Partition, r.Start/minute, r.Length/minute))
	}
	return strings.Join(s, " ")
}

func TestPaneInsideALongerOneIsIgnored(t *testing.T) {
	e, b, r := newEpoch(t)
	for part := range 2 {
		for i := range int64(4) {
			must(t, e.SavePane(t.Context(), paneAt(e.Map(), partition(part), i*minute, minute)))
		}
	}
	long := paneAt(e.Map(), partition(1), minute, 2*minute)
	must(t, e.SavePane(t.Context(), long))
	for _, c := range []struct {
		from, to int64
		want     string
	}{
		{-all, all, "0:0+1 1:0+1 0:1+1 1:1+2 0:2+1 0:3+1 1:3+1"},
		{0, 2 * minute, "0:0+1 1:0+1 0:1+1"},
		{minute, 3 * minute, "0:1+1 1:1+2 0:2+1"},
		{1, minute, ""},
		{2 * minute, 4 * minute, "0:2+1 0:3+1 1:3+1"},
	} {
		refs, err := e.ListPanes(t.Context(), c.from, c.to)
		must(t, err)
		if found := starts(refs); found != c.want {
			t.Errorf("[%d, %d): %s, wanted %s", c.from, c.to, found, c.want)
		}
	}
	panes, err := e.Panes(t.Context(), minute, 3*minute)
	must(t, err)
	want, err := snapshot.MergePanes(panes)
	must(t, err)
	total, err := e.MergeRange(t.Context(), minute, 3*minute)
	must(t, err)
	if len(panes) != 3 || total.Count() != 9 || !total.Equal(want) {
		t.Errorf("%d panes, %d records", len(panes), total.Count())
	}
	// A long one that is damaged gives way to those inside it.
	for _, name := range names(t, b, "line/0001/panes/") {
		if strings.Contains(name, "/1/120000/") {
			must(t, b.Put(t.Context(), name, []byte("damaged")))
		}
	}
	panes, err = e.Panes(t.Context(), minute, 3*minute)
	must(t, err)
	if len(panes) != 4 || len(r.corrupt) != 1 || len(r.lost) != 0 {
		t.Errorf("%d panes, reported %q, lost %v", len(panes), r.corrupt, r.lost)
	}
	// One that has none inside is lost.
	for _, name := range names(t, b, "line/0001/panes/") {
		if strings.HasSuffix(name, fmt.Sprintf("/1/60000/%020d", 2*minute)) {
			must(t, b.Put(t.Context(), name, []byte("damaged")))
		}
	}
	panes, err = e.Panes(t.Context(), minute, 3*minute)
	must(t, err)
	if len(panes) != 3 || starts(r.lost) != "1:2+1" {
		t.Errorf("%d panes, lost %s", len(panes), starts(r.lost))
	}
	if none, err := e.MergeRange(t.Context(), -5, -4); none != nil || err != nil {
		t.Errorf("an empty range: %v, %v", none, err)
	}
	if none, err := snapshot.MergePanes(nil); none != nil || err != nil {
		t.Errorf("no panes: %v, %v", none, err)
	}
}

func TestListPanesOf(t *testing.T) {
	e, _, _ := newEpoch(t)
	for _, p := range []int{1, 11} {
		for _, length := range []int64{5, 50} {
			for i := int64(-4); i < 30; i++ {
				must(t, e.SavePane(t.Context(), &snapshot.Pane{PaneRef: snapshot.PaneRef{PartitionID: partition(p), Start: i * length, Length: length}, Accumulator: sketch.New(e.Map())}))
			}
		}
	}
	for _, r := range [][2]int64{{-all, all}, {-1 << 63, all}, {0, 100}, {95, 105}, {-20, -10}, {-10, 10}, {-3, 9}, {40, 40}, {9, 3}, {99, 100}} {
		var want []snapshot.PaneRef
		for i := int64(-4); i < 30; i++ {
			if 5*i >= r[0] && 5*i+5 <= r[1] {
				want = append(want, snapshot.PaneRef{PartitionID: partition(1), Start: 5 * i, Length: 5})
			}
		}
		found, err := e.ListPanesOf(t.Context(), partition(1), 5, r[0], r[1])
		must(t, err)
		if d := cmp.Diff(want, found); d != "" {
			t.Errorf("[%d, %d): %s", r[0], r[1], d)
		}
	}
	if _, err := e.ListPanesOf(t.Context(), partition(1), 0, 0, 1); err == nil {
		t.Error("listed panes of no length")
	}
}

// TestVisiblePanesHoldEveryInstantOnce draws panes nested as compaction nests them.
func TestVisiblePanesHoldEveryInstantOnce(t *testing.T) {
	m := sharedMap(t)
	rapid.Check(t, func(rt *rapid.T) {
		e, _, _ := newEpoch(t)
		covered := map[[2]int64]bool{} // Partition and minute.
		for range rapid.IntRange(0, 25).Draw(rt, "panes") {
			length := rapid.SampledFrom([]int64{1, 3, 9}).Draw(rt, "length")
			start := rapid.Int64Range(0, 18).Draw(rt, "start") / length * length
			p := rapid.IntRange(0, 1).Draw(rt, "partition")
			must(t, e.SavePane(t.Context(), &snapshot.Pane{PaneRef: snapshot.PaneRef{PartitionID: partition(p), Start: start, Length: length}, Accumulator: sketch.New(m)}))
			for i := range length {
				covered[[2]int64{int64(p), start + i}] = true
			}
		}
		refs, err := e.ListPanes(t.Context(), -all, all)
		must(t, err)
		for _, r := range refs {
			for i := range r.Length {
				at := [2]int64{int64(r.Partition), r.Start + i}
				if !covered[at] {
					rt.Fatalf("%v twice or from nowhere", at)
				}
				delete(covered, at)
			}
		}
		if len(covered) > 0 {
			rt.Fatalf("lost %v", covered)
		}
	})
}

// history saves 3 hours of minutes of two partitions and states whose watermarks are past them.
func history(t *testing.T, e *snapshot.Epoch, watermark int64) {
	t.Helper()
	for p := range 2 {
		for i := range int64(180) {
			if i%7 != 3 { // Minutes without records have no pane.
				must(t, e.SavePane(t.Context(), paneAt(e.Map(), partition(p), i*minute, minute)))
			}
		}
		s := stateAt(e.Map(), partition(p), 500)
		s.Watermark, s.Open = watermark, nil
		must(t, e.SaveState(t.Context(), s))
	}
}

func TestCompaction(t *testing.T) {
	e, b, r := newEpoch(t)
	history(t, e, 5*hour)
	want, err := e.MergeRange(t.Context(), 0, 3*hour)
	must(t, err)
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	keep := snapshot.DefaultRetention()

	// Nothing is older than two days yet.
	n, err := e.Prune(t.Context(), at(oneDay), keep)
	must(t, err)
	if n != (snapshot.Pruned{}) {
		t.Errorf("a young store lost %+v", n)
	}
	// The first two hours are; the third has minutes that are not.
	n, err = e.Prune(t.Context(), at(2*oneDay+2*hour+30*minute), keep)
	must(t, err)
	if n.Compacted != 4 || r.compacted != 4 {
		t.Errorf("compacted %+v, reported %d", n, r.compacted)
	}
	refs, err := e.ListPanes(t.Context(), 0, 2*hour)
	must(t, err)
	if found := starts(refs); found != "0:0+60 1:0+60 0:60+60 1:60+60" {
		t.Errorf("after compaction: %s", found)
	}
	same := func(when string) {
		t.Helper()
		found, err := e.MergeRange(t.Context(), -all, all)
		must(t, err)
		if !found.Equal(want) {
			t.Errorf("%s: the panes hold %d records, wanted %d", when, found.Count(), want.Count())
		}
	}
	same("hours")
	// The minutes stay until the hours were found to be good.
	n, err = e.Prune(t.Context(), at(2*oneDay+2*hour+30*minute), keep)
	must(t, err)
	if n != (snapshot.Pruned{Panes: 206}) {
		t.Errorf("removed %+v", n)
	}
	same("hours alone")
	// A sketcher that resumes from an older state writes a minute again.
	must(t, e.SavePane(t.Context(), paneAt(e.Map(), partition(0), 5*minute, minute)))
	same("a minute again")
	n, err = e.Prune(t.Context(), at(2*oneDay+2*hour+30*minute), keep)
	must(t, err)
	if n != (snapshot.Pruned{Panes: 1}) {
		t.Errorf("removed %+v", n)
	}
	// Sixty days later the hours become a day, and after five years nothing is left. No state may be in the way.
	for p := range 2 {
		s := stateAt(e.Map(), partition(p), 600)
		s.Watermark, s.Open = 3*oneDay, nil
		must(t, e.SaveState(t.Context(), s))
		_, err := e.PruneStates(t.Context(), partition(p), 1)
		must(t, err)
	}
	_, err = e.Prune(t.Context(), at(63*oneDay), keep)
	must(t, err)
	same("two levels at once")
	_, err = e.Prune(t.Context(), at(63*oneDay), keep)
	must(t, err)
	same("days")
	refs, err = e.ListPanes(t.Context(), -all, all)
	must(t, err)
	if found := starts(refs); found != "0:0+1440 1:0+1440" {
		t.Errorf("days: %s", found)
	}
	_, err = e.Prune(t.Context(), at(6*365*oneDay), keep)
	must(t, err)
	if left := names(t, b, "line/0001/panes/"); len(left) != 0 {
		t.Errorf("left %q", left)
	}
	if r.failures != 0 {
		t.Errorf("%d failures reported", r.failures)
	}
}

// TestStatesHoldPanesBack: what a retained state may still write again is not compacted.
func TestStatesHoldPanesBack(t *testing.T) {
	for name, hold := range map[string]func(*snapshot.State){
		"an open pane":         func(s *snapshot.State) { s.Open = map[int64]*sketch.Accumulator{59 * minute: s.Sealed.Clone()} },
		"a low watermark":      func(s *snapshot.State) { s.Watermark = hour },
		"no event time so far": func(s *snapshot.State) { s.Watermark = snapshot.NoTime },
	} {
		e, _, _ := newEpoch(t)
		history(t, e, 5*hour)
		s := stateAt(e.Map(), partition(1), 400) // An older state than the newest.
		s.Watermark, s.Open = 5*hour, nil
		hold(s)
		must(t, e.SaveState(t.Context(), s))
		_, err := e.Prune(t.Context(), time.UnixMilli(2*oneDay+hour), snapshot.DefaultRetention())
		must(t, err)
		refs, err := e.ListPanes(t.Context(), 0, hour)
		must(t, err)
		if refs[0].Length != hour || refs[0].Partition != 0 || len(refs) != 1+52 && len(refs) != 1+51 {
			t.Errorf("%s: %s", name, starts(refs))
		}
	}
}

// TestPanesWithoutAStateAreHeldBack: a sketcher that died between its first panes and its first state folds from the start
// again, and so does one whose states were all lost. What it has yet to seal must find no longer pane in its place.
func TestPanesWithoutAStateAreHeldBack(t *testing.T) {
	for name, lose := range map[string]func(b bucket.Bucket, state string) error{
		"none":    func(b bucket.Bucket, state string) error { return b.Delete(t.Context(), state) },
		"corrupt": func(b bucket.Bucket, state string) error { return b.Put(t.Context(), state, []byte("x")) },
	} {
		e, b, _ := newEpoch(t)
		history(t, e, 5*hour)
		missing := paneAt(e.Map(), partition(1), 3*minute, minute)
		must(t, lose(b, stateName(partition(1), 500)))
		_, err := e.Prune(t.Context(), time.UnixMilli(2*oneDay+hour), snapshot.DefaultRetention())
		if name == "none" {
			must(t, err)
		}
		must(t, e.SavePane(t.Context(), missing))
		refs, err := e.ListPanes(t.Context(), 0, hour)
		must(t, err)
		if refs[0].Length != hour || refs[0].Partition != 0 || !slices.Contains(refs, missing.PaneRef) {
			t.Errorf("%s: %s", name, starts(refs))
		}
	}
}

func TestCorruptLongPaneIsSetAside(t *testing.T) {
	e, b, r := newEpoch(t)
	history(t, e, 5*hour)
	must(t, b.Put(t.Context(), "line/0001/panes/press.sensors.x_-Zk0aSQ2a1b2c3d4e5fg/0/3600000/00000000000000000000", []byte("damaged")))
	want, err := e.MergeRange(t.Context(), -all, all)
	must(t, err)
	now := time.UnixMilli(2*oneDay + 3*hour)
	for range 2 {
		_, err = e.Prune(t.Context(), now, snapshot.DefaultRetention())
		must(t, err)
	}
	found, err := e.MergeRange(t.Context(), -all, all)
	must(t, err)
	refs, err := e.ListPanes(t.Context(), -all, all)
	must(t, err)
	if !found.Equal(want) || len(refs) != 6 {
		t.Errorf("%d of %d records in %s", found.Count(), want.Count(), starts(refs))
	}
	if aside := names(t, b, "line/0001/corrupt/panes/"); len(aside) != 1 || len(r.corrupt) != 1 {
		t.Errorf("set aside %q, reported %q", aside, r.corrupt)
	}
}

// TestUnreadableHourHoldsItsDayBack: an hour that cannot be read now, or that is corrupt while its minutes are still there,
// is a part of its day all the same: the day is not made without it, which would hide it and let it be removed.
func TestUnreadableHourHoldsItsDayBack(t *testing.T) {
	for name, fault := range map[string]buckettest.Fault{"fails": buckettest.Fail, "corrupt": buckettest.Flipped} {
		e, b, _ := newEpoch(t)
		history(t, e, 3*oneDay)
		want, err := e.MergeRange(t.Context(), -all, all)
		must(t, err)
		// A compaction was broken off before it removed the minutes of one hour.
		minutes, err := e.Panes(t.Context(), hour, 2*hour)
		must(t, err)
		now := time.UnixMilli(63 * oneDay)
		_, err = e.Prune(t.Context(), now, snapshot.DefaultRetention())
		must(t, err)
		for _, p := range minutes {
			must(t, e.SavePane(t.Context(), p))
		}
		faulty := buckettest.NewFaulty(b, func(o buckettest.Operation) buckettest.Fault {
			if o.Kind == "get" && strings.HasSuffix(o.Name, fmt.Sprintf("/0/3600000/%020d", hour)) {
				return fault
			}
			return buckettest.None
		})
		// What is wrong with the hour is the error of this prune, and the next one mends it.
		_, _ = open(t, faulty, snapshot.Hooks{}).Prune(t.Context(), now, snapshot.DefaultRetention())
		for range 3 {
			_, err = e.Prune(t.Context(), now, snapshot.DefaultRetention())
			must(t, err)
		}
		found, err := e.MergeRange(t.Context(), -all, all)
		must(t, err)
		if !found.Equal(want) {
			t.Errorf("%s: the panes hold %d records, wanted %d", name, found.Count(), want.Count())
		}
	}
}

// slowly lists the long panes first, as stores do that list in the order of names, and lets something happen before it
// comes to the others.
type slowly struct {
	bucket.Bucket
	meanwhile func()
}

func (b *slowly) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	long := func(o bucket.Object) bool { return strings.Contains(o.Name, "/3600000/") }
	before, err := b.Bucket.List(ctx, prefix)
	if err != nil || !strings.HasSuffix(prefix, "/panes/") || b.meanwhile == nil {
		return before, err
	}
	do := b.meanwhile
	b.meanwhile = nil
	do()
	after, err := b.Bucket.List(ctx, prefix)
	return append(slices.DeleteFunc(before, func(o bucket.Object) bool { return !long(o) }), slices.DeleteFunc(after, long)...), err
}

// TestListingWhileCompacting: a listing is not of one moment. Who lists while panes are merged finds every record all the
// same.
func TestListingWhileCompacting(t *testing.T) {
	e, b, _ := newEpoch(t)
	history(t, e, 5*hour)
	want, err := e.MergeRange(t.Context(), -all, all)
	must(t, err)
	reader := open(t, &slowly{b, func() {
		n, err := e.Prune(t.Context(), time.UnixMilli(3*oneDay), snapshot.DefaultRetention())
		must(t, err)
		if n.Compacted != 6 {
			t.Errorf("compacted %+v", n)
		}
	}}, snapshot.Hooks{})
	found, err := reader.MergeRange(t.Context(), -all, all)
	must(t, err)
	if found == nil || !found.Equal(want) {
		t.Errorf("found %v, wanted %d records", found, want.Count())
	}
}

// hasty lets something happen after its first listing of panes.
type hasty struct {
	bucket.Bucket
	meanwhile func()
}

func (b *hasty) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	listed, err := b.Bucket.List(ctx, prefix)
	if do := b.meanwhile; do != nil && strings.HasSuffix(prefix, "/panes/") {
		b.meanwhile = nil
		do()
	}
	return listed, err
}

// TestCompactionBesideCatchingUp: a sketcher that catches up on old records seals panes and writes states while panes are
// merged. What it seals then is not lost.
func TestCompactionBesideCatchingUp(t *testing.T) {
	e, b, _ := newEpoch(t)
	next := int64(0)
	seal := func(until int64) { // As a sketcher does: the panes, then the state that no longer holds them.
		for ; next < until; next++ {
			must(t, e.SavePane(t.Context(), paneAt(e.Map(), partition(0), next*minute, minute)))
		}
		s := stateAt(e.Map(), partition(0), next)
		s.Watermark, s.Open = next*minute, nil
		must(t, e.SaveState(t.Context(), s))
		_, err := e.PruneStates(t.Context(), partition(0), 1)
		must(t, err)
	}
	seal(100)
	now := time.UnixMilli(3 * oneDay)
	_, err := open(t, &hasty{b, func() { seal(180) }}, snapshot.Hooks{}).Prune(t.Context(), now, snapshot.DefaultRetention())
	must(t, err)
	seal(300)
	for range 3 {
		_, err := e.Prune(t.Context(), now, snapshot.DefaultRetention())
		must(t, err)
	}
	found, err := e.MergeRange(t.Context(), -all, all)
	must(t, err)
	var want *sketch.Accumulator
	for i := range next {
		a := paneAt(e.Map(), partition(0), i*minute, minute).Accumulator
		if want == nil {
			want = a
			continue
		}
		must(t, want.Merge(a))
	}
	if !found.Equal(want) {
		t.Errorf("the panes hold %d records, wanted %d", found.Count(), want.Count())
	}
}

// TestHeldPanesStayShort: what somebody reads pane by pane is not merged, and is again when it is no longer held.
func TestHeldPanesStayShort(t *testing.T) {
	e, _, _ := newEpoch(t)
	history(t, e, 5*hour)
	want, err := e.MergeRange(t.Context(), -all, all)
	must(t, err)
	keep := snapshot.DefaultRetention()
	for _, c := range []struct {
		held []snapshot.Interval
		long int
	}{
		{[]snapshot.Interval{{From: hour + 59*minute, To: 2*hour + minute}}, 2}, // It touches two of three hours.
		{[]snapshot.Interval{{From: hour, To: 2 * hour}}, 4},
		{nil, 6},
	} {
		keep.Held = c.held
		for range 2 {
			_, err := e.Prune(t.Context(), time.UnixMilli(3*oneDay), keep)
			must(t, err)
		}
		refs, err := e.ListPanes(t.Context(), -all, all)
		must(t, err)
		long := 0
		for _, r := range refs {
			if r.Length == hour {
				long++
			}
		}
		if long != c.long {
			t.Errorf("%v held: %d hours, wanted %d", c.held, long, c.long)
		}
		found, err := e.MergeRange(t.Context(), -all, all)
		must(t, err)
		if !found.Equal(want) {
			t.Errorf("%v held: the panes hold %d records, wanted %d", c.held, found.Count(), want.Count())
		}
	}
}

// TestPastOfAnEndedPartitionEnds: no state comes that would let its last hours be merged, and they go all the same.
func TestPastOfAnEndedPartitionEnds(t *testing.T) {
	e, b, _ := newEpoch(t)
	history(t, e, 2*hour)
	for _, days := range []int64{3, 63, 5*365 - 1} {
		_, err := e.Prune(t.Context(), time.UnixMilli(days*oneDay), snapshot.DefaultRetention())
		must(t, err)
	}
	if left := names(t, b, "line/0001/panes/"); len(left) == 0 {
		t.Error("nothing is left before retention ends")
	}
	for range 2 {
		_, err := e.Prune(t.Context(), time.UnixMilli((5*365+1)*oneDay), snapshot.DefaultRetention())
		must(t, err)
	}
	if left := names(t, b, "line/0001/panes/"); len(left) != 0 {
		t.Errorf("%d panes are left", len(left))
	}
}

// TestOddLengths: panes whose length does not divide the hour become panes of a multiple of it.
func TestOddLengths(t *testing.T) {
	e, _, _ := newEpoch(t)
	for i := range int64(20) {
		must(t, e.SavePane(t.Context(), paneAt(e.Map(), partition(0), (i-5)*7*minute, 7*minute)))
	}
	s := stateAt(e.Map(), partition(0), 500)
	s.Watermark, s.Open = 3*oneDay, nil
	must(t, e.SaveState(t.Context(), s))
	want, err := e.MergeRange(t.Context(), -all, all)
	must(t, err)
	_, err = e.Prune(t.Context(), time.UnixMilli(3*oneDay), snapshot.DefaultRetention())
	must(t, err)
	refs, err := e.ListPanes(t.Context(), -all, all)
	must(t, err)
	if found := starts(refs); found != "0:-63+63 0:0+63 0:63+63" {
		t.Errorf("panes %s", found)
	}
	found, err := e.MergeRange(t.Context(), -all, all)
	must(t, err)
	if !found.Equal(want) {
		t.Error("records were lost or doubled")
	}
}

func TestRetention(t *testing.T) {
	good := snapshot.DefaultRetention()
	must(t, good.Validate())
	for name, change := range map[string]func(*snapshot.Retention){
		"no states":   func(r *snapshot.Retention) { r.States = 0 },
		"no models":   func(r *snapshot.Retention) { r.Models = 0 },
		"no levels":   func(r *snapshot.Retention) { r.Panes = nil },
		"short panes": func(r *snapshot.Retention) { r.Panes = r.Panes[1:] },
		"a wrong order": func(r *snapshot.Retention) {
			r.Panes = append(r.Panes[:2:2], snapshot.Level{Length: time.Hour, Keep: time.Hour})
		},
		"kept for no time": func(r *snapshot.Retention) { r.Panes = []snapshot.Level{{Length: 0, Keep: 0}} },
	} {
		r := snapshot.DefaultRetention()
		change(&r)
		e, b, _ := newEpoch(t)
		before := names(t, b, "")
		if _, err := e.Prune(t.Context(), time.Time{}, r); err == nil || r.Validate() == nil || len(names(t, b, "")) != len(before) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPruneStates(t *testing.T) {
	e, b, _ := newEpoch(t)
	p := partition(0)
	for next := range int64(9) {
		must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, next)))
	}
	must(t, e.SaveState(t.Context(), stateAt(e.Map(), partition(1), 5)))
	n, err := e.PruneStates(t.Context(), p, 5)
	must(t, err)
	if left := names(t, b, "line/0001/state/press.sensors.x_-Zk0aSQ2a1b2c3d4e5fg/0/"); n != 4 || len(left) != 5 || left[0] != stateName(p, 4) {
		t.Errorf("removed %d, left %q", n, left)
	}
	// Another process finds the newest four damaged: it keeps them, and the one that loads.
	for next := int64(5); next < 9; next++ {
		must(t, b.Put(t.Context(), stateName(p, next), []byte("damaged")))
	}
	other := open(t, b, snapshot.Hooks{})
	n, err = other.PruneStates(t.Context(), p, 1)
	must(t, err)
	if s, err := other.LoadState(t.Context(), p, nil); n != 0 || err != nil || s.Next != 4 {
		t.Errorf("removed %d; %v", n, err)
	}
	if _, err := other.PruneStates(t.Context(), p, 0); err == nil {
		t.Error("pruned down to nothing")
	}
	if _, err := b.Get(t.Context(), stateName(partition(1), 5)); errors.Is(err, bucket.ErrNotExist) {
		t.Error("the state of another partition is gone")
	}
}
