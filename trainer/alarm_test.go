package trainer

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"phasor/trainer/generator"
)

func TestChangeIsAlarmedAndAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, 5)
	r.panes(60, quiet)
	cfg, rec := r.config(r.bucket)
	s, stop := r.start(cfg)
	r.waitVersion(s, 1)
	if st := s.Status(); st.Drift.Alarm != nil || st.Drift.ReferencePanes == 0 {
		t.Fatalf("a quiet stream: %+v", st.Drift)
	}
	change := r.parts[0].time
	r.panes(5, shifted)
	r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
	a := s.Status().Drift.Alarm
	if a.Change != change || !slices.Contains(a.Channels, "a") {
		t.Errorf("the change at %d: %+v", change, a)
	}
	r.panes(20, shifted)
	r.waitVersion(s, 2) // Although Every is an hour.
	r.wait("the alarm to be let go", func() bool { return s.Status().Drift.Alarm == nil })
	c := r.card(2)
	if c.Answers == nil || c.Answers.Change != a.Change || c.From != a.Change || c.To <= c.From || c.Records < 500 || c.Records > 2*25*perPane {
		t.Errorf("the card of the answer: %+v", c)
	}
	if mean := r.mean(2); math.Abs(mean-3) > 0.5 {
		t.Errorf("the answer's channel has mean %v, wanted that of the records after the change, 3", mean)
	}
	g, err := r.epoch.Current(context.Background())
	r.must(err)
	if g.Reason != "refit after drift" {
		t.Errorf("%+v", g)
	}
	r.panes(30, shifted)
	r.wait("a new reference", func() bool { return s.Status().Drift.ReferencePanes >= 20 })
	if st := s.Status(); st.Drift.Alarm != nil || st.Drift.LastAlarm == nil || st.Drift.Alarms != 1 || get(rec, func() int { return rec.alarms }) != 1 {
		t.Errorf("the new regime: %+v", st.Drift)
	}
	stop()
	// Another process begins after the change and does not find it again.
	s, _ = r.start(cfg)
	r.wait("a reference", func() bool { return s.Status().Drift.ReferencePanes >= 20 })
	r.looks(s, 2)
	if st := s.Status(); st.Drift.Alarms != 0 || st.Version != 2 {
		t.Errorf("after a restart: %+v", st)
	}
}

// mean is the mean of the first channel of what a version generates.
func (r *rig) mean(version int) (mean float64) {
	v, err := loadVersion(context.Background(), r.epoch, version)
	r.must(err)
	const n = 4000
	for i, x := range v.model.Sample(n, 1) {
		if i%2 == 0 {
			mean += x / n
		}
	}
	return mean
}

func TestAcknowledgeLetsGo(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 6)
	r.panes(60, quiet)
	cfg, rec := r.config(r.bucket)
	cfg.Settle = 1 << 30 // No fit answers.
	s, _ := r.start(cfg)
	r.waitVersion(s, 1)
	r.panes(30, shifted)
	r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
	r.looks(s, 3)
	if s.Status().Drift.Alarm == nil {
		t.Error("the alarm does not latch")
	}
	r.must(s.Acknowledge(0))
	_ = s.Acknowledge(0) // Too late, or as good as once.
	r.wait("the alarm to be let go", func() bool { return s.Status().Drift.Alarm == nil })
	r.wait("a reference of the new regime", func() bool { return s.Status().Drift.ReferencePanes >= 20 })
	if st := s.Status(); st.Version != 1 || st.Drift.Alarms != 1 || get(rec, func() int { return rec.alarms }) != 1 {
		t.Errorf("%+v", st)
	}
}

// Nothing lets go of an alarm but who names it: not who came before it was found, nor who meant another one.
func TestAcknowledgeNamesItsAlarm(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 8)
	r.panes(60, quiet)
	r.panes(10, shifted)
	cfg, _ := r.config(r.bucket)
	cfg.Settle = 1 << 30 // No fit answers.
	s, err := New(cfg)
	r.must(err)
	if err := s.Acknowledge(0); err == nil || !strings.Contains(err.Error(), "no alarm is latched") {
		t.Errorf("before the first look: %v", err)
	}
	r.run(s)
	r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
	pane := s.Status().Drift.Alarm.Pane
	if err := s.Acknowledge(pane - paneLength); err == nil || !strings.Contains(err.Error(), "by its own pane") {
		t.Errorf("the pane before: %v", err)
	}
	s.acknowledge <- pane - paneLength // It was latched when it was acknowledged.
	r.looks(s, 3)
	if s.Status().Drift.Alarm == nil {
		t.Fatal("an alarm that nobody named was let go")
	}
	r.must(s.Acknowledge(pane))
	r.wait("the alarm to be let go", func() bool { return s.Status().Drift.Alarm == nil })
}

// A fit of the old regime is ended by an alarm: it publishes nothing and is no error, and the answer takes its place.
func TestAlarmEndsTheFitOfTheOldRegime(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 7)
	r.panes(60, quiet)
	cfg, rec := r.config(r.bucket)
	s, err := New(cfg)
	r.must(err)
	ended, began, fits := make(chan error, 1), make(chan bool, 2), new(atomic.Int32)
	s.fit = func(ctx context.Context, f *generator.Fitter, budget, finish time.Duration, at time.Time) error {
		began <- true
		if fits.Add(1) > 1 {
			return fit(ctx, f, budget, finish, at)
		}
		<-ctx.Done() // It would run for very long.
		ended <- context.Cause(ctx)
		return context.Cause(ctx)
	}
	stop := r.run(s)
	<-began
	r.panes(30, shifted)
	<-began // The answer does not wait for Every, which is an hour.
	if err := <-ended; !errors.Is(err, errPointless) {
		t.Errorf("the first fit ended with %v", err)
	}
	r.waitVersion(s, 1)
	stop()
	if c := r.card(1); c.Answers == nil || c.From != c.Answers.Change {
		t.Errorf("%+v", c)
	}
	if st := s.Status(); !reflect.DeepEqual(st.RefitResults, map[string]int{"published": 1}) || st.LastError != "" || !slices.Equal(rec.refits, []string{"published"}) {
		t.Errorf("%+v, the hooks heard %v", st, rec.refits)
	}
}
