package status

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
	"phasor/trainer"
	"phasor/trainer/generator"
)

// kept is a store with records of two channels, correlated at .8, and a model.
type kept struct {
	t     *testing.T
	store *snapshot.Store
	epoch *snapshot.Epoch
	rng   *rand.Rand
	model []byte
}

func keep(t *testing.T) *kept {
	t.Helper()
	bucket := mem.New()
	t.Cleanup(func() { bucket.Close() })
	k := &kept{t: t, store: snapshot.Open(bucket, "line"), rng: rand.New(rand.NewPCG(1, 2))}
	spec, _, err := feature.Calibrate(k.records(2000), feature.CalibrateOptions{Names: []string{"a", "b"}, Features: 64, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if k.epoch, err = k.store.CreateSpec(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *kept) records(n int) []float64 {
	x := make([]float64, 0, 2*n)
	for range n {
		a := k.rng.NormFloat64()
		x = append(x, 50+10*a, 3+.8*a+.6*k.rng.NormFloat64())
	}
	return x
}

func (k *kept) sketch(n int) *sketch.Accumulator {
	a := sketch.New(k.epoch.Map())
	x, q := k.records(n), make([]int32, 2)
	for i := 0; i < len(x); i += 2 {
		if !k.epoch.Map().Quantise(q, x[i:i+2]) {
			k.t.Fatal("a record is rejected")
		}
		a.Fold(q)
	}
	return a
}

// state saves the state and the sealed panes of a partition.
func (k *kept) state(next int64, panes int) {
	k.t.Helper()
	id := snapshot.PartitionID{Topic: "t", TopicID: "id"}
	fold := snapshot.Fold{{Key: "panes.length", Value: "1000"}}
	for i := range panes {
		p := &snapshot.Pane{PaneRef: snapshot.PaneRef{PartitionID: id, Start: int64(1000 * (i + 1)), Length: 1000}, Accumulator: k.sketch(200)}
		if err := k.epoch.SavePane(k.t.Context(), p); err != nil {
			k.t.Fatal(err)
		}
	}
	s := &snapshot.State{PartitionID: id, Next: next, Watermark: snapshot.NoTime, Sealed: k.sketch(5000), Fold: fold, LastOffset: next - 1}
	if panes > 0 {
		s.Watermark, s.Recent = int64(1000*(panes+2)), []int64{int64(1000 * (panes + 2))}
	}
	if err := k.epoch.SaveState(k.t.Context(), s); err != nil {
		k.t.Fatal(err)
	}
}

// publish serves a new version.
func (k *kept) publish(card trainer.Card) int {
	k.t.Helper()
	if k.model == nil {
		target, err := generator.NewTarget(k.sketch(20_000))
		if err != nil {
			k.t.Fatal(err)
		}
		f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: 2}, nil)
		if err != nil {
			k.t.Fatal(err)
		}
		if k.model, err = f.Model().Encode(); err != nil {
			k.t.Fatal(err)
		}
	}
	text, err := json.Marshal(card)
	if err != nil {
		k.t.Fatal(err)
	}
	v, err := k.epoch.SaveModel(k.t.Context(), k.model, text, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.epoch.Publish(k.t.Context(), v, "test"); err != nil {
		k.t.Fatal(err)
	}
	return v
}

func TestVersionsAreThoseOfTheStore(t *testing.T) {
	k := keep(t)
	l := newLibrary(k.store)
	l.look(t.Context())
	if m, s := l.describe(); len(m.Versions) != 0 || s != nil || m.Trouble != "" {
		t.Errorf("%+v, %+v", m, s)
	}
	k.publish(trainer.Card{Records: 1000, Loss: trainer.CardLoss{HeldOut: .5, Floor: .25, EquivalentRecords: 77}})
	k.publish(trainer.Card{Records: 2000, Answers: &trainer.Alarm{Pane: 4000}, Drifting: true})
	l.look(t.Context())
	m, _ := l.describe()
	if len(m.Versions) != 2 || m.Version != 2 || m.Records != 2000 {
		t.Fatalf("%+v", m)
	}
	if v := m.Versions[0]; !v.Served || v.Before || v.Version != 2 || v.Answers != 4000 || !v.Drifting || v.Written.IsZero() {
		t.Errorf("%+v", v)
	}
	if v := m.Versions[1]; v.Served || !v.Before || v.HeldOut != .5 || v.Floor != .25 || v.Equivalent != 77 || v.Records != 1000 {
		t.Errorf("%+v", v)
	}
	if m.answer(4000) != 2 || m.answer(5000) != 0 {
		t.Error("an alarm is answered by another version than the one that says so")
	}
}

// A request serves the version that it names, a roll-back the one before, and what there is not is said.
func TestPromoteAndRollBack(t *testing.T) {
	k := keep(t)
	for range 3 {
		k.publish(trainer.Card{Records: 1000})
	}
	b := New(Config{Guard: Guard{Loopback: true}})
	b.Follow("line", nil, k.store)
	for _, c := range []struct {
		path string
		code int
		want int
	}{
		{"/models/roll-back?sketch=line", 200, 2},
		{"/models/roll-back?sketch=line", 200, 1},
		{"/models/roll-back?sketch=line", 409, 1},
		{"/models/promote?sketch=line&version=3", 200, 3},
		{"/models/promote?sketch=line&version=4", 404, 3},
		{"/models/promote?sketch=other&version=1", 404, 3},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "http://localhost"+c.path, nil)
		b.Handler().ServeHTTP(w, r)
		current, err := k.epoch.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != c.code || current.Version != c.want {
			t.Errorf("%s: %d, version %d is served; wanted %d, %d: %s", c.path, w.Code, current.Version, c.code, c.want, w.Body)
		}
		if c.code == http.StatusOK && !strings.Contains(current.Reason, "from the page") {
			t.Errorf("the reason is %q", current.Reason)
		}
	}
}

// What is observed is the records of the newest panes, what is generated those of the served version; both are of one
// distribution here, and so are the pictures.
func TestShapesCompareTheStreamWithTheModel(t *testing.T) {
	k := keep(t)
	k.state(10_000, 30)
	l := newLibrary(k.store)
	l.look(t.Context())
	_, s := l.describe()
	if s == nil || s.Version != 0 || s.Generated != 0 || s.Records != scenePanes*200 || s.From != 15_000 || s.To != 31_000 {
		t.Fatalf("%+v", s)
	}
	if c := s.Channels[0]; len(c.Generated) != 0 || c.Overlap.Defined() {
		t.Errorf("%+v", c)
	}
	k.publish(trainer.Card{Records: 1000})
	l.look(t.Context())
	_, s = l.describe()
	if s.Version != 1 || s.Generated != generated || len(s.Channels) != 2 || len(s.Pairs) != 1 {
		t.Fatalf("%+v", s)
	}
	for _, c := range s.Channels {
		for _, shares := range [][]Number{c.Observed, c.Generated} {
			total := 0.
			for _, v := range shares {
				total += float64(v)
			}
			if len(shares) != bars || math.Abs(total-1) > .02 {
				t.Errorf("%s: %d bars of %v", c.Channel, len(shares), total)
			}
		}
		if c.Overlap < .85 || c.Overlap > 1 {
			t.Errorf("%s: observed and generated have %v in common", c.Channel, c.Overlap)
		}
	}
	if c := s.Channels[0]; c.Low > 30 || c.Low < 0 || c.High < 70 || c.High > 100 {
		t.Errorf("%s is shown from %v to %v", c.Channel, c.Low, c.High)
	}
	if p := s.Pairs[0]; math.Abs(float64(p.Observed)-.8) > .03 || math.Abs(float64(p.Generated)-.8) > .05 || len(p.Dots) != dots || math.Abs(float64(p.Centre[0])-.5) > .1 {
		t.Errorf("correlations %v and %v, %d dots around %v", p.Observed, p.Generated, len(p.Dots), p.Centre)
	}
}

// After a change, only what came since is compared: the model is behind, and not the picture.
func TestShapesBeginWithTheChange(t *testing.T) {
	k := keep(t)
	k.state(10_000, 30)
	l := newLibrary(k.store)
	change := int64(0)
	l.since = func() int64 { return change }
	for _, c := range []struct{ change, from int64 }{{0, 15_000}, {25_000, 25_000}, {1000, 15_000}, {90_000, 15_000}} {
		change = c.change
		l.look(t.Context())
		if _, s := l.describe(); s == nil || s.From != c.from || s.Records != (31_000-c.from)/1000*200 {
			t.Errorf("a change at %d: %+v", c.change, s)
		}
	}
}

// Records without a time have no panes: then all of them are shown.
func TestShapesWithoutPanes(t *testing.T) {
	k := keep(t)
	k.state(10_000, 0)
	l := newLibrary(k.store)
	l.look(t.Context())
	if _, s := l.describe(); s == nil || s.Records != 5000 || s.To != 0 {
		t.Errorf("%+v", s)
	}
}

// The store is looked at while somebody reads, and not else.
func TestNobodyReadingCostsNothing(t *testing.T) {
	k := keep(t)
	looks := 0
	store := k.store.WithHooks(snapshot.Hooks{Operation: func(string, string, time.Duration) { looks++ }})
	b := New(Config{Look: time.Millisecond, Every: time.Millisecond})
	b.Follow("line", nil, store)
	b.page = func() Page {
		t.Error("the page is described although nobody reads it")
		return Page{}
	}
	done := make(chan error, 1)
	go func() { done <- b.Run(t.Context()) }()
	time.Sleep(50 * time.Millisecond) // Anything that looks does so within a millisecond.
	b.mu.Lock()
	read := b.read
	b.mu.Unlock()
	if !read.IsZero() || b.watched() {
		t.Error("somebody reads")
	}
	b.hub.close()
	if looks != 0 {
		t.Errorf("%d operations", looks)
	}
}
