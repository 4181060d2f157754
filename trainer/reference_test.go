package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/trainer/generator"
)

// fix gives the monitor a fixed reference of n quiet panes. A change was answered at a time, or 0.
func (f *feed) fix(n int, change int64) {
	f.t.Helper()
	var panes []*sketch.Accumulator
	for range n {
		panes = append(panes, f.acc(perPane, 0))
	}
	f.m.await(snapshot.Interval{To: began}, change)
	if err := f.m.fix(panes); err != nil || f.m.scan == nil {
		f.t.Fatalf("%v, %q", err, f.m.status.Why)
	}
}

// Evidence that a long change has left behind does not hide the next one.
func TestEvidenceOfAnAlarmThatIsOverIsGone(t *testing.T) {
	t.Parallel()
	cfg := often(300)
	cfg.Mode = ModeShiryaevRoberts
	f := newFeed(t, 41, cfg)
	f.fix(220, 0)
	if n := f.push(100, 1); n != 1 {
		t.Fatalf("%d alarms", n)
	}
	if err := f.m.answer(f.m.status.Alarm.Change); err != nil {
		t.Fatal(err)
	}
	if n := f.push(100, 1); n != 0 || f.m.armed {
		t.Errorf("%d alarms of a change that goes on, armed %v", n, f.m.armed)
	}
	f.push(80, 0)
	if n := f.push(30, 1.5); n != 1 {
		t.Errorf("%d alarms of the next change", n)
	}

	cfg.Passing = true
	f = newFeed(t, 42, cfg)
	f.fix(220, 0)
	if n := f.push(100, 1); n != 1 || f.m.status.Alarm == nil {
		t.Fatalf("%d alarms, %+v", n, f.m.status.Alarm)
	}
	if n := f.push(80, 0); n != 0 || f.m.status.Alarm != nil {
		t.Errorf("%d alarms when the change is over, and it is latched: %v", n, f.m.status.Alarm != nil)
	}
}

// An alarm that passes leaves the reference as it was, so that what comes after it is found as soon as before.
func TestPassingAlarmKeepsTheReference(t *testing.T) {
	t.Parallel()
	cfg := often(300)
	cfg.Passing = true
	for _, panes := range []int{1, 5} {
		f := newFeed(t, 43, cfg)
		f.push(200, 0)
		had := len(f.m.ref)
		if n := f.push(panes, 3); n != 1 {
			t.Fatalf("%d alarms of %d panes", n, panes)
		}
		if n := f.push(80, 0); n != 0 || f.m.status.Alarm != nil || len(f.m.ref) < had {
			t.Errorf("%d panes: %d alarms more, latched %v, %d panes of reference where there were %d", panes, n, f.m.status.Alarm != nil, len(f.m.ref), had)
		}
		if n := f.push(30, 1); n != 1 {
			t.Errorf("%d panes: %d alarms of the next change", panes, n)
		}
	}
}

func TestPanesOfTooFewRecordsSayNothing(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 44, often(100))
	f.push(60, 0)
	for range 10 {
		if _, err := f.m.push(timedPane{f.start, f.acc(5, 8)}); err != nil {
			t.Fatal(err)
		}
		f.start += paneLength
	}
	if st := f.m.status; st.Statistic == st.Statistic || !strings.Contains(st.Why, "too few records") {
		t.Errorf("%+v", st)
	}
	if f.push(1, 0); !(f.m.status.Threshold > 0) || f.m.status.Why != "" {
		t.Errorf("%+v", f.m.status)
	}
	rolling := often(2000)
	rolling.Mode = ModeRolling
	f = newFeed(t, 45, rolling)
	f.push(60, 0)
	for range 10 {
		if _, err := f.m.push(timedPane{f.start, f.acc(5, 8)}); err != nil {
			t.Fatal(err)
		}
		f.start += paneLength
	}
	if st := f.m.status; st.Statistic == st.Statistic || !strings.Contains(st.Why, "too few records") {
		t.Errorf("rolling: %+v", st)
	}
}

