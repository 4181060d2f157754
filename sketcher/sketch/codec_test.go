package sketch

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
	"phasor/snapshot/safetensors"
)

// golden folds records that depend on no generator of random numbers, by the
// golden spec of package feature.
func golden(t testing.TB) *Accumulator {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "feature", "testdata", "spec-1-d2-m32.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := feature.DecodeSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(s)
	if err != nil {
		t.Fatal(err)
	}
	a := New(m)
	x, q := make([]float64, 2), make([]int32, 2)
	for i := range 1000 {
		x[0], x[1] = float64(i*i%777)-300, float64(i%5)/4
		if !m.Quantise(q, x) {
			t.Fatalf("%v was rejected", x)
		}
		a.Fold(q)
	}
	return a
}

// The golden file was written by the first version, and must be read and written
// in the same bytes by every later one.
func TestGoldenSketch(t *testing.T) {
	path := filepath.Join("testdata", "sketch-1-d2-m32.safetensors")
	a := golden(t)
	b := []byte(encode(t, a))
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
	back, err := Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if !back.Equal(a) || back.Count() != 1000 || !slices.Equal(back.Channels(), []string{"temperature", "on/off"}) {
		t.Errorf("came back as %+v", fields(back))
	}
	if back.Map() != nil {
		t.Error("a map out of nowhere")
	}
	if err := back.Bind(a.Map()); err != nil || back.Quantile(0, 0.5) != a.Quantile(0, 0.5) {
		t.Errorf("Bind: %v", err)
	}
}

func TestFileHoldsNothingElse(t *testing.T) {
	f, err := safetensors.Decode([]byte(encode(t, golden(t))))
	if err != nil {
		t.Fatal(err)
	}
	for k := range f.Metadata {
		if !slices.Contains([]string{"format", "map", "channels", "sha256"}, k) {
			t.Errorf("metadata %q", k)
		}
	}
	if len(f.Tensors) != 9 {
		t.Errorf("%d tensors", len(f.Tensors))
	}
}

