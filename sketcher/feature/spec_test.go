package feature_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
	"phasor/snapshot/safetensors"
)

var update = flag.Bool("update", false, "write golden files that do not exist yet")

func TestSpecComesBack(t *testing.T) {
	for _, d := range []int{1, 2, 10, 130} {
		s := featuretest.Spec(7, d, 64)
		b, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := feature.DecodeSpec(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Errorf("d=%d: %s", d, diff)
		}
		if s.Fingerprint() != back.Fingerprint() {
			t.Errorf("d=%d: the fingerprint changed", d)
		}
	}
}

func TestSpecWithoutProjectionsComesBack(t *testing.T) {
	s := featuretest.Spec(7, 3, 32)
	s.Rotation, s.Components, s.Params, s.Law = nil, nil, nil, ""
	s.Channels[1].Name = `<"é\ & ` + "\n>"
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := feature.DecodeSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Rotation)+len(back.Components)+len(back.Params) != 0 || back.Channels[1] != s.Channels[1] {
		t.Errorf("came back as %+v", back)
	}
}

// The golden file was written by the first version, and must be read and written
// in the same bytes by every later one.
func TestGoldenSpec(t *testing.T) {
	path := filepath.Join("testdata", "spec-1-d2-m32.safetensors")
	s := golden()
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); *update && errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Error("the encoding changed")
	}
	back, err := feature.DecodeSpec(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Error(diff)
	}
	const fingerprint = "6d5c980f9df387657047a116e60fb604530cb43fbf40ac1765a6febe8760cafc"
	if got := back.Fingerprint(); got != fingerprint {
		t.Errorf("the fingerprint is %s, was %s", got, fingerprint)
	}
}

// golden depends on no generator of random numbers.
func golden() *feature.Spec {
	s := &feature.Spec{
		Channels: []feature.Channel{{Name: "temperature", Transform: feature.Asinh}, {Name: "on/off", Kind: feature.Discrete}},
		Features: 32,
		Offset:   []float64{1.5, -0.1}, Scale: []float64{0.25, 3},
		Rotation: []float32{1, 0.5}, Components: make([]float32, 64),
		Law: "log-radius", Params: map[string]string{"r0": "0.3", "r1": "10"}, Seed: math.MaxUint64, Pilot: 10000,
	}
	for i := range 64 {
		s.Omega = append(s.Omega, int32(i*i*i*i-40000*(i%7)))
		s.Components[i] = float32(i) / 8
	}
	for k := range 2 {
		for b := range feature.Bins + 1 {
			s.Edges = append(s.Edges, int32(min(b, 100+k)-60)*1024)
		}
		for b := range feature.Bins {
			s.Values = append(s.Values, s.Edges[k*(feature.Bins+1)+b]+int32(b))
		}
	}
	return s
}

