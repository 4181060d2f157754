package trainer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"phasor/sketcher/sketch"
)

// feed pushes panes of independent records.
type feed struct {
	t     *testing.T
	m     *monitor
	rng   *rand.Rand
	start int64
	refs  []int // Panes of each reference that was made, in turn.
}

func newFeed(t *testing.T, seed uint64, cfg Config) *feed {
	t.Logf("seed %d", seed)
	cfg = cfg.withDefaults()
	cfg.Drift.Seed, cfg.Drift.Simulations = 1, 100
	return &feed{t: t, m: newMonitor(testMap(), &cfg, cutting{paneLength, paneLength}), rng: rand.New(rand.NewPCG(seed, 3)), start: began}
}

func (f *feed) acc(n int, mean float64) *sketch.Accumulator {
	a := sketch.New(testMap())
	for range n {
		q := make([]int32, 2)
		testMap().Quantise(q, []float64{mean + f.rng.NormFloat64(), f.rng.NormFloat64()})
		a.Fold(q)
	}
	return a
}

// quiet returns n panes without a change.
func (f *feed) quiet(n int) (panes []*sketch.Accumulator) {
	for range n {
		panes = append(panes, f.acc(perPane, 0))
	}
	return panes
}

// push pushes n panes and returns the alarms that they raised.
func (f *feed) push(n int, mean float64) (alarms int) {
	f.t.Helper()
	for range n {
		raised, err := f.m.push(timedPane{f.start, f.acc(perPane, mean)})
		if err != nil {
			f.t.Fatal(err)
		}
		if raised {
			alarms++
		}
		if k := f.m.status.ReferencePanes; k > 0 && (len(f.refs) == 0 || f.refs[len(f.refs)-1] != k) {
			f.refs = append(f.refs, k)
		}
		f.start += paneLength
	}
	return alarms
}

// often asks for one false alarm in 100,000 panes, so that a quiet test has none.
func often(reference int) Config {
	return Config{FalseAlarms: 100_000 * paneLength * time.Millisecond, Reference: time.Duration(reference) * paneLength * time.Millisecond}
}

func TestReferenceGrowsByDoubling(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 1, often(100))
	if f.m.status.Why == "" || !math.IsNaN(f.m.status.Statistic) {
		t.Errorf("before the first pane: %+v", f.m.status)
	}
	if n := f.push(19, 0); n != 0 || f.m.scan != nil || f.m.status.Why == "" || !math.IsNaN(f.m.status.PValue) {
		t.Errorf("19 panes: %d alarms, %+v", n, f.m.status)
	}
	f.push(1, 0)
	if f.m.scan == nil || f.m.status.ReferencePanes != 20 || !(f.m.status.Threshold > 0) {
		t.Errorf("20 panes: %+v", f.m.status)
	}
	if n := f.push(230, 0); n != 0 {
		t.Errorf("%d false alarms", n)
	}
	if want := []int{20, 40, 80, 100}; !slices.Equal(f.refs, want) {
		t.Errorf("references of %v panes, wanted %v", f.refs, want)
	}
	st := f.m.status
	if st.Why != "" || math.IsNaN(st.Statistic) || math.IsNaN(st.PValue) || !(st.EffectiveRatio > 0) || st.Pane != f.start-paneLength ||
		st.TargetRunLength != 100_000*paneLength*time.Millisecond || len(f.m.ref) != 100 || len(f.m.after) > 64 {
		t.Errorf("%+v, %d panes kept, %d after", st, len(f.m.ref), len(f.m.after))
	}
}

func TestQuietStreamsRaiseNoAlarm(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		f := newFeed(t, 100+seed, often(2000))
		if n := f.push(130, 0); n != 0 {
			t.Errorf("seed %d: %d alarms: %+v", seed, n, f.m.status.LastAlarm)
		}
	}
}

