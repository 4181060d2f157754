package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket/buckettest"
	"phasor/trainer/generator"
)

func TestFirstFitIsPublishedWithItsCard(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, 1)
	cfg, rec := r.config(r.bucket)
	s, _ := r.start(cfg)
	r.looks(s, 2)
	if st := s.Status(); st.Version != 0 || st.LastError != "" || s.Ready() != nil || s.Live() != nil {
		t.Fatalf("an empty store: %+v", st)
	}
	r.panes(4, quiet)
	r.looks(s, 3)
	if st := s.Status(); st.Records != 2*4*perPane || st.Partitions != 2 || st.Version != 0 || st.Fitting {
		t.Fatalf("too few records: %+v", st)
	}
	r.panes(6, quiet)
	r.waitVersion(s, 1)
	st, c := s.Status(), r.card(1)
	if st.Drift.Pane == 0 || !st.Evaluated || st.Evaluation.HeldOut == 0 || !st.Published.Equal(c.Created) {
		t.Errorf("%+v", st)
	}
	if c.Sketch != "line" || c.Epoch != 1 || c.Map != testMap().Fingerprint() || !slices.Equal(c.Channels, []string{"a", "b"}) ||
		c.Records != 2*10*perPane || c.Folded != c.Records || c.From != 0 || c.To != 0 || c.Seed != 1 || c.Steps != 150 || c.Warm != 0 || c.Answers != nil {
		t.Errorf("%+v", c)
	}
	if want := []CardRange{{"t", "id", 0, 0, 10 * perPane}, {"t", "id", 1, 0, 10 * perPane}}; !slices.Equal(c.Partitions, want) {
		t.Errorf("the card's partitions: %v", c.Partitions)
	}
	if c.Loss != cardLoss(st.Evaluation) || c.Gaussian.HeldOut == 0 || c.Gaussian == c.Loss || !(c.Loss.Floor > 0) || !(c.Loss.EquivalentRecords > 0) {
		t.Errorf("the card's losses: %+v, %+v", c.Loss, c.Gaussian)
	}
	if age := time.Since(c.Created); age < 0 || age > time.Hour || c.Seconds <= 0 || c.Seconds > 3600 {
		t.Errorf("made %v ago in %v s", age, c.Seconds)
	}
	g, err := r.epoch.Current(context.Background())
	r.must(err)
	if g.Version != 1 || g.Generation != 1 || g.Reason != "refit" {
		t.Errorf("%+v", g)
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if !slices.Equal(rec.refits, []string{"published"}) || !slices.Equal(rec.served, []int{1}) || !slices.Equal(rec.accepted, []bool{true}) ||
		len(rec.losses) != 1 || rec.losses[0] != st.Evaluation || rec.saw.IsZero() || len(rec.registry) != 0 || len(rec.rolledBack) != 0 {
		t.Errorf("the hooks heard %+v", rec)
	}
	if rec.snapshots["ok"] != 4 || rec.snapshots["skipped"] == 0 || rec.snapshots["corrupt"]+rec.snapshots["stale"]+rec.snapshots["incompatible"] != 0 {
		t.Errorf("the states of looks: %v", rec.snapshots)
	}
	if !reflect.DeepEqual(st.RefitResults, map[string]int{"published": 1}) {
		t.Errorf("%v", st.RefitResults)
	}
}

func TestLaterFitsWaitForTimeAndRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 2)
	r.panes(20, quiet)
	cfg, _ := r.config(r.bucket)
	s, stop := r.start(cfg)
	r.waitVersion(s, 1)
	r.panes(20, quiet)
	r.looks(s, 5)
	if st := s.Status(); st.Version != 1 || st.Fitting {
		t.Fatalf("before Every has passed: %+v", st)
	}
	stop()
	// Another process takes over what the card says of the last fit.
	s, stop = r.start(cfg)
	r.looks(s, 5)
	if st := s.Status(); st.Version != 1 || st.Fitting || !st.Evaluated {
		t.Fatalf("a process that starts before Every has passed: %+v", st)
	}
	stop()
	cfg.Every = time.Millisecond
	cfg.Records = 1000
	s, stop = r.start(cfg)
	r.looks(s, 5)
	if st := s.Status(); st.Version != 1 || st.Fitting {
		t.Fatalf("too few new records: %+v", st)
	}
	r.panes(12, quiet)
	r.waitVersion(s, 2)
	stop()
	if c := r.card(2); c.Warm != 1 || c.Records != 52*perPane {
		t.Errorf("%+v", c)
	}
}

