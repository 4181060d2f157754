package serve

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
)

func TestStoreIsFollowed(t *testing.T) {
	store, publish := newStore(t)
	s, err := New(Config{Source: FromStore(store), Prior: 200})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := s.Look(ctx); !errors.Is(err, ErrNoModel) {
		t.Errorf("an empty store: %v", err)
	}
	if err := s.Ready(); err == nil {
		t.Error("ready without a model")
	}
	if d := refused(t, s, "POST", "/v1/sample", `{}`, 503); !strings.Contains(d, "there is no model yet") {
		t.Errorf("%q", d)
	}
	refused(t, s, "GET", "/v1/model", "", 503)
	first := publish(models(t).models[0])
	check := func(version, generation int) {
		t.Helper()
		if err := s.Look(ctx); err != nil || s.Ready() != nil {
			t.Fatal(err, s.Ready())
		}
		if v, err := s.Current(); err != nil || v.Version != version || v.Generation != generation || v.Sketch != "line" || v.Epoch != 1 || string(v.Card) != `{"sketch":"line"}` {
			t.Errorf("%+v, %v; want version %d, generation %d", v, err, version, generation)
		}
	}
	check(first, 1)
	e := s.engine.Load()
	check(first, 1)
	if s.engine.Load() != e {
		t.Error("the same version was prepared again")
	}
	second := publish(models(t).models[1])
	check(second, 2)
	// A roll-back is a new generation of the older version.
	ep, err := store.LatestSpec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ep.Publish(ctx, first, "roll-back"); err != nil {
		t.Fatal(err)
	}
	check(first, 3)
	// A new epoch has no model at first: the last one goes on, also for those who start then.
	spec := *models(t).spec
	spec.Seed++
	spec.Omega = append([]int32{7}, spec.Omega[1:]...)
	if _, err := store.NewEpoch(ctx, &spec, nil); err != nil {
		t.Fatal(err)
	}
	e = s.engine.Load()
	check(first, 3)
	if s.engine.Load() != e {
		t.Error("the version of the epoch before was prepared again")
	}
	s, err = New(Config{Source: FromStore(store), Prior: 200})
	if err != nil {
		t.Fatal(err)
	}
	check(first, 3)
}

func TestStoreWithoutTheSketch(t *testing.T) {
	s, err := New(Config{Source: FromStore(snapshot.Open(mem.New(), "line"))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Look(t.Context()); !errors.Is(err, ErrNoModel) {
		t.Errorf("%v", err)
	}
	if v, err := s.Current(); v != nil || err == nil {
		t.Errorf("%v, %v", v, err)
	}
}

// sources gives one version after the other, or errors.
type sources struct {
	versions []*Version
	errs     []error
	panics   bool
	asked    chan struct{}
}

func (s *sources) Load(context.Context, *Version) (*Version, error) {
	if s.asked != nil {
		s.asked <- struct{}{}
	}
	if s.panics {
		panic("a source that falls over")
	}
	v, err := s.versions[0], s.errs[0]
	if len(s.versions) > 1 {
		s.versions, s.errs = s.versions[1:], s.errs[1:]
	}
	return v, err
}

func TestAfterAFailureTheOldVersionStays(t *testing.T) {
	f := models(t)
	other := *f.spec
	other.Seed++
	other.Omega = append([]int32{5}, other.Omega[1:]...)
	good := &Version{Version: 4, Model: f.models[0], Spec: f.spec}
	away := errors.New("the store is away")
	source := &sources{versions: []*Version{good, nil, {Version: 5, Model: f.models[1], Spec: &other}, {Version: 6, Model: f.models[1], Spec: &feature.Spec{}}},
		errs: []error{nil, away, nil, nil}}
	s, err := New(Config{Source: source, Prior: 200})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"the store is away", "do not belong together", "version 6"} {
		if err := s.Look(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("look %d: %v, want %q", i, err, want)
		}
		if v, err := s.Current(); v != good || err == nil || s.Ready() != nil {
			t.Errorf("look %d: %+v is served, %v, %v", i, v, err, s.Ready())
		}
	}
	source.panics = true
	if err := s.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "falls over") {
		t.Errorf("%v", err)
	}
	if w := ask(s, "POST", "/v1/sample", `{}`); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWatchLooksUntilItsEnd(t *testing.T) {
	source := &sources{versions: []*Version{nil}, errs: []error{errors.New("away")}, asked: make(chan struct{})}
	failed := make(chan error, 100)
	s, err := New(Config{Source: source, Poll: time.Millisecond, Hooks: Hooks{Failed: func(err error) { failed <- err }}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Watch(ctx) }()
	for range 3 {
		<-source.asked
		<-failed
	}
	stop()
	for {
		select {
		case <-source.asked: // A look that had begun.
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}