func TestAlarmLatchesUntilAnswered(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 2, often(2000))
	f.push(60, 0)
	change := f.start
	if n := f.push(40, 2); n != 1 {
		t.Fatalf("%d alarms, wanted one that latches", n)
	}
	a := f.m.status.Alarm
	if a == nil || a != f.m.status.LastAlarm || f.m.status.Alarms != 1 || a.Pane < change || a.Pane > change+5*paneLength ||
		a.Change > a.Pane || a.Change != a.Pane-int64(a.Window-1)*paneLength || !(a.Statistic > a.Threshold) || !slices.Contains(a.Channels, "a") || a.Group == "" {
		t.Fatalf("the change at %d raised %+v", change, a)
	}
	if f.m.status.Pane != f.start-paneLength {
		t.Error("the scan stands still while the alarm is latched")
	}
	if err := f.m.answer(a.Change); err != nil {
		t.Fatal(err)
	}
	if f.m.status.Alarm != nil || f.m.status.LastAlarm != a || f.m.status.Alarms != 1 {
		t.Errorf("answered: %+v", f.m.status)
	}
	// All panes after the change are the reference: the new regime is quiet, and the old one an alarm.
	if want := int((f.start - a.Change) / paneLength); f.m.status.ReferencePanes != want {
		t.Errorf("a reference of %d panes, wanted %d", f.m.status.ReferencePanes, want)
	}
	if n := f.push(40, 2); n != 0 {
		t.Errorf("%d alarms in the new regime: %+v", n, f.m.status.LastAlarm)
	}
	if n := f.push(20, 0); n != 1 || f.m.status.Alarms != 2 {
		t.Errorf("back to the old regime: %d alarms", n)
	}
}

func TestAnswerWithFewPanesWaitsForMore(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 3, often(2000))
	f.push(40, 0)
	for f.m.status.Alarm == nil {
		if f.start > began+1000*paneLength {
			t.Fatal("no alarm")
		}
		f.push(1, 3)
	}
	if err := f.m.answer(f.m.status.Alarm.Change); err != nil {
		t.Fatal(err)
	}
	if f.m.scan != nil || f.m.status.ReferencePanes != 0 || f.m.status.Why == "" || !math.IsNaN(f.m.status.Threshold) {
		t.Errorf("%+v", f.m.status)
	}
	have := len(f.m.ref)
	f.push(19-have, 3)
	if f.m.scan != nil {
		t.Error("a reference of fewer than 20 panes")
	}
	f.push(1, 3)
	if f.m.status.ReferencePanes != 20 {
		t.Errorf("a reference of %d panes", f.m.status.ReferencePanes)
	}
}

func TestPanesOfThePastAreIgnored(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 4, often(2000))
	f.m.since = began + 5*paneLength
	f.push(10, 0)
	if len(f.m.ref) != 5 {
		t.Errorf("%d panes since the change, wanted 5", len(f.m.ref))
	}
	for _, start := range []int64{f.start - paneLength, began, math.MinInt64} {
		if raised, err := f.m.push(timedPane{start, f.acc(perPane, 0)}); raised || err != nil || len(f.m.ref) != 5 {
			t.Errorf("the pane at %d again: %v, %v, %d panes", start, raised, err, len(f.m.ref))
		}
	}
}

// The panes of a window need not follow each other: the change is where its first pane starts, however much time there
// is between them.
func TestChangeIsFoundOverGaps(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 5, often(2000))
	var starts []int64
	for range 120 {
		starts = append(starts, f.start)
		f.push(1, 0)
	}
	for f.m.status.Alarm == nil && len(starts) < 160 {
		f.start += 10 * paneLength
		starts = append(starts, f.start)
		f.push(1, 0.27)
	}
	a := f.m.status.Alarm
	if a == nil || a.Window < 2 {
		t.Fatalf("%d panes, %+v", len(starts), a)
	}
	if want := starts[len(starts)-a.Window]; a.Change != want {
		t.Errorf("the change is at %d, the window begins at %d", a.Change, want)
	}
	if len(f.m.after) != a.Window || f.m.after[0].start != a.Change {
		t.Errorf("%d panes since the change, wanted %d", len(f.m.after), a.Window)
	}
}

func TestSmallPanesAreSkipped(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 6, often(2000))
	f.push(40, 0)
	before := f.m.status
	raised, err := f.m.push(timedPane{f.start, f.acc(2, 100)})
	if after := f.m.status; raised || err != nil || after.Statistic != before.Statistic || after.Pane != f.start || len(f.m.ref) != 40 {
		t.Errorf("%v, %v, %+v", raised, err, after)
	}
}

// Two levels that take turns have no steady reference of 20 panes: there is no threshold, the reason is given, and the
// memory stays bounded until the stream is steady.
func TestUnsteadyStreamHasNoReference(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 7, often(20))
	for i := range 100 {
		f.push(1, float64(i/10%2)*3)
		if len(f.m.ref) > 20 {
			t.Fatalf("%d panes kept", len(f.m.ref))
		}
	}
	if f.m.scan != nil || f.m.status.Why == "" || !math.IsNaN(f.m.status.Threshold) {
		t.Errorf("%+v", f.m.status)
	}
	f.push(40, 3)
	if f.m.scan == nil || f.m.status.Why != "" {
		t.Errorf("no reference after 40 steady panes: %s", f.m.status.Why)
	}
}
