package snapshot_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/mac"
	"phasor/snapshot/bucket/mem"
)

func signing(t testing.TB, keys ...string) mac.Options {
	t.Helper()
	k, err := mac.ParseKeys(strings.Join(keys, "\n"))
	must(t, err)
	return mac.Options{Keys: k}
}

var key1, key2 = strings.Repeat("5c", 32), strings.Repeat("3a", 32)

// filled is a bucket with one of each object, signed.
func filled(t testing.TB, o mac.Options) (plain bucket.Bucket, p snapshot.PartitionID) {
	t.Helper()
	plain, p = mem.New(), partition(0)
	e := open(t, mac.Wrap(plain, o), snapshot.Hooks{})
	_, err := e.CreateStart(t.Context(), p, 3)
	must(t, err)
	m := e.Map()
	for next := int64(1); next < 4; next++ {
		must(t, e.SavePane(t.Context(), paneAt(m, p, next*minute, minute)))
		must(t, e.SaveState(t.Context(), stateAt(m, p, next)))
		version, err := e.SaveModel(t.Context(), model(t, e, int(next)), []byte(`{"records":5}`), []byte("onnx"))
		must(t, err)
		_, err = e.Publish(t.Context(), version, "test")
		must(t, err)
	}
	must(t, e.SaveLive(t.Context(), p, snapshot.Live{Next: 3, HighWatermark: 3}))
	return plain, p
}

// Each object that somebody without the key writes is passed over, whatever it is and wherever else it was signed.
func TestForgedObjectsAreNotBelieved(t *testing.T) {
	o := signing(t, key1)
	plain, p := filled(t, o)
	var r recorder
	e, err := snapshot.Open(mac.Wrap(plain, o), "line").WithHooks(r.hooks()).LatestSpec(t.Context())
	must(t, err)
	replace := func(name string, with []byte) (restore func()) {
		was, err := plain.Get(t.Context(), name)
		must(t, err)
		must(t, plain.Put(t.Context(), name, with))
		return func() { must(t, plain.Put(t.Context(), name, was)) }
	}
	forge := func(name string) map[string][]byte { // The valid object without a tag, with that of another key, and an older one that was moved here.
		stored, err := plain.Get(t.Context(), name)
		must(t, err)
		data, id := mac.Strip(stored)
		if id == "" {
			t.Fatalf("%s is not signed", name)
		}
		older, err := plain.Get(t.Context(), strings.Replace(name, "0003", "0002", 1))
		must(t, err)
		return map[string][]byte{"unsigned": data, "other key": signing(t, key2).Keys.Sign(name, data), "moved": older}
	}
	for how, bad := range forge(stateName(p, 3)) {
		restore := replace(stateName(p, 3), bad)
		states, err := e.LoadStates(t.Context())
		if err != nil || len(states) != 1 || states[0].Next != 2 {
			t.Errorf("state, %s: %d, %v", how, len(states), err)
		}
		restore()
	}
	for how, bad := range forge("line/0001/models/0000000003") {
		restore := replace("line/0001/models/0000000003", bad)
		if m, g, err := e.LoadCurrent(t.Context()); err != nil || m.Version != 2 || g.Generation != 2 {
			t.Errorf("model, %s: %+v, %v", how, g, err)
		}
		if _, err := e.Publish(t.Context(), 3, "forged"); !errors.Is(err, snapshot.ErrCorrupt) {
			t.Errorf("model, %s: published: %v", how, err)
		}
		restore()
	}
	for how, bad := range forge("line/0001/current/0000000003") {
		restore := replace("line/0001/current/0000000003", bad)
		if g, err := e.Current(t.Context()); err != nil || g.Version != 2 {
			t.Errorf("generation, %s: %+v, %v", how, g, err)
		}
		restore()
	}
	for how, bad := range forge("line/0001/models/0000000003.json") {
		restore := replace("line/0001/models/0000000003.json", bad)
		if m, err := e.LoadModel(t.Context(), 3); err != nil || m.Card != nil {
			t.Errorf("card, %s: %+v, %v", how, m, err)
		}
		restore()
	}
	pane := snapshot.PaneRef{PartitionID: p, Start: 3 * minute, Length: minute}
	name := names(t, plain, "line/0001/panes/")[2]
	stored, err := plain.Get(t.Context(), name)
	must(t, err)
	data, _ := mac.Strip(stored)
	for name, load := range map[string]func() error{
		name:                                   func() error { _, err := e.LoadPane(t.Context(), pane); return err },
		"line/0001/spec":                       func() error { _, err := snapshot.Open(mac.Wrap(plain, o), "line").LatestSpec(t.Context()); return err },
		"line/0001/models/0000000003.onnx":     func() error { _, err := e.LoadONNX(t.Context(), 3); return err },
		names(t, plain, "line/0001/start/")[0]: func() error { _, err := e.LoadStart(t.Context(), p); return err },
		names(t, plain, "line/0001/live/")[0]:  func() error { _, err := e.LoadLive(t.Context(), p); return err },
	} {
		must(t, load())
		restore := replace(name, data)
		if err := load(); !errors.Is(err, snapshot.ErrCorrupt) || !errors.Is(err, bucket.ErrUnauthentic) {
			t.Errorf("%s: %v", name, err)
		}
		restore()
		must(t, load())
	}
	if len(r.corrupt) < 6 {
		t.Errorf("only %q were reported", r.corrupt)
	}
}