func TestHorizonBoundsWhatIsLearnt(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, 3)
	r.panes(30, quiet)
	cfg, _ := r.config(r.bucket)
	cfg.Horizon = 10 * paneLength * time.Millisecond
	s, _ := r.start(cfg)
	r.waitVersion(s, 1)
	c := r.card(1)
	if c.To-c.From != 10*paneLength || c.To < began+26*paneLength || c.To > began+30*paneLength || c.Records != 2*10*perPane || c.Folded != 2*30*perPane {
		t.Errorf("%+v", c)
	}
}

func TestFirstWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 4)
	r.panes(30, quiet)
	cfg, _ := r.config(r.bucket)
	cfg.First = time.Hour
	s, stop := r.start(cfg)
	r.looks(s, 5)
	stop()
	if st := s.Status(); st.Fitting || st.Version != 0 || st.Records == 0 {
		t.Errorf("%+v", st)
	}
}

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
	s.Acknowledge() // Nothing to let go.
	r.panes(30, shifted)
	r.wait("an alarm", func() bool { return s.Status().Drift.Alarm != nil })
	r.looks(s, 3)
	if s.Status().Drift.Alarm == nil {
		t.Error("the alarm does not latch")
	}
	s.Acknowledge()
	s.Acknowledge()
	r.wait("the alarm to be let go", func() bool { return s.Status().Drift.Alarm == nil })
	r.wait("a reference of the new regime", func() bool { return s.Status().Drift.ReferencePanes >= 20 })
	if st := s.Status(); st.Version != 1 || st.Drift.Alarms != 1 || get(rec, func() int { return rec.alarms }) != 1 {
		t.Errorf("%+v", st)
	}
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

func TestCancelEndsAFitAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 8)
	r.panes(30, quiet)
	cfg, rec := r.config(r.bucket)
	cfg.Fit.Steps, cfg.Fit.Full = 1_000_000, true
	s, stop := r.start(cfg)
	r.wait("a fit", func() bool { return s.Status().Fitting })
	stop() // It returns only because the fit ends; no goroutine stays, as TestMain checks.
	if st := s.Status(); st.Version != 0 || len(rec.refits) != 0 {
		t.Errorf("%+v, %v", st, rec.refits)
	}
}

// publishFit fits with other settings than the service and publishes the result as an operator would.
func (r *rig) publishFit(steps int, draw func(*rand.Rand) [2]float64) int {
	a := sketch.New(r.epoch.Map())
	rng := rand.New(rand.NewPCG(99, 1))
	for range 5000 {
		q, x := make([]int32, 2), draw(rng)
		r.epoch.Map().Quantise(q, x[:])
		a.Fold(q)
	}
	data := r.fit(a, steps)
	ctx := context.Background()
	v, err := r.epoch.SaveModel(ctx, data, nil, nil)
	r.must(err)
	_, err = r.epoch.Publish(ctx, v, "promoted")
	r.must(err)
	return v
}

func TestRejectedRefitKeepsTheServedVersion(t *testing.T) {
	t.Parallel()
	r := newRigOf(t, spec(1, 512), 1, 9) // Enough frequencies are held out for a sharp judgement.
	r.panes(60, ring)
	good := r.publishFit(1500, ring)
	cfg, rec := r.config(r.bucket)
	cfg.Fit.Steps, cfg.Fit.Hidden, cfg.Fit.LR = 20, 4, 1 // Another shape: it begins anew, and at this rate it gets nowhere.
	s, _ := r.start(cfg)
	r.wait("a refit", func() bool { return len(get(rec, func() []string { return rec.refits })) > 0 })
	r.looks(s, 2)
	st := s.Status()
	if st.Version != good || st.RefitResults["rejected"] != 1 || !slices.Equal(rec.accepted, []bool{false}) || len(rec.rolledBack) != 0 || st.LastError != "" {
		t.Errorf("%+v, the hooks heard %+v", st, rec)
	}
	if models, err := r.epoch.ListModels(context.Background()); err != nil || len(models) != 1 {
		t.Errorf("%v, %v", models, err)
	}
	if len(rec.losses) != 1 || rec.losses[0] != st.Evaluation {
		t.Errorf("the figures are not those of the served version: %+v", rec.losses)
	}
}

// ring is a stream that the moments and the channels' own distributions do not describe.
func ring(rng *rand.Rand) [2]float64 {
	sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
	return [2]float64{1.4*cos + 0.05*rng.NormFloat64(), 1.4*sin + 0.05*rng.NormFloat64()}
}