// What the rolling mode finds while it cools down is told when it has, if it lasts or not: its segment has begun anew, and
// the change would not be found again.
func TestRollingAlarmWaitsForTheCoolDown(t *testing.T) {
	t.Parallel()
	cfg := often(2000)
	cfg.Mode, cfg.Cooldown = ModeRolling, 50*paneLength*time.Millisecond
	f := newFeed(t, 31, cfg)
	f.push(60, 0)
	if n := f.push(20, 2); n != 1 {
		t.Fatalf("%d alarms", n)
	}
	if err := f.m.answer(f.m.status.Alarm.Change); err != nil {
		t.Fatal(err)
	}
	change := f.start
	if n := f.push(40, -2); n != 0 || f.m.status.Alarm != nil {
		t.Errorf("%d alarms while it cools down", n)
	}
	if n := f.push(20, -2); n != 1 || f.m.status.Alarm == nil || f.m.status.Alarm.Change < change {
		t.Errorf("%d alarms afterwards: %+v", n, f.m.status.Alarm)
	}
}

// against is a configuration whose reference is n panes from the beginning on.
func (r *rig) against(n int) Config {
	cfg, _ := r.config(r.bucket)
	cfg.ReferenceFrom, cfg.ReferenceTo = time.UnixMilli(began), time.UnixMilli(began+int64(n)*paneLength)
	return cfg
}

// A change that grows slowly keeps its alarm, however often the statistic falls below the threshold while it does.
func TestPassingAlarmOfASlowChangeStays(t *testing.T) {
	t.Parallel()
	cfg := often(300)
	cfg.FalseAlarms = 1000 * paneLength * time.Millisecond
	cfg.Passing = true
	for seed := uint64(100); seed < 106; seed++ {
		f := newFeed(t, seed, cfg)
		f.push(320, 0)
		for k := range 400 { // Up to one standard deviation, which then stays.
			f.push(1, min(1, float64(k)/200))
		}
		if st := f.m.status; st.Alarm == nil || !(st.Statistic > st.Threshold) {
			t.Errorf("statistic %v of %v, latched: %v", st.Statistic, st.Threshold, st.Alarm != nil)
		}
	}
}

// A reference whose end has not come yet is waited for, and what comes after it is scanned.
func TestReferenceIsReadOnceItIsComplete(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 51)
	r.panes(30, quiet)
	s, _ := r.start(r.against(60))
	r.wait("a look", func() bool { return strings.Contains(s.Status().Drift.Why, "panes are complete until") })
	r.panes(35, quiet)
	r.wait("the reference", func() bool { return s.Status().Drift.ReferencePanes == 60 })
	r.panes(10, shifted)
	r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
}

// A restart long after finds the panes of the reference as they were, and says so when it cannot.
func TestReferenceOutlivesCompaction(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{true, false} {
		r := newRig(t, 1, 52)
		r.panes(5*3600/2, quiet) // Two and a half hours, of seconds.
		cfg := r.against(300)
		s, err := New(cfg)
		r.must(err)
		s.cutting.length = paneLength
		s.monitor = newMonitor(testMap(), &cfg, cutting{paneLength, paneLength})
		retention := snapshot.DefaultRetention()
		if held {
			s.monitor.await(snapshot.Interval{From: began, To: began + 300*paneLength}, 0)
			held := s.held(frontier{until: began + 400*paneLength}, time.Now())
			retention.Held = held[:1] // Not what has not been scanned.
		}
		for range 2 {
			_, err := r.epoch.Prune(t.Context(), time.UnixMilli(began).AddDate(0, 0, 7), retention)
			r.must(err)
		}
		s, stop := r.start(cfg)
		if held {
			r.wait("the reference", func() bool { return s.Status().Drift.ReferencePanes == 300 })
		} else {
			r.wait("the reason", func() bool { return strings.Contains(s.Status().Drift.Why, "merged into longer ones") })
		}
		stop()
	}
}

// A model that answers an alarm begins the regime for those after it, and a restart raises no alarm that was answered, also
// when the reference is fixed.
func TestRegimeOutlivesItsAnswer(t *testing.T) {
	t.Parallel()
	shifted := func(rng *rand.Rand) [2]float64 { // So little that one pane does not show it.
		return [2]float64{rng.NormFloat64() + .5, rng.NormFloat64()}
	}
	r := newRig(t, 1, 53)
	r.panes(60, quiet)
	cfg := r.against(60)
	cfg.Every = 50 * time.Millisecond
	s, stop := r.start(cfg)
	r.waitVersion(s, 1)
	r.panes(40, shifted)
	r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
	change := s.Status().Drift.Alarm.Change
	r.panes(20, shifted)
	r.wait("the answer", func() bool { return s.Status().Drift.Alarm == nil })
	answer := s.Status().Version
	r.panes(20, shifted)
	r.wait("the model after it", func() bool { return s.Status().Version > answer })
	if c := r.card(answer + 1); c.From != change || c.Change != change || c.Drifting {
		t.Errorf("the model after the answer learned from %d on, the change was at %d: %+v", c.From, change, c)
	}
	stop()
	s, _ = r.start(cfg)
	r.wait("the reference", func() bool { return s.Status().Drift.ReferencePanes == 60 })
	r.looks(s, 3)
	if st := s.Status().Drift; st.Alarm != nil || st.Alarms != 0 {
		t.Errorf("after a restart: %+v", st.Alarm)
	}
	r.panes(150, quiet)
	r.looks(s, 3)
	r.panes(40, shifted)
	r.wait("an alarm of the next change", func() bool { return s.Status().Drift.Alarms == 1 })
}