func TestSeveralAccumulatorsInOneFile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m := featuretest.Map(1, 3, 32)
	a, b := folded(m, featuretest.Quantised(rng, 50, 3)), folded(m, featuretest.Quantised(rng, 9, 3))
	var f safetensors.File
	a.AppendTo(&f, "sealed")
	b.AppendTo(&f, "pane/60000")
	for name, want := range map[string]*Accumulator{"sealed": a, "pane/60000": b} {
		got, err := Read(&f, name, m.Fingerprint(), m.Spec().Names(), 32)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, read := range map[string]func() (*Accumulator, error){
		"name":     func() (*Accumulator, error) { return Read(&f, "open", m.Fingerprint(), m.Spec().Names(), 32) },
		"features": func() (*Accumulator, error) { return Read(&f, "sealed", m.Fingerprint(), m.Spec().Names(), 64) },
		"channels": func() (*Accumulator, error) { return Read(&f, "sealed", m.Fingerprint(), m.Spec().Names()[1:], 32) },
		"none":     func() (*Accumulator, error) { return Read(&f, "sealed", m.Fingerprint(), nil, 32) },
	} {
		if _, err := read(); err == nil || !strings.Contains(err.Error(), "sketch: accumulator") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A file with a right hash and numbers that no records give is refused.
func TestNumbersThatCannotBe(t *testing.T) {
	ints := func(name string, i int, change func(x int64) int64) func(f *safetensors.File) error {
		return func(f *safetensors.File) error {
			for n, x := range f.Tensors {
				if x.Name != "total/"+name {
					continue
				}
				var err error
				if x.DType == safetensors.I64 {
					var v []int64
					v, err = f.Int64s(x.Name, slices.Repeat([]int{-1}, len(x.Shape))...)
					v[i] = change(v[i])
					f.Tensors[n] = safetensors.Int64s(x.Name, v, x.Shape...)
				} else {
					var v []int32
					v, err = f.Int32s(x.Name, -1)
					v[i] = int32(change(int64(v[i])))
					f.Tensors[n] = safetensors.Int32s(x.Name, v, x.Shape...)
				}
				return err
			}
			return errors.New("no such tensor")
		}
	}
	set := func(y int64) func(int64) int64 { return func(int64) int64 { return y } }
	plus := func(y int64) func(int64) int64 { return func(x int64) int64 { return x + y } }
	for name, c := range map[string]struct {
		change func(f *safetensors.File) error
		want   string
	}{
		"count less":     {ints("count", 0, plus(-1)), "histogram holds"},
		"count more":     {ints("count", 0, plus(1)), "lacks 1 records"},
		"count negative": {ints("count", 0, set(-1000)), "a count of -1000"},
		"count huge":     {ints("count", 0, set(math.MaxInt64)), "a count of"},
		"A beyond":       {ints("A", 1, set(1)), "A of 1000 records cannot hold"},
		"A negative": {func(f *safetensors.File) error {
			return errors.Join(ints("A", 0, set(-5))(f), ints("A", 1, set(-1))(f))
		}, "outside of the unit circle"},
		"B beyond":          {ints("B", 6, set(1000<<22+1)), "B of 1000 records cannot hold"},
		"B outside":         {ints("B", 6, set(1000<<22)), "outside of the unit circle"},
		"moment1 beyond":    {ints("moment1", 3, set(-2)), "moment1 of 1000"},
		"moment1 low":       {ints("moment1", 2, plus(-1.7e6)), "not between"},
		"moment1 high":      {ints("moment1", 2, plus(1.7e6)), "not between"},
		"moment2 beyond":    {ints("moment2", 1, set(7)), "moment2 of 1000"},
		"moment2 small":     {ints("moment2", 4, set(1)), "below moment1^2"},
		"min above max":     {ints("min", 0, set(feature.Limit)), "want -8388607 <= min <= max"},
		"min too low":       {ints("min", 0, set(-1<<23)), "want -8388607 <= min <= max"},
		"max too high":      {ints("max", 0, set(1<<23)), "want -8388607 <= min <= max"},
		"max at the limit":  {ints("max", 0, set(feature.Limit)), "0 values clamped"},
		"clamped":           {ints("clamped", 1, set(1)), "1 values clamped"},
		"clamped negative":  {ints("clamped", 1, set(-1)), "-1 values clamped"},
		"histogram":         {ints("histogram", 9, plus(1)), "histogram holds"},
		"histogram missing": {ints("histogram", 128, plus(-1)), "histogram"},
		"histogram wraps":   {ints("histogram", 9, set(math.MinInt64)), "histogram holds"},
		"format":            {func(f *safetensors.File) error { f.Metadata["format"] = "phasor.pane/1"; return nil }, "format"},
		"metadata":          {func(f *safetensors.File) error { f.Metadata["host"] = "a"; return nil }, "holds more"},
		"channels":          {func(f *safetensors.File) error { f.Metadata["channels"] = `["a"]`; return nil }, "total/moment1"},
		"no channels":       {func(f *safetensors.File) error { delete(f.Metadata, "channels"); return nil }, "channels"},
		"another tensor":    {func(f *safetensors.File) error { f.Add(safetensors.Int32s("x", nil, 0)); return nil }, "holds more"},
		"no A": {func(f *safetensors.File) error {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == "total/A" })
			return nil
		}, "no accumulator"},
	} {
		f, err := safetensors.Decode([]byte(encode(t, golden(t))))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.change(f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, err := f.Encode()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Decode(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: wanted %q, got %v", name, c.want, err)
		}
	}
}

func TestFlippedAndTruncatedFilesAreRefused(t *testing.T) {
	b := []byte(encode(t, golden(t)))
	for n := 0; n < len(b); n += 97 {
		if _, err := Decode(b[:n]); err == nil {
			t.Fatalf("accepted the first %d bytes of %d", n, len(b))
		}
		c := slices.Clone(b)
		c[n] ^= 1 << (n % 8)
		if _, err := Decode(c); err == nil {
			t.Fatalf("accepted a flipped bit in byte %d", n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(encode(f, golden(f))))
	f.Add([]byte(encode(f, New(featuretest.Map(1, 1, 32)))))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Decode(b)
		if err != nil {
			return
		}
		if again := encode(t, a); again != string(b) {
			t.Error("accepted bytes that are not the encoding of what they hold")
		}
		_, _, _ = a.Phasor(nil), a.Mean(nil), a.Covariance(nil)
		if err := a.Merge(a.Clone()); err != nil && !errors.Is(err, ErrOverflow) {
			t.Error(err)
		}
	})
}