// The owner of a partition sets a forged state aside and writes the true one; without any other it does not start empty.
func TestOwnerReplacesForgedStates(t *testing.T) {
	o := signing(t, key1)
	plain, p := filled(t, o)
	var r recorder
	e, err := snapshot.Open(mac.Wrap(plain, o), "line").WithHooks(r.hooks()).LatestSpec(t.Context())
	must(t, err)
	forged := encode(t, stateAt(e.Map(), p, 9))
	must(t, plain.Put(t.Context(), stateName(p, 9), forged))
	s, err := e.LoadState(t.Context(), p, testFold)
	if err != nil || s.Next != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	if len(r.corrupt) != 1 || len(names(t, plain, "line/0001/corrupt/state/")) != 1 {
		t.Errorf("reported %q, set aside %q", r.corrupt, names(t, plain, "line/0001/corrupt/"))
	}
	// One that comes back where the true one is due does not bar it.
	must(t, plain.Put(t.Context(), stateName(p, 9), forged))
	must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, 9)))
	if s, err := e.LoadState(t.Context(), p, testFold); err != nil || s.Next != 9 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, name := range names(t, plain, "line/0001/state/") {
		must(t, plain.Put(t.Context(), name, forged))
	}
	if _, err := e.LoadState(t.Context(), p, testFold); !errors.Is(err, snapshot.ErrAllCorrupt) {
		t.Errorf("started although nothing is authentic: %v", err)
	}
}

// A store that is signed and one that is not hold the same data, and who has no key is told so.
func TestKeysDoNotChangeWhatIsSigned(t *testing.T) {
	o := signing(t, key1)
	signed, _ := filled(t, o)
	plain, _ := filled(t, mac.Options{})
	if have, want := names(t, signed, ""), names(t, plain, ""); strings.Join(have, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%q, wanted %q", have, want)
	}
	for _, name := range names(t, plain, "") {
		have, err := mac.Wrap(signed, o).Get(t.Context(), name)
		must(t, err)
		want, err := plain.Get(t.Context(), name)
		must(t, err)
		if !bytes.Equal(have, want) {
			t.Errorf("%s differs", name)
		}
		stored, err := signed.Get(t.Context(), name)
		must(t, err)
		if strings.HasSuffix(name, ".json") && !json.Valid(stored) {
			t.Errorf("%s is no JSON: %s", name, stored)
		}
	}
	_, err := snapshot.Open(mac.Wrap(signed, mac.Options{}), "line").LatestSpec(t.Context())
	if !errors.Is(err, mac.ErrSigned) || errors.Is(err, snapshot.ErrCorrupt) {
		t.Errorf("without a key: %v", err)
	}
}