// An alarm that no fit can answer does not make the trainer fit again and again.
func TestAlarmThatNoFitAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 54)
	r.panes(60, quiet)
	cfg, _ := r.config(r.bucket)
	cfg.Horizon.All, cfg.Settle, cfg.Budget = true, 1, 10*time.Millisecond
	s, _ := r.start(cfg)
	r.waitVersion(s, 1)
	r.panes(30, shifted)
	r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
	time.Sleep(300 * time.Millisecond) // Many budgets.
	r.looks(s, 3)
	if st := s.Status(); st.Version != 1 || st.Drift.Alarm == nil {
		t.Errorf("version %d, latched %v", st.Version, st.Drift.Alarm != nil)
	}
}

func TestWhatIsHeldStaysShort(t *testing.T) {
	cfg := often(100)
	cfg = cfg.withDefaults()
	s := &Service{cfg: cfg, monitor: newMonitor(testMap(), &cfg, cutting{paneLength, paneLength})}
	until := began + 5000*paneLength
	now := time.UnixMilli(began)
	check := func(what string, f int64, want ...snapshot.Interval) {
		t.Helper()
		now = now.Add(pruneEvery)
		if held := s.held(frontier{until: f}, now); !slices.Equal(held, want) {
			t.Errorf("%s: %v, wanted %v", what, held, want)
		}
	}
	check("nothing is complete", math.MinInt64)
	check("the first prune", until, snapshot.Interval{From: until - 100*paneLength, To: math.MaxInt64})
	until += pruneEvery.Milliseconds()
	check("event time goes as the clock does", until, snapshot.Interval{From: until - 100*paneLength, To: until})
	until += 3 * pruneEvery.Milliseconds()
	check("event time catches up", until, snapshot.Interval{From: until - 100*paneLength, To: math.MaxInt64})
	check("it stands still", until, snapshot.Interval{From: until - 100*paneLength, To: until})
	s.monitor.status.Alarm = &Alarm{Change: until - 50*paneLength}
	check("an alarm is latched", until, snapshot.Interval{From: until - 150*paneLength, To: until})
	s.monitor.status.Alarm.Change = began
	check("for long", until, snapshot.Interval{From: until - 2100*paneLength, To: until})
	s.monitor.status.Alarm = nil
	s.monitor.await(snapshot.Interval{From: began, To: began + 10*paneLength}, 0)
	check("a given reference", until, s.monitor.reference, snapshot.Interval{From: until - 100*paneLength, To: until})
	s.monitor.await(snapshot.Interval{From: began, To: until}, 0)
	check("a long one", math.MinInt64, snapshot.Interval{From: until - MaxReference*paneLength, To: until})
}

// A model of the newest panes does not say that the stream has changed.
func TestHorizonIsNoChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 55)
	r.panes(90, quiet)
	cfg := r.against(60)
	cfg.Horizon.Last, cfg.Every, cfg.Settle = 25*paneLength*time.Millisecond, 50*time.Millisecond, 1<<30
	for version := 1; version <= 2; version++ {
		s, stop := r.start(cfg)
		r.panes(20, quiet)
		r.wait("a model", func() bool { return s.Status().Version >= version })
		stop()
		if c := r.card(version); c.From <= began+60*paneLength || c.Change != 0 {
			t.Errorf("version %d learned from %d on, and says a change was at %d", version, c.From, c.Change)
		}
	}
	r.panes(10, shifted)
	for range 2 { // The alarm is raised again after a restart, as nothing has answered it.
		s, stop := r.start(cfg)
		r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
		stop()
	}
}

