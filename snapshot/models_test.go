package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/safetensors"
)

// model is a file that passes for a model of the epoch's map.
func model(t testing.TB, e *snapshot.Epoch, n int) []byte {
	t.Helper()
	f := &safetensors.File{Metadata: map[string]string{"format": snapshot.FormatModel, "map": e.Map().Fingerprint(), "note": fmt.Sprint(n)}}
	f.Add(safetensors.Float32s("weight", []float32{1, 2, 3, float32(n)}, 2, 2))
	return encode(t, f)
}

func TestVersionsAreNotShared(t *testing.T) {
	e, b, _ := newEpoch(t)
	const writers = 24
	versions := make([]int, writers)
	buckets := meetings(b, writers, "/models/")
	race(writers, func(i int) {
		mine, err := snapshot.Open(buckets[i], "line").LatestSpec(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		card := fmt.Appendf(nil, `{"writer":%d}`, i)
		if versions[i], err = mine.SaveModel(t.Context(), model(t, e, i), card, []byte{byte(i)}); err != nil {
			t.Error(err)
		}
	})
	seen := map[int]bool{}
	for i, v := range versions {
		if seen[v] || v < 1 || v > writers {
			t.Fatalf("versions %v", versions)
		}
		seen[v] = true
		m, err := e.LoadModel(t.Context(), v)
		must(t, err)
		onnx, err := e.LoadONNX(t.Context(), v)
		must(t, err)
		if !bytes.Equal(m.Data, model(t, e, i)) || m.Metadata["note"] != fmt.Sprint(i) || string(m.Card) != fmt.Sprintf(`{"writer":%d}`, i) || onnx[0] != byte(i) {
			t.Errorf("version %d is not what writer %d saved", v, i)
		}
	}
	refs, err := e.ListModels(t.Context())
	must(t, err)
	for i, r := range refs {
		if r.Version != i+1 || !r.Card || !r.ONNX {
			t.Errorf("listed %+v at %d", r, i)
		}
	}
}

func TestModelRefusals(t *testing.T) {
	e, b, r := newEpoch(t)
	other := reencode(t, model(t, e, 1), func(f *safetensors.File) { f.Metadata["map"] = "another" })
	later := reencode(t, model(t, e, 1), func(f *safetensors.File) { f.Metadata["format"] = "phasor.model/2" })
	for name, c := range map[string]struct {
		data, card []byte
		want       error
	}{
		"no file":       {[]byte("x"), nil, snapshot.ErrCorrupt},
		"another kind":  {encode(t, stateAt(e.Map(), partition(0), 1)), nil, snapshot.ErrCorrupt},
		"another map":   {other, nil, snapshot.ErrMismatch},
		"later version": {later, nil, snapshot.ErrVersion},
		"card no JSON":  {model(t, e, 1), []byte("{"), nil},
	} {
		if _, err := e.SaveModel(t.Context(), c.data, c.card, nil); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found := names(t, b, "line/0001/models/"); len(found) > 0 {
		t.Errorf("left %q", found)
	}
	version, err := e.SaveModel(t.Context(), model(t, e, 1), nil, nil)
	must(t, err)
	if m, err := e.LoadModel(t.Context(), version); err != nil || m.Card != nil {
		t.Errorf("a model without a card: %v, %v", m, err)
	}
	if _, err := e.LoadONNX(t.Context(), version); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("no ONNX: %v", err)
	}
	if _, err := e.LoadModel(t.Context(), 77); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("no model: %v", err)
	}
	must(t, b.Put(t.Context(), "line/0001/models/0000000001", model(t, e, 1)[:50]))
	if _, err := e.LoadModel(t.Context(), version); !errors.Is(err, snapshot.ErrCorrupt) || len(r.corrupt) != 1 {
		t.Errorf("a corrupt model: %v, reported %q", err, r.corrupt)
	}
	if _, err := e.Publish(t.Context(), version, "test"); !errors.Is(err, snapshot.ErrCorrupt) {
		t.Errorf("published a corrupt model: %v", err)
	}
}