func TestServedVersionThatLosesIsRolledBack(t *testing.T) {
	t.Parallel()
	r := newRigOf(t, spec(1, 512), 1, 10)
	r.panes(60, ring)
	good := r.publishFit(1500, ring)
	bad := r.publishFit(1500, func(rng *rand.Rand) [2]float64 { x := ring(rng); return [2]float64{x[0] + 0.06, x[1]} })
	cfg, rec := r.config(r.bucket)
	cfg.Fit.Steps, cfg.Fit.Hidden, cfg.Fit.LR = 20, 4, 1
	s, _ := r.start(cfg)
	r.waitVersion(s, good)
	r.looks(s, 2)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if !slices.Equal(rec.refits, []string{"rejected"}) || !slices.Equal(rec.rolledBack, []string{"auto"}) || !slices.Equal(rec.served, []int{bad, good}) {
		t.Errorf("the hooks heard %+v", rec)
	}
	g, err := r.epoch.Current(context.Background())
	r.must(err)
	if g.Version != good || g.Generation != 3 || !strings.Contains(g.Reason, fmt.Sprintf("version %d loses", bad)) {
		t.Errorf("%+v", g)
	}
}

func TestOperatorsRollBackIsFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 11)
	first, second := r.publishFit(20, quiet), r.publishFit(20, quiet)
	r.panes(20, quiet)
	cfg, rec := r.config(r.bucket)
	cfg.Fit.Steps, cfg.Fit.Full = 1_000_000, true // A fit runs all the time.
	s, stop := r.start(cfg)
	r.wait("a fit beside version 2", func() bool { st := s.Status(); return st.Version == second && st.Fitting })
	_, err := r.epoch.Publish(context.Background(), first, "the operator knows better")
	r.must(err)
	r.wait("version 1", func() bool { return s.Status().Version == first })
	r.looks(s, 3)
	stop()
	if !slices.Equal(rec.rolledBack, []string{"operator"}) || !slices.Equal(rec.served, []int{second, first}) || len(rec.refits) != 0 {
		t.Errorf("the hooks heard %+v", rec)
	}
}

// What an operator decides while a fit publishes is not undone by it.
func TestPublishingGivesWayToAnotherGeneration(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 12)
	first := r.publishFit(20, quiet)
	cfg, _ := r.config(r.bucket)
	s, err := New(cfg)
	r.must(err)
	ctx := context.Background()
	v, err := loadVersion(ctx, r.epoch, first)
	r.must(err)
	o := &outcome{job: job{epoch: r.epoch, generation: 1}}
	if _, err := r.epoch.Publish(ctx, first, "promoted again"); err != nil {
		t.Fatal(err)
	}
	if v, err := s.publish(ctx, o, v.model); !errors.Is(err, errPointless) {
		t.Errorf("published %+v, %v", v, err)
	}
	if err := s.putIntoForce(ctx, o, v, "test"); !errors.Is(err, errPointless) {
		t.Errorf("put into force: %v", err)
	}
	if models, err := r.epoch.ListModels(ctx); err != nil || len(models) != 1 {
		t.Errorf("%v, %v", models, err)
	}
}

func TestNewerEpochIsFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 13)
	r.panes(30, quiet)
	cfg, rec := r.config(r.bucket)
	s, _ := r.start(cfg)
	r.waitVersion(s, 1)
	old := r.epoch
	e, err := r.store(r.bucket).NewEpoch(context.Background(), spec(2, 64), nil)
	r.must(err)
	r.open(e, 2, 14)
	r.wait("the new epoch", func() bool { return s.Status().Version == 0 })
	r.looks(s, 1)
	if st := s.Status(); st.Records != 0 || st.Drift.ReferencePanes != 0 || st.Evaluated || st.LastError != "" {
		t.Errorf("a new epoch without states: %+v", st)
	}
	r.panes(30, quiet)
	r.wait("a version of the new epoch", func() bool { return len(get(rec, func() []int { return rec.served })) == 2 })
	if c := r.card(1); c.Epoch != 2 || c.Map != e.Map().Fingerprint() || len(c.Partitions) == 0 || c.Warm != 0 {
		t.Errorf("%+v", c)
	}
	if models, err := old.ListModels(context.Background()); err != nil || len(models) != 1 {
		t.Errorf("the old epoch: %v, %v", models, err)
	}
}

func TestTwoTrainersShareAStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 15)
	cfg, recA := r.config(r.bucket)
	a, _ := r.start(cfg)
	cfg, recB := r.config(r.bucket)
	b, _ := r.start(cfg)
	r.panes(60, quiet)
	settled := func(version int) func() bool {
		return func() bool {
			x, y := a.Status(), b.Status()
			return x.Version == y.Version && x.Version >= version && !x.Fitting && !y.Fitting
		}
	}
	r.wait("one version", settled(1))
	r.panes(30, shifted)
	r.wait("both to have met and let go the alarm", func() bool {
		x, y := a.Status().Drift, b.Status().Drift
		return x.Alarms == 1 && y.Alarms == 1 && x.Alarm == nil && y.Alarm == nil
	})
	r.wait("one version", settled(2))
	r.looks(a, 3)
	r.looks(b, 3)
	if !settled(2)() {
		t.Errorf("%+v\n%+v", a.Status(), b.Status())
	}
	g, err := r.epoch.Current(context.Background())
	r.must(err)
	if v := a.Status().Version; g.Version != v || r.card(v).From == 0 {
		t.Errorf("%d is served, %+v is in force", v, g)
	}
	for _, rec := range []*recorder{recA, recB} {
		rec.mu.Lock()
		if slices.Contains(rec.refits, "error") || len(rec.rolledBack) != 0 {
			t.Errorf("the hooks heard %+v", rec)
		}
		rec.mu.Unlock()
	}
}

func TestUnreachableStoreIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 16)
	r.panes(30, quiet)
	away := func(buckettest.Operation) buckettest.Fault { return buckettest.Fail }
	b := buckettest.NewFaulty(r.bucket, away)
	cfg, rec := r.config(b)
	s, err := New(cfg)
	r.must(err)
	if s.Ready() == nil {
		t.Error("ready before the first look")
	}
	s, _ = r.start(cfg)
	r.wait("an error", func() bool { return s.Status().LastError != "" })
	if s.Ready() == nil || s.Live() != nil {
		t.Errorf("ready: %v, live: %v", s.Ready(), s.Live())
	}
	b.SetPlan(nil)
	r.waitVersion(s, 1)
	r.looks(s, 1)
	if s.Ready() != nil {
		t.Error(s.Ready())
	}
	// Only reading works: the version cannot be written, which is an error of the fit, and is tried again.
	b.SetPlan(func(o buckettest.Operation) buckettest.Fault {
		if o.Writes() && strings.Contains(o.Name, "/models/") {
			return buckettest.Fail
		}
		return buckettest.None
	})
	r.panes(30, shifted)
	r.wait("a fit that cannot be written", func() bool {
		return slices.Contains(get(rec, func() []string { return slices.Clone(rec.refits) }), "error")
	})
	if !slices.Contains(get(rec, func() []string { return slices.Clone(rec.registry) }), "write") || s.Ready() != nil {
		t.Errorf("ready: %v, the hooks heard %+v", s.Ready(), rec.registry)
	}
	b.SetPlan(nil)
	r.waitVersion(s, 2)
	if c := r.card(2); c.Answers == nil {
		t.Errorf("%+v", c)
	}
}

func TestQuietStoreIsNotReadAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3, 17)
	r.panes(10, quiet)
	b := buckettest.NewFaulty(r.bucket, nil)
	cfg, rec := r.config(b)
	cfg.Records = 1 << 40
	s, stop := r.start(cfg)
	r.looks(s, 2)
	before := len(b.Log())
	r.looks(s, 5)
	stop()
	for _, o := range b.Log()[before:] {
		if o.Kind == "get" && !strings.Contains(o.Name, "/live/") {
			t.Errorf("%s %s although nothing changed", o.Kind, o.Name)
		}
	}
	if rec.snapshots["ok"] != 3 || rec.snapshots["skipped"] < 3*5 {
		t.Errorf("%v", rec.snapshots)
	}
}

