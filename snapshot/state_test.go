package snapshot_test

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/safetensors"
)

// sameStates compares by value, accumulators by their sums.
var sameStates = cmp.Options{cmp.Comparer(func(a, b *sketch.Accumulator) bool { return a.Equal(b) })}

func drawState(t *rapid.T, m *feature.Map) *snapshot.State {
	offset := rapid.Int64Range(0, math.MaxInt64)
	name := rapid.StringN(1, 20, 60)
	s := &snapshot.State{
		PartitionID: snapshot.PartitionID{Topic: name.Draw(t, "topic"), TopicID: name.Draw(t, "id"), Partition: rapid.IntRange(0, math.MaxInt32).Draw(t, "partition")},
		Follows:     rapid.String().Draw(t, "follows"),
		Start:       offset.Draw(t, "start"), Next: offset.Draw(t, "next"),
		Watermark: rapid.Int64().Draw(t, "watermark"),
		Sealed:    fold(m, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 5).Draw(t, "records")),
		Late:      rapid.Int64().Draw(t, "late"), Early: rapid.Int64().Draw(t, "early"), Missing: rapid.Int64().Draw(t, "missing"),
		Side: snapshot.SideSums{Count: rapid.Int64().Draw(t, "count"), HashXor: rapid.Uint64().Draw(t, "xor"),
			OffsetSum: snapshot.Sum128{Hi: rapid.Int64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}},
		LastOffset: rapid.Int64().Draw(t, "last"),
	}
	copy(s.LastHash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	// What a decoded state does not have is nil, not empty.
	if v := rapid.SliceOfN(rapid.Int64(), 0, 4).Draw(t, "recent"); len(v) > 0 {
		s.Recent = v
	}
	if v := rapid.SliceOf(rapid.Byte()).Draw(t, "decoder"); len(v) > 0 {
		s.Decoder = v
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "open") {
		if s.Open == nil {
			s.Open = map[int64]*sketch.Accumulator{}
		}
		s.Open[rapid.Int64().Draw(t, "pane")] = fold(m, uint64(i), i)
	}
	if v := rapid.MapOf(rapid.String(), rapid.Int64Range(1, math.MaxInt64)).Draw(t, "rejects"); len(v) > 0 {
		s.Rejects = v
	}
	for range rapid.IntRange(0, 3).Draw(t, "gaps") {
		s.Gaps = append(s.Gaps, snapshot.Gap{From: rapid.Int64().Draw(t, "from"), To: rapid.Int64().Draw(t, "to"), Reason: rapid.String().Draw(t, "reason")})
	}
	for _, key := range rapid.SliceOfNDistinct(rapid.StringN(1, -1, -1), 0, 5, rapid.ID[string]).Draw(t, "fold") {
		s.Fold = append(s.Fold, snapshot.Field{Key: key, Value: rapid.String().Draw(t, "value")})
	}
	return s
}

func TestStateRoundTrip(t *testing.T) {
	m := sharedMap(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawState(t, m)
		b, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		found, err := snapshot.DecodeState(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, found, sameStates); d != "" {
			t.Fatal(d)
		}
		again, err := found.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("encoded again: %v, other bytes", err)
		}
	})
}

func TestEqualStatesHaveEqualBytes(t *testing.T) {
	m := sharedMap(t)
	a, b := stateAt(m, partition(1), 30), stateAt(m, partition(1), 30)
	// The same multiset in another order, zero counts and empty lists instead of none.
	records := [][]int32{{1, -5}, {700000, 3}, {2, 2}}
	a.Sealed, b.Sealed = sketch.New(m), sketch.New(m)
	for i := range records {
		a.Sealed.Fold(records[i])
		b.Sealed.Fold(records[len(records)-1-i])
	}
	b.Rejects["dimension"] = 0
	a.Decoder, b.Decoder = nil, []byte{}
	a.Gaps, b.Gaps = nil, []snapshot.Gap{}
	if !bytes.Equal(encode(t, a), encode(t, b)) {
		t.Error("equal states have different bytes")
	}
	b.Late++
	if bytes.Equal(encode(t, a), encode(t, b)) {
		t.Error("different states have equal bytes")
	}
}

func TestTotal(t *testing.T) {
	m := sharedMap(t)
	s := stateAt(m, partition(0), 21)
	before := encode(t, s)
	want := sketch.New(m)
	for _, a := range []*sketch.Accumulator{s.Sealed, s.Open[1700000040000], s.Open[1700000100000]} {
		must(t, want.Merge(a))
	}
	if total := s.Total(); !total.Equal(want) || total.Count() != s.Count() || s.Count() != 22+5+2 {
		t.Errorf("total has %d records, count says %d", total.Count(), s.Count())
	}
	if !bytes.Equal(before, encode(t, s)) {
		t.Error("Total changed the state")
	}
}

func TestStateRefusals(t *testing.T) {
	m := sharedMap(t)
	other, err := feature.NewMap(newSpec(t, 8))
	must(t, err)
	for name, change := range map[string]func(*snapshot.State){
		"no sealed records":    func(s *snapshot.State) { s.Sealed = nil },
		"another feature map":  func(s *snapshot.State) { s.Open[5] = sketch.New(other) },
		"too many event times": func(s *snapshot.State) { s.Recent = make([]int64, 5) },
		"no topic":             func(s *snapshot.State) { s.Topic = "" },
		"no topic id":          func(s *snapshot.State) { s.TopicID = "" },
		"negative partition":   func(s *snapshot.State) { s.Partition = -1 },
		"negative next":        func(s *snapshot.State) { s.Next = -1 },
		"a key twice":          func(s *snapshot.State) { s.Fold = append(s.Fold, s.Fold[0]) },
		"text not in UTF-8":    func(s *snapshot.State) { s.Fold = snapshot.Fold{{Key: "a", Value: "\xff"}} },
	} {
		s := stateAt(m, partition(0), 7)
		change(s)
		if b, err := s.Encode(); err == nil {
			t.Errorf("%s: encoded into %d bytes", name, len(b))
		}
	}
}

