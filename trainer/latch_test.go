package trainer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/trainer/generator"
)

// fix gives the monitor a fixed reference of n quiet panes. A change was answered at a time, or 0.
func (f *feed) fix(n int, change int64) {
	f.t.Helper()
	f.m.await(snapshot.Interval{To: began}, change)
	if err := f.m.fix(f.quiet(n)); err != nil || f.m.scan == nil {
		f.t.Fatalf("%v, %q", err, f.m.status.Why)
	}
}

// few pushes n panes of too few records to be scanned.
func (f *feed) few(n int) {
	f.t.Helper()
	for range n {
		if _, err := f.m.push(timedPane{f.start, f.acc(5, 8)}); err != nil {
			f.t.Fatal(err)
		}
		f.start += paneLength
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
	f.few(10)
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
	f.few(10)
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