func TestFingerprintCoversTheMapOnly(t *testing.T) {
	base := golden().Fingerprint()
	for name, c := range map[string]struct {
		change  func(s *feature.Spec)
		matters bool
	}{
		"nothing":      {func(s *feature.Spec) {}, false},
		"omega":        {func(s *feature.Spec) { s.Omega[63]++ }, true},
		"offset":       {func(s *feature.Spec) { s.Offset[1] = math.Nextafter(s.Offset[1], 1) }, true},
		"scale":        {func(s *feature.Spec) { s.Scale[0] = math.Nextafter(s.Scale[0], 1) }, true},
		"edges":        {func(s *feature.Spec) { s.Edges[0] -= 1024 }, true},
		"name":         {func(s *feature.Spec) { s.Channels[0].Name = "temp" }, true},
		"transform":    {func(s *feature.Spec) { s.Channels[0].Transform = feature.Log1p }, true},
		"order":        {func(s *feature.Spec) { s.Channels[0], s.Channels[1] = s.Channels[1], s.Channels[0] }, true},
		"kind":         {func(s *feature.Spec) { s.Channels[0].Kind = feature.Quiet }, false},
		"values":       {func(s *feature.Spec) { s.Values[3]++ }, false},
		"rotation":     {func(s *feature.Spec) { s.Rotation[0]++ }, false},
		"law and seed": {func(s *feature.Spec) { s.Law, s.Seed, s.Pilot, s.Params = "other", 1, 1, nil }, false},
	} {
		s := golden()
		c.change(s)
		if (s.Fingerprint() != base) != c.matters {
			t.Errorf("%s: changes the fingerprint: %v, wanted %v", name, !c.matters, c.matters)
		}
	}
	if b, err := hex.DecodeString(base); err != nil || len(b) != 32 {
		t.Errorf("fingerprint %q", base)
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(s *feature.Spec){
		"0 channels":             func(s *feature.Spec) { s.Channels = nil },
		"33 features":            func(s *feature.Spec) { s.Features = 33 },
		"0 features":             func(s *feature.Spec) { s.Features = 0 },
		"omega":                  func(s *feature.Spec) { s.Omega = s.Omega[1:] },
		"offset has":             func(s *feature.Spec) { s.Offset = s.Offset[:1] },
		"scale has":              func(s *feature.Spec) { s.Scale = nil },
		"edges has":              func(s *feature.Spec) { s.Edges = append(s.Edges, 0) },
		"values has":             func(s *feature.Spec) { s.Values = s.Values[2:] },
		"rotation has 1":         func(s *feature.Spec) { s.Rotation = s.Rotation[1:] },
		"up to 2 rows of 2":      func(s *feature.Spec) { s.Rotation = make([]float32, 6) },
		"components has 63":      func(s *feature.Spec) { s.Components = s.Components[1:] },
		"components must":        func(s *feature.Spec) { s.Components[5] = float32(math.NaN()) },
		"must not decrease":      func(s *feature.Spec) { s.Edges[5] = s.Edges[4] - 1024 },
		"not a multiple of 64":   func(s *feature.Spec) { s.Edges[5]++ },
		"scale NaN":              func(s *feature.Spec) { s.Scale[0] = math.NaN() },
		"scale -1":               func(s *feature.Spec) { s.Scale[0] = -1 },
		"scale 0":                func(s *feature.Spec) { s.Scale[0] = 0 },
		"scale +Inf":             func(s *feature.Spec) { s.Scale[1] = math.Inf(1) },
		"offset -Inf":            func(s *feature.Spec) { s.Offset[1] = math.Inf(-1) },
		"non-empty":              func(s *feature.Spec) { s.Channels[0].Name = "" },
		"UTF-8":                  func(s *feature.Spec) { s.Channels[0].Name = "\xff" },
		"two channels are named": func(s *feature.Spec) { s.Channels[0].Name = s.Channels[1].Name },
		"unknown transform":      func(s *feature.Spec) { s.Channels[0].Transform = 3 },
		"Kind(9)":                func(s *feature.Spec) { s.Channels[0].Kind = 9 },
		"a pilot of -1":          func(s *feature.Spec) { s.Pilot = -1 },
		"law":                    func(s *feature.Spec) { s.Law = "\xff" },
		"parameter":              func(s *feature.Spec) { s.Params["a"] = "\xff" },
	} {
		s := golden()
		change(s)
		err := s.Validate()
		if !errors.Is(err, feature.ErrSpec) || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted %q, got %v", want, err)
		}
		if _, err := s.Encode(); err == nil {
			t.Errorf("%q: Encode wrote an invalid spec", want)
		}
		if _, err := feature.NewMap(s); err == nil {
			t.Errorf("%q: NewMap took an invalid spec", want)
		}
	}
}

// A file whose hash is right but whose content is not a spec is refused.
func TestDecodeSpecRefusesOtherFiles(t *testing.T) {
	for name, change := range map[string]func(f *safetensors.File){
		"format":         func(f *safetensors.File) { f.Metadata["format"] = "phasor.spec/2" },
		"fingerprint":    func(f *safetensors.File) { f.Metadata["map"] = strings.Repeat("0", 64) },
		"more metadata":  func(f *safetensors.File) { f.Metadata["host"] = "a" },
		"less metadata":  func(f *safetensors.File) { delete(f.Metadata, "seed") },
		"spaces in JSON": func(f *safetensors.File) { f.Metadata["kinds"] += " " },
		"features":       func(f *safetensors.File) { f.Metadata["features"] = "-1" },
		"huge features":  func(f *safetensors.File) { f.Metadata["features"] = "4611686018427387904" },
		"null channels":  func(f *safetensors.File) { f.Metadata["channels"] = "null" },
		"transform":      func(f *safetensors.File) { f.Metadata["transforms"] = `["sqrt","identity"]` },
		"kind":           func(f *safetensors.File) { f.Metadata["kinds"] = `["a","b"]` },
		"more tensors":   func(f *safetensors.File) { f.Add(safetensors.Int32s("x", []int32{1}, 1)) },
		"shape":          func(f *safetensors.File) { f.Tensors[0].Shape = append(f.Tensors[0].Shape, 1) },
	} {
		b, err := golden().Encode()
		if err != nil {
			t.Fatal(err)
		}
		f, err := safetensors.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		change(f)
		if b, err = f.Encode(); err != nil {
			t.Logf("%s: not even a file: %v", name, err)
			continue
		}
		if _, err := feature.DecodeSpec(b); err == nil {
			t.Errorf("%s: the file was accepted", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeSpec(f *testing.F) {
	b, err := golden().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := feature.DecodeSpec(b)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("accepted bytes that are not the encoding of what they hold: %v", err)
		}
	})
}
