package trainer

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"phasor/snapshot"
)

func TestRollingFollowsAndLatches(t *testing.T) {
	t.Parallel()
	cfg := often(2000)
	cfg.Mode = ModeRolling
	f := newFeed(t, 31, cfg)
	f.push(10, 0)
	if st := f.m.status; st.Why == "" || !math.IsNaN(st.Statistic) || st.Detector != ModeRolling {
		t.Errorf("while it learns the noise: %+v", st)
	}
	if n := f.push(40, 0); n != 0 {
		t.Errorf("%d false alarms", n)
	}
	change := f.start
	if n := f.push(20, 2); n != 1 {
		t.Fatalf("%d alarms of one change", n)
	}
	a := f.m.status.Alarm
	if a == nil || a.Change < change-2*paneLength || a.Change > change+2*paneLength || !slices.Contains(a.Channels, "a") || len(a.Moves) == 0 || a.Divergence["a"] < .3 || a.Detector != ModeRolling {
		t.Fatalf("the change at %d raised %+v", change, a)
	}
	// The latch holds while the segment goes on, and a later change takes its place.
	if n := f.push(20, -1); n != 1 || f.m.status.Alarm == a || f.m.status.Alarms != 2 {
		t.Errorf("a second change: %d alarms, %+v", n, f.m.status.Alarm)
	}
	if err := f.m.answer(f.m.status.Alarm.Change); err != nil || f.m.status.Alarm != nil {
		t.Errorf("answered: %v, %+v", err, f.m.status.Alarm)
	}
	if n := f.push(20, -1); n != 0 {
		t.Errorf("%d alarms in the new regime", n)
	}
}

func TestShiryaevRobertsMode(t *testing.T) {
	t.Parallel()
	cfg := often(100)
	cfg.Mode = ModeShiryaevRoberts
	f := newFeed(t, 32, cfg)
	f.push(120, 0)
	if f.m.scan != nil || !strings.Contains(f.m.status.Why, "200") {
		t.Errorf("after 120 panes: %q", f.m.status.Why)
	}
	if n := f.push(110, 0); n != 0 || f.m.scan == nil {
		t.Errorf("%d false alarms, %q", n, f.m.status.Why)
	}
	if n := f.push(20, 1); n != 1 {
		t.Fatalf("%d alarms", n)
	}
	if a := f.m.status.Alarm; a.Detector != ModeShiryaevRoberts || !slices.Contains(a.Channels, "a") || a.Window < 1 {
		t.Errorf("%+v", a)
	}
}

func TestCoolDown(t *testing.T) {
	t.Parallel()
	cfg := often(100)
	cfg.Cooldown = 50 * paneLength * time.Millisecond
	f := newFeed(t, 33, cfg)
	f.push(60, 0)
	if n := f.push(30, 2); n != 1 {
		t.Fatalf("%d alarms", n)
	}
	if err := f.m.answer(f.m.status.Alarm.Change); err != nil {
		t.Fatal(err)
	}
	if n := f.push(40, -2); n != 0 {
		t.Errorf("%d alarms while it cools down", n)
	}
	if n := f.push(30, -2); n != 1 {
		t.Errorf("%d alarms afterwards: %+v", n, f.m.status)
	}
}

func TestPassingAlarmLetsGoOfItself(t *testing.T) {
	t.Parallel()
	cfg := often(100)
	cfg.Passing = true
	f := newFeed(t, 34, cfg)
	f.fix(60, 0)
	if n := f.push(5, 3); n != 1 || f.m.status.Alarm == nil {
		t.Fatalf("%d alarms", n)
	}
	f.push(80, 0)
	if f.m.status.Alarm != nil || f.m.status.LastAlarm == nil || f.m.status.ReferencePanes != 60 {
		t.Errorf("the change went and its alarm stayed: %+v", f.m.status)
	}
	if n := f.push(5, 3); n != 1 {
		t.Errorf("the change came back: %d alarms", n)
	}
}

// A reference that is fixed stays: what differs from it alarms once, and again only when it has been like it between.
func TestFixedReferenceStays(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 35, often(100))
	panes := f.quiet(60)
	f.m.await(snapshot.Interval{To: began + 10*paneLength}, 0)
	if err := f.m.fix(panes); err != nil {
		t.Fatal(err)
	}
	if n := f.push(10, 3); n != 0 {
		t.Errorf("%d alarms before the end of the reference", n)
	}
	if n := f.push(10, 3); n != 1 {
		t.Fatalf("%d alarms", n)
	}
	if err := f.m.answer(f.m.status.Alarm.Change); err != nil {
		t.Fatal(err)
	}
	if n := f.push(20, 3); n != 0 || f.m.status.ReferencePanes != 60 || !f.m.status.Fixed || len(f.m.ref) != 60 {
		t.Errorf("acknowledged, and %d alarms more; a reference of %d panes", n, len(f.m.ref))
	}
	f.push(80, 0)
	if n := f.push(10, 3); n != 1 {
		t.Errorf("%d alarms when it differs again", n)
	}
	few := newFeed(t, 36, often(100))
	few.m.await(snapshot.Interval{To: began}, 0)
	if err := few.m.fix(panes[:5]); err != nil || !strings.Contains(few.m.status.Why, "not enough history") {
		t.Errorf("5 panes: %v, %q", err, few.m.status.Why)
	}
	if few.push(40, 0); few.m.scan != nil || few.m.status.Why == "" {
		t.Error("a reference of 5 panes grew")
	}
}

func TestModesAreChecked(t *testing.T) {
	r := newRig(t, 1, 37)
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for what, change := range map[string]func(*Config){
		"drift.mode":      func(c *Config) { c.Mode = "x" },
		"must end":        func(c *Config) { c.ReferenceFrom = day },
		"would not be":    func(c *Config) { c.Mode, c.ReferenceModel = ModeRolling, true },
		"drift.cooldown":  func(c *Config) { c.Cooldown = -1 },
		"drift.reference": func(c *Config) { c.ReferenceFrom, c.ReferenceTo = day, day.Add(-1) },
	} {
		cfg, _ := r.config(r.bucket)
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