// reencode changes a file and gives it a right checksum.
func reencode(t *testing.T, b []byte, change func(*safetensors.File)) []byte {
	t.Helper()
	f, err := safetensors.Decode(b)
	must(t, err)
	change(f)
	b, err = f.Encode()
	must(t, err)
	return b
}

func TestDecodeStateRefusesWhatItWouldNotWrite(t *testing.T) {
	good := encode(t, stateAt(sharedMap(t), partition(0), 7))
	for name, change := range map[string]func(*safetensors.File){
		"another kind":           func(f *safetensors.File) { f.Metadata["format"] = snapshot.FormatPane },
		"no format":              func(f *safetensors.File) { delete(f.Metadata, "format") },
		"an older format":        func(f *safetensors.File) { f.Metadata["format"] = "phasor.state/0" },
		"an unknown key":         func(f *safetensors.File) { f.Metadata["written"] = "today" },
		"an unknown tensor":      func(f *safetensors.File) { f.Add(safetensors.Int64s("clock", []int64{1}, 1)) },
		"a missing tensor":       func(f *safetensors.File) { f.Tensors = f.Tensors[1:] },
		"a partition with +":     func(f *safetensors.File) { f.Metadata["partition"] = "+0" },
		"a list with spaces":     func(f *safetensors.File) { f.Metadata["gaps"] = `[ "retention"]` },
		"more reasons than gaps": func(f *safetensors.File) { f.Metadata["gaps"] = `["retention","a"]` },
		"an empty list":          func(f *safetensors.File) { f.Add(safetensors.Int64s("lags", nil, 0)) },
		"other features":         func(f *safetensors.File) { f.Metadata["features"] = "64" },
		"a pane without a start": func(f *safetensors.File) { f.Add(safetensors.Int64s("pane/x/count", []int64{1}, 1)) },
	} {
		s, err := snapshot.DecodeState(reencode(t, good, change))
		if !errors.Is(err, snapshot.ErrCorrupt) || errors.Is(err, snapshot.ErrVersion) {
			t.Errorf("%s: %v, %v", name, s != nil, err)
		}
	}
	later := reencode(t, good, func(f *safetensors.File) { f.Metadata["format"] = "phasor.state/2" })
	_, err := snapshot.DecodeState(later)
	if !errors.Is(err, snapshot.ErrVersion) || errors.Is(err, snapshot.ErrCorrupt) || !strings.Contains(err.Error(), "phasor.state/2") {
		t.Errorf("a later version: %v", err)
	}
}

func TestSum128(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s snapshot.Sum128
		want := new(big.Int)
		for _, v := range rapid.SliceOf(rapid.Int64()).Draw(t, "values") {
			s.Add(v)
			want.Add(want, big.NewInt(v))
		}
		found := new(big.Int).Lsh(big.NewInt(s.Hi), 64)
		if found.Add(found, new(big.Int).SetUint64(s.Lo)); found.Cmp(want) != 0 {
			t.Fatalf("found %v, wanted %v", found, want)
		}
	})
}

func TestFoldNamesTheField(t *testing.T) {
	base := snapshot.Fold{{"map", "a"}, {"missing", "last"}, {"pane", "60000"}}
	for _, c := range []struct {
		name              string
		found             snapshot.Fold
		field, want, have string
	}{
		{"value", snapshot.Fold{{"map", "a"}, {"missing", "reject"}, {"pane", "1000"}}, "missing", "last", "reject"},
		{"absent", snapshot.Fold{{"map", "a"}, {"missing", "last"}}, "pane", "60000", ""},
		{"more", append(base[:3:3], snapshot.Field{"lags", "2"}), "lags", "", "2"},
		{"order", snapshot.Fold{base[1], base[0], base[2]}, "the order of fields", "map", "missing"},
	} {
		err := base.Resume("the state", c.found)
		var e *snapshot.FoldMismatchError
		if !errors.As(err, &e) || !errors.Is(err, snapshot.ErrMismatch) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if e.Field != c.field || e.WantValue != c.want || e.FoundValue != c.have || e.Want != base.Fingerprint() || e.Found != c.found.Fingerprint() {
			t.Errorf("%s: %+v", c.name, e)
		}
		for _, s := range []string{e.Field, e.Want, e.Found} {
			if !strings.Contains(e.Error(), s) {
				t.Errorf("%s: %q does not say %q", c.name, e, s)
			}
		}
	}
	if err := base.Resume("the state", append(snapshot.Fold(nil), base...)); err != nil {
		t.Error(err)
	}
	// The borders between keys and values count.
	if (snapshot.Fold{{"ab", "c"}}).Fingerprint() == (snapshot.Fold{{"a", "bc"}}).Fingerprint() {
		t.Error("fields run into each other")
	}
	// The fingerprint is for ever. This one is of `printf '\x03\0\0\0\0\0\0\0map\x01\0\0\0\0\0\0\0a' | sha256sum`.
	if got := (snapshot.Fold{{"map", "a"}}).Fingerprint(); got != "e6bbbbed91f9f4ff77db500c431cbd9b01cde3a7e1920ba65e60930db0a581dc" {
		t.Errorf("fingerprint %s", got)
	}
}