// A cool-down outlives the models that follow, also where each of them becomes the reference.
func TestCoolDownOutlivesTheReference(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 56)
	r.panes(90, quiet)
	cfg, _ := r.config(r.bucket)
	cfg.FalseAlarms = 100_000 * paneLength * time.Millisecond
	cfg.ReferenceModel, cfg.Horizon.Last, cfg.Every, cfg.Settle = true, 60*paneLength*time.Millisecond, 50*time.Millisecond, 25
	cfg.Cooldown = 10_000 * paneLength * time.Millisecond
	s, _ := r.start(cfg)
	r.waitVersion(s, 1)
	r.wait("a reference", func() bool { return s.Status().Drift.ReferencePanes > 0 })
	r.panes(10, shifted)
	r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
	r.panes(30, shifted)
	r.wait("the answer", func() bool { return s.Status().Drift.Alarm == nil && !s.Status().Fitting })
	version := s.Status().Version
	r.panes(20, shifted)
	r.wait("the next model", func() bool { return s.Status().Version > version && !s.Status().Fitting })
	r.looks(s, 3)
	r.panes(20, quiet)
	r.looks(s, 5)
	if st := s.Status().Drift; st.Alarms != 1 {
		t.Errorf("%d alarms, the second within the cool-down", st.Alarms)
	}
}

// A fit that answers an alarm is given up when the alarm passes: it learns what has gone.
func TestAnswerOfAPassedAlarmIsPointless(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 57)
	r.panes(60, quiet)
	cfg, _ := r.config(r.bucket)
	cfg.Passing, cfg.Settle, cfg.Records = true, 5, 100
	cfg.FalseAlarms = 100_000 * paneLength * time.Millisecond
	s, err := New(cfg)
	r.must(err)
	first, began, ended := true, make(chan bool, 1), make(chan error, 1)
	s.fit = func(ctx context.Context, f *generator.Fitter, budget, finish time.Duration, at time.Time) error {
		if first {
			first = false
			return fit(ctx, f, budget, finish, at)
		}
		began <- true
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return context.Cause(ctx)
	}
	r.run(s)
	r.waitVersion(s, 1)
	r.panes(9, shifted)
	<-began // The fit that answers the alarm.
	r.panes(120, quiet)
	r.wait("its passing", func() bool { return s.Status().Drift.Alarm == nil })
	r.wait("the end of the fit", func() bool {
		select {
		case err := <-ended:
			if !errors.Is(err, errPointless) {
				t.Errorf("the fit ended with %v", err)
			}
			return true
		default:
			return false
		}
	})
}

// A restart raises the alarm again that nobody has answered, also when one was answered before and little came between.
func TestRestartKeepsTheSecondAlarm(t *testing.T) {
	t.Parallel()
	for mode, panes := range map[string][]int{ModeScan: {30, 70}, ModeShiryaevRoberts: {100}} { // Evidence needs longer.
		for _, between := range panes {
			cfg := often(300)
			cfg.Mode = mode
			f := newFeed(t, 58, cfg)
			f.fix(220, 0)
			change := f.start
			again := newFeed(t, 58, cfg)
			again.fix(220, change)
			for _, g := range []*feed{f, again} {
				g.push(20, 1)
				if g == f {
					if err := f.m.answer(f.m.status.Alarm.Change); err != nil {
						t.Fatal(err)
					}
				}
				g.push(between, 0)
				if n := g.push(30, 1.5); n != 1 || g.m.status.Alarm == nil {
					t.Errorf("%s, %d panes between, restarted %v: %d alarms", mode, between, g == again, n)
				}
			}
		}
	}
}

// A pane that is removed while the reference is read does not cut it short, and one failed read does not put it off.
func TestReferenceIsReadWhole(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{bucket.ErrNotExist, errors.New("away")} {
		r := newRig(t, 1, 59)
		r.panes(70, quiet)
		b := &oneFault{Bucket: r.bucket, err: fault, name: fmt.Sprintf("/%020d", began+30*paneLength)}
		cfg, _ := r.config(b)
		cfg.ReferenceFrom, cfg.ReferenceTo = time.UnixMilli(began), time.UnixMilli(began+60*paneLength)
		s, _ := r.start(cfg)
		r.wait("the reference", func() bool { return s.Status().Drift.ReferencePanes == 60 })
		if !b.failed.Load() {
			t.Error("no read failed")
		}
	}
}

// oneFault fails the first read of an object.
type oneFault struct {
	bucket.Bucket
	name   string
	err    error
	failed atomic.Bool
}

func (b *oneFault) Get(ctx context.Context, name string) ([]byte, error) {
	if strings.HasSuffix(name, b.name) && !b.failed.Swap(true) {
		return nil, b.err
	}
	return b.Bucket.Get(ctx, name)
}
