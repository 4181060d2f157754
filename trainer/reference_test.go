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

	"phasor/snapshot"
	"phasor/snapshot/bucket"
)

// against is a configuration whose reference is n panes from the beginning on.
func (r *rig) against(n int) Config {
	cfg, _ := r.config(r.bucket)
	cfg.ReferenceFrom, cfg.ReferenceTo = time.UnixMilli(began), time.UnixMilli(began+int64(n)*paneLength)
	return cfg
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
