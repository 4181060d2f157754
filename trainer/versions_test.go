package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"phasor/sketcher/sketch"
)

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
