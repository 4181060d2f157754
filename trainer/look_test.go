package trainer

import (
	"context"
	"slices"
	"strings"
	"testing"

	"phasor/snapshot/bucket/buckettest"
)

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
	if !slices.Contains(get(rec, func() []string { return slices.Clone(rec.registry) }), "write") || s.Ready() == nil {
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
	_, stop := r.start(cfg)
	unchanged := func(looks int) func() bool {
		return func() bool { return get(rec, func() int { return rec.snapshots["skipped"] }) >= 3*looks }
	}
	r.wait("a look that finds nothing new", unchanged(1))
	before := len(b.Log())
	r.wait("five more", unchanged(6))
	stop()
	for _, o := range b.Log()[before:] {
		if o.Kind == "get" && !strings.Contains(o.Name, "/live/") {
			t.Errorf("%s %s although nothing changed", o.Kind, o.Name)
		}
	}
	if rec.snapshots["ok"] != 3 {
		t.Errorf("%v", rec.snapshots)
	}
}