func TestCorruptObjectsAreSurvived(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 18)
	ctx := context.Background()
	first, second := r.publishFit(20, quiet), r.publishFit(20, quiet)
	flip := func(part string) {
		objects, err := r.bucket.List(ctx, "line/0001/"+part)
		r.must(err)
		name := objects[len(objects)-1].Name
		for _, o := range objects {
			if !strings.HasSuffix(o.Name, ".json") && !strings.HasSuffix(o.Name, ".onnx") {
				name = o.Name
			}
		}
		data, err := r.bucket.Get(ctx, name)
		r.must(err)
		data = slices.Clone(data)
		data[len(data)/2] ^= 1
		r.must(r.bucket.Put(ctx, name, data))
	}
	r.panes(10, quiet)
	flip("models/")
	cfg, rec := r.config(r.bucket)
	s, stop := r.start(cfg)
	r.waitVersion(s, first) // The one in force cannot be read, the one before can.
	if !slices.Contains(get(rec, func() []string { return slices.Clone(rec.registry) }), "read") {
		t.Errorf("the hooks heard %v", rec.registry)
	}
	r.panes(10, quiet) // Now there are enough records, and the next version is not the first.
	r.waitVersion(s, second+1)
	stop()

	r.panes(1, quiet)
	flip("state/")
	cfg, rec = r.config(r.bucket)
	s, stop = r.start(cfg)
	r.waitVersion(s, second+1)
	r.looks(s, 3)
	stop()
	if st := s.Status(); st.Records != 20*perPane || st.LastError != "" || rec.snapshots["corrupt"] != 1 || rec.snapshots["ok"] != 1 {
		t.Errorf("the newest state is corrupt: %+v, %v", st, rec.snapshots)
	}
	objects, err := r.bucket.List(ctx, "line/0001/state/")
	r.must(err)
	for _, o := range objects {
		r.must(r.bucket.Put(ctx, o.Name, []byte("damaged")))
	}
	cfg, rec = r.config(r.bucket)
	s, _ = r.start(cfg)
	r.wait("an error", func() bool { return s.Status().LastError != "" })
	if s.Ready() == nil || get(rec, func() int { return rec.snapshots["corrupt"] }) == 0 {
		t.Errorf("no state can be read: %+v, %v", s.Status(), rec.snapshots)
	}
}

func TestWithoutAUsableVersionTheNextIsAFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 19)
	r.panes(20, quiet)
	ctx := context.Background()
	v, err := r.epoch.SaveModel(ctx, r.fit(r.parts[0].all, 5), []byte("[1]"), nil)
	r.must(err)
	_, err = r.epoch.Publish(ctx, v, "promoted")
	r.must(err)
	objects, err := r.bucket.List(ctx, "line/0001/models/")
	r.must(err)
	r.must(r.bucket.Put(ctx, objects[0].Name, []byte("damaged")))
	cfg, _ := r.config(r.bucket)
	s, _ := r.start(cfg)
	r.waitVersion(s, v+1)
	if c := r.card(v + 1); c.Warm != 0 {
		t.Errorf("%+v", c)
	}
}

func TestFitsThatFailAreCountedAndDropped(t *testing.T) {
	for result, fails := range map[string]error{"diverged": generator.ErrDiverged, "timeout": errTimeout, "error": errors.New("something else")} {
		t.Run(result, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, 20)
			r.panes(30, quiet)
			cfg, rec := r.config(r.bucket)
			s, err := New(cfg)
			r.must(err)
			s.fit = func(context.Context, *generator.Fitter, time.Duration, time.Duration, time.Time) error {
				return fmt.Errorf("a fit: %w", fails)
			}
			stop := r.run(s)
			r.wait("a refit", func() bool { return len(s.Status().RefitResults) > 0 })
			r.looks(s, 5)
			stop()
			if st := s.Status(); st.Version != 0 || st.LastError != "" || st.Evaluated || len(rec.accepted) != 0 || len(rec.losses) != 0 || rec.refits[0] != result ||
				!reflect.DeepEqual(st.RefitResults, map[string]int{result: len(rec.refits)}) || result != "error" && len(rec.refits) != 1 {
				t.Errorf("%+v, the hooks heard %+v", st, rec)
			}
		})
	}
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	r := newRig(t, 0, 21)
	for name, change := range map[string]func(*Config){
		"no store":         func(c *Config) { c.Store = nil },
		"negative poll":    func(c *Config) { c.Poll = -1 },
		"negative budget":  func(c *Config) { c.Budget = -1 },
		"negative first":   func(c *Config) { c.First = -1 },
		"one record":       func(c *Config) { c.Records = 1 },
		"negative settle":  func(c *Config) { c.Settle = -1 },
		"no states kept":   func(c *Config) { c.Retention = snapshot.DefaultRetention(); c.Retention.States = 0 },
		"no latents":       func(c *Config) { c.Fit.Latent = -1 },
		"negative horizon": func(c *Config) { c.Horizon = -time.Hour },
	} {
		cfg, _ := r.config(r.bucket)
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Config{Store: r.store(r.bucket)}); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
