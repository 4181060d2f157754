package snapshot_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mem"
)

// The files of testdata/v1 stay as they are for ever: stores in the field hold such objects.
var update = flag.Bool("update", false, "create the golden files that are absent; existing ones are never changed")

func goldenPath(kind string) string {
	return filepath.Join("testdata", "v1", kind+".safetensors")
}

func golden(t testing.TB, kind string) []byte {
	t.Helper()
	b, err := os.ReadFile(goldenPath(kind))
	must(t, err)
	return b
}

// sum returns the digits of the SHA-256 of b with the 64 digits at i set to zero.
func sum(b []byte, i int) string {
	b = bytes.Clone(b)
	copy(b[i:], bytes.Repeat([]byte{'0'}, 64))
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// goldenEpoch is an epoch with the golden spec.
func goldenEpoch(t testing.TB, b bucket.Bucket) *snapshot.Epoch {
	t.Helper()
	spec, err := feature.DecodeSpec(golden(t, "spec"))
	must(t, err)
	e, err := snapshot.Open(b, "line").CreateSpec(t.Context(), spec)
	must(t, err)
	return e
}

// grid returns the accumulator of records that need no random numbers.
func grid(m *feature.Map, n int) *sketch.Accumulator {
	a := sketch.New(m)
	q := make([]int32, m.Dim())
	for i := range n {
		for k := range q {
			q[k] = int32((i+1)*(k+3)*7919%200000 - 100000)
		}
		a.Fold(q)
	}
	return a
}

func goldenState(e *snapshot.Epoch) *snapshot.State {
	s := stateAt(e.Map(), snapshot.PartitionID{Topic: "press.sensors", TopicID: "second", Partition: 3}, 1234)
	s.Follows = "-"
	s.Sealed = grid(e.Map(), 40)
	s.Open = map[int64]*sketch.Accumulator{1700000040000: grid(e.Map(), 5), 1700000100000: sketch.New(e.Map())}
	s.Fold = append(snapshot.Fold{{Key: "map", Value: e.Map().Fingerprint()}}, testFold[1:]...)
	return s
}

func goldenPane(e *snapshot.Epoch) *snapshot.Pane {
	return &snapshot.Pane{PaneRef: snapshot.PaneRef{PartitionID: partition(3), Start: 1700000040000, Length: minute}, Accumulator: grid(e.Map(), 9)}
}

// goldenStore makes an epoch with an object of each kind and returns their names.
func goldenStore(t *testing.T, e *snapshot.Epoch) map[string]string {
	t.Helper()
	must(t, e.SaveState(t.Context(), goldenState(e)))
	must(t, e.SavePane(t.Context(), goldenPane(e)))
	_, err := e.SaveModel(t.Context(), model(t, e, 1), nil, nil)
	must(t, err)
	_, err = e.Publish(t.Context(), 1, "validated")
	must(t, err)
	_, err = e.CreateStart(t.Context(), partition(3), 17)
	must(t, err)
	return map[string]string{
		"state":   "line/0001/state/press.sensors.second/3/00000000000000001234",
		"pane":    "line/0001/panes/press.sensors.x_-Zk0aSQ2a1b2c3d4e5fg/3/60000/00000001700000040000",
		"model":   "line/0001/models/0000000001",
		"current": "line/0001/current/0000000001",
		"start":   "line/0001/start/press.sensors.x_-Zk0aSQ2a1b2c3d4e5fg/3",
	}
}

func TestGolden(t *testing.T) {
	if *update {
		create := func(kind string, b []byte) {
			must(t, os.MkdirAll(filepath.Dir(goldenPath(kind)), 0o755))
			f, err := os.OpenFile(goldenPath(kind), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return
			}
			must(t, err)
			_, err = f.Write(b)
			must(t, errors.Join(err, f.Close()))
		}
		create("spec", encode(t, sharedSpec(t)))
		b := mem.New()
		for kind, name := range goldenStore(t, goldenEpoch(t, b)) {
			data, err := b.Get(t.Context(), name)
			must(t, err)
			create(kind, data)
		}
	}
	b := mem.New()
	e := goldenEpoch(t, b)
	if d, m := e.Map().Dim(), e.Map().Features(); d != 2 || m != 32 || e.Spec().Channels[0].Name != "temperature" {
		t.Errorf("spec: d = %d, m = %d", d, m)
	}
	// What is written today is what was written then.
	for kind, name := range goldenStore(t, e) {
		data, err := b.Get(t.Context(), name)
		must(t, err)
		if !bytes.Equal(data, golden(t, kind)) {
			t.Errorf("%s: today's bytes differ from %s", kind, goldenPath(kind))
		}
	}
	// What was written then is read today, and spelled the same.
	s, err := snapshot.DecodeState(golden(t, "state"))
	must(t, err)
	if !bytes.Equal(encode(t, s), golden(t, "state")) {
		t.Error("state: other bytes")
	}
	if s.Next != 1234 || s.Follows != "-" || s.Count() != 45 || len(s.Open) != 2 || s.Rejects["decode"] != 1234 || s.Gaps[0].Reason != "retention" || s.Side.Count != 34 || s.FoldFingerprint() != goldenState(e).FoldFingerprint() {
		t.Errorf("state: %+v", s)
	}
	p, err := snapshot.DecodePane(golden(t, "pane"))
	must(t, err)
	if !bytes.Equal(encode(t, p), golden(t, "pane")) || p.PaneRef != goldenPane(e).PaneRef || !p.Accumulator.Equal(grid(e.Map(), 9)) {
		t.Errorf("pane: %+v", p.PaneRef)
	}
	// And a store that holds the files works.
	for kind, name := range map[string]string{"model": "line/0001/models/0000000001", "current": "line/0001/current/0000000001", "start": "line/0001/start/press.sensors.x_-Zk0aSQ2a1b2c3d4e5fg/3"} {
		must(t, b.Put(t.Context(), name, golden(t, kind)))
	}
	m, g, err := e.LoadCurrent(t.Context())
	must(t, err)
	offset, err := e.LoadStart(t.Context(), partition(3))
	must(t, err)
	if m.Metadata["note"] != "1" || g.Version != 1 || g.Reason != "validated" || offset != 17 {
		t.Errorf("model %v, generation %+v, start %d", m.Metadata, g, offset)
	}
}
