package snapshot_test

import (
	"bytes"
	"errors"
	"testing"

	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
	"phasor/snapshot/safetensors"
)

// seals gives b as it is and with a right checksum, without which hardly any input would pass.
func seals(b []byte) [][]byte {
	all := [][]byte{b}
	const key = `"sha256":"`
	if i := bytes.Index(b, []byte(key)); i >= 0 && len(b) > i+len(key)+64 {
		sealed := bytes.Clone(b)
		copy(sealed[i+len(key):], sum(b, i+len(key)))
		all = append(all, sealed)
	}
	return all
}

func refused(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, snapshot.ErrCorrupt) && !errors.Is(err, snapshot.ErrVersion) && !errors.Is(err, snapshot.ErrMismatch) {
		t.Fatalf("%v is none of the errors of this package", err)
	}
}

func FuzzDecodeState(f *testing.F) {
	f.Add(golden(f, "state"))
	f.Add(golden(f, "pane"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range seals(b) {
			s, err := snapshot.DecodeState(b)
			if err != nil {
				refused(t, err)
				continue
			}
			if again, err := s.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("encoded again: %v", err)
			}
			if s.Total().Count() != s.Count() {
				t.Fatal("the total has another count")
			}
		}
	})
}

func FuzzDecodePane(f *testing.F) {
	f.Add(golden(f, "pane"))
	f.Add(golden(f, "state"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range seals(b) {
			p, err := snapshot.DecodePane(b)
			if err != nil {
				refused(t, err)
				continue
			}
			if again, err := p.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("encoded again: %v", err)
			}
		}
	})
}

// FuzzModel saves any bytes as a model: what is taken is given back, what is refused leaves nothing.
func FuzzModel(f *testing.F) {
	f.Add(golden(f, "model"))
	f.Add(golden(f, "pane"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range seals(b) {
			bucket := mem.New()
			e := goldenEpoch(t, bucket)
			version, err := e.SaveModel(t.Context(), b, nil, nil)
			if err != nil {
				refused(t, err)
				if left := names(t, bucket, "line/0001/models/"); len(left) > 0 {
					t.Fatalf("left %q", left)
				}
				continue
			}
			m, err := e.LoadModel(t.Context(), version)
			if err != nil || !bytes.Equal(m.Data, b) {
				t.Fatalf("loaded: %v", err)
			}
			if file, err := safetensors.Decode(b); err != nil || file.Format() != snapshot.FormatModel {
				t.Fatalf("took %v, %v", file, err)
			}
		}
	})
}