// TestSignedStatesSurviveEveryFault is a sketcher's life with keys and faults below them, through a change of keys.
func TestSignedStatesSurviveEveryFault(t *testing.T) {
	m, p := sharedMap(t), partition(0)
	old, both := signing(t, key1), signing(t, key2, key1)
	var acknowledged []int64
	prepare := func(b bucket.Bucket) {
		e := open(t, mac.Wrap(b, old), snapshot.Hooks{})
		must(t, e.SaveState(t.Context(), stateAt(m, p, 1)))
		acknowledged = []int64{1}
	}
	scenario := func(b bucket.Bucket) {
		e, err := snapshot.Open(mac.Wrap(b, both), "line").LatestSpec(t.Context())
		if err != nil {
			return
		}
		for next := int64(2); next < 5; next++ {
			if e.SavePane(t.Context(), paneAt(m, p, next*minute, minute)) == nil && e.SaveState(t.Context(), stateAt(m, p, next)) == nil {
				acknowledged = append(acknowledged, next)
			}
			_ = e.SaveLive(t.Context(), p, snapshot.Live{Next: next}) // Advisory.
			_, _ = e.PruneStates(t.Context(), p, 2)
		}
	}
	everyFault(t, prepare, scenario, func(t *testing.T, fault string, b bucket.Bucket) {
		e := open(t, mac.Wrap(b, both), snapshot.Hooks{})
		s, err := e.LoadState(t.Context(), p, testFold)
		if err != nil {
			t.Error(err)
			return
		}
		least := acknowledged[len(acknowledged)-1]
		if fault == "flipped" {
			least = acknowledged[max(0, len(acknowledged)-2)]
		}
		if s.Next < least || !bytes.Equal(encode(t, s), encode(t, stateAt(m, p, s.Next))) {
			t.Errorf("loaded the state at %d, durable were %v", s.Next, acknowledged)
		}
		for next := s.Next; next < 6; next++ {
			must(t, e.SavePane(t.Context(), paneAt(m, p, next*minute, minute)))
			must(t, e.SaveState(t.Context(), stateAt(m, p, next)))
			must(t, e.SaveLive(t.Context(), p, snapshot.Live{Next: next}))
		}
		if s, err := e.LoadState(t.Context(), p, testFold); err != nil || s.Next != 5 {
			t.Errorf("after recovery: %v", err)
		}
		if l, err := e.LoadLive(t.Context(), p); err != nil || l.Next != 5 {
			t.Errorf("after recovery: %+v, %v", l, err)
		}
	})
}

// A pane that nobody signed is not merged into a longer one.
func TestForgedPanesAreNotMerged(t *testing.T) {
	o := signing(t, key1)
	plain := mem.New()
	faulty := buckettest.NewFaulty(plain, nil)
	e := open(t, mac.Wrap(faulty, o), snapshot.Hooks{})
	p, m := partition(0), sharedMap(t)
	for i := range int64(60) {
		must(t, e.SavePane(t.Context(), paneAt(m, p, i*minute, minute)))
	}
	s := stateAt(m, p, 1)
	s.Open, s.Watermark = nil, 1000*minute
	must(t, e.SaveState(t.Context(), s))
	list := names(t, plain, "line/0001/panes/")
	must(t, plain.Put(t.Context(), list[7], encode(t, paneAt(m, p, 7*minute, minute))))
	now := time.UnixMilli(1000 * minute).Add(72 * time.Hour)
	if n, err := e.Prune(t.Context(), now, snapshot.DefaultRetention()); !errors.Is(err, bucket.ErrUnauthentic) || n.Compacted != 0 {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err := e.Prune(t.Context(), now, snapshot.DefaultRetention()); err != nil || n.Compacted != 1 {
		t.Errorf("%+v, %v", n, err)
	}
	total, err := e.MergeRange(t.Context(), 0, all)
	if err != nil || total.Count() != 59*3 {
		t.Errorf("%v, %v", total.Count(), err)
	}
}