func TestGenerations(t *testing.T) {
	e, b, r := newEpoch(t)
	if _, err := e.Current(t.Context()); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("nothing published: %v", err)
	}
	if g, err := e.Generations(t.Context()); err != nil || len(g) != 0 {
		t.Errorf("nothing published: %v, %v", g, err)
	}
	if _, err := e.Publish(t.Context(), 1, "test"); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("published what is not there: %v", err)
	}
	for i := range 3 {
		_, err := e.SaveModel(t.Context(), model(t, e, i), nil, nil)
		must(t, err)
	}
	serve := func(version int, reason string) {
		t.Helper()
		before, _ := e.Current(t.Context())
		generation, err := e.Publish(t.Context(), version, reason)
		must(t, err)
		g, err := e.Current(t.Context())
		must(t, err)
		if g.Version != version || g.Generation != generation || g.Generation != before.Generation+1 || g.Reason != reason {
			t.Errorf("current is %+v, published version %d as %d", g, version, generation)
		}
	}
	serve(1, "first")
	serve(3, "validated")
	serve(1, "rolled back by an operator")
	serve(2, "")
	const publishers = 16
	generations := map[int]bool{}
	results := make([]int, publishers)
	buckets := meetings(b, publishers, "/current/")
	race(publishers, func(i int) {
		mine, err := snapshot.Open(buckets[i], "line").LatestSpec(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if results[i], err = mine.Publish(t.Context(), 1+i%3, "race"); err != nil {
			t.Error(err)
		}
	})
	for _, g := range results {
		generations[g] = true
	}
	if len(generations) != publishers {
		t.Errorf("generations %v", results)
	}
	history, err := e.Generations(t.Context())
	must(t, err)
	if len(history) != 4+publishers || history[0].Generation != 4+publishers || history[len(history)-1].Reason != "first" {
		t.Errorf("history %+v", history)
	}

	// A corrupt generation is passed over, a removed model too; the newest that works is served.
	must(t, b.Put(t.Context(), fmt.Sprintf("line/0001/current/%010d", 4+publishers), []byte("x")))
	for range 2 {
		g, err := e.Current(t.Context())
		must(t, err)
		if g != history[1] {
			t.Errorf("current is %+v, wanted %+v", g, history[1])
		}
	}
	if len(r.corrupt) != 1 {
		t.Errorf("reported %q", r.corrupt)
	}
	must(t, b.Delete(t.Context(), fmt.Sprintf("line/0001/models/%010d", history[1].Version)))
	m, g, err := e.LoadCurrent(t.Context())
	must(t, err)
	if m.Version != g.Version || m.Version == history[1].Version {
		t.Errorf("loaded version %d of %+v", m.Version, g)
	}
	for _, name := range names(t, b, "line/0001/current/") {
		must(t, b.Put(t.Context(), name, []byte("x")))
	}
	if _, err := e.Current(t.Context()); !errors.Is(err, snapshot.ErrAllCorrupt) {
		t.Errorf("all corrupt: %v", err)
	}
}

func TestPruneKeepsTheServedModel(t *testing.T) {
	e, b, _ := newEpoch(t)
	for i := range 9 {
		_, err := e.SaveModel(t.Context(), model(t, e, i), []byte("{}"), []byte("onnx"))
		must(t, err)
	}
	for _, version := range []int{5, 6, 2} {
		_, err := e.Publish(t.Context(), version, "test")
		must(t, err)
	}
	keep := snapshot.DefaultRetention()
	keep.Models = 2
	n, err := e.Prune(t.Context(), time.Time{}, keep)
	must(t, err)
	left := names(t, b, "line/0001/models/")
	if n.Models != 6 || len(left) != 9 || left[0] != "line/0001/models/0000000002" || left[3] != "line/0001/models/0000000008" {
		t.Errorf("removed %+v, left %q", n, left)
	}
	if g, err := e.Current(t.Context()); err != nil || g.Version != 2 || n.Generations != 1 {
		t.Errorf("current %+v, %v; removed %+v", g, err, n)
	}
	// The newest that verifies stays, however many corrupt ones are newer.
	for _, version := range []int{8, 9} {
		must(t, b.Put(t.Context(), fmt.Sprintf("line/0001/models/%010d", version), []byte("x")))
	}
	for _, g := range names(t, b, "line/0001/current/") {
		must(t, b.Delete(t.Context(), g))
	}
	_, err = e.Prune(t.Context(), time.Time{}, keep)
	must(t, err)
	if _, err := e.LoadModel(t.Context(), 2); err != nil {
		t.Error(err)
	}
	// A new version does not take a number again.
	if v, err := e.SaveModel(t.Context(), model(t, e, 1), nil, nil); err != nil || v != 10 {
		t.Errorf("version %d, %v", v, err)
	}
}
