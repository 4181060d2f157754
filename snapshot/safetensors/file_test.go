package safetensors_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"phasor/snapshot/safetensors"
)

// sample is a small file with every element type, an empty tensor, a scalar
// and strings that need escapes.
func sample() *safetensors.File {
	f := &safetensors.File{Metadata: map[string]string{
		"format": "phasor.sketch/1",
		"zeta":   "after sha256",
		"escape": "quote \" backslash \\ newline \n tab \t bell \a nul \x00 delete \x7f line \u2028 größe 🙂",
		"":       "an empty key",
	}}
	f.Add(
		safetensors.Uint8s("bytes", []byte{0, 1, 254, 255, 7}, 5),
		safetensors.Float32s("b/single", []float32{1.5, float32(math.Inf(-1)), 0, -2}, 2, 2),
		safetensors.Int64s("total/count", []int64{math.MinInt64}, 1),
		safetensors.Int32s("a \"quoted\" name", []int32{math.MinInt32, -1, math.MaxInt32}, 3, 1),
		safetensors.Float64s("empty", nil, 0, 4),
		safetensors.Float64s("scalar", []float64{math.Pi}),
		safetensors.Int64s("total/A", []int64{1, -1, math.MaxInt64, 0}, 2, 2),
	)
	return f
}

func encode(t testing.TB, f *safetensors.File) []byte {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAccessors(t *testing.T) {
	f, err := safetensors.Decode(encode(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	check := func(found any, err error, want any) {
		t.Helper()
		if err != nil {
			t.Error(err)
		} else if d := cmp.Diff(want, found); d != "" {
			t.Error(d)
		}
	}
	f64, err := f.Float64s("scalar")
	check(f64, err, []float64{math.Pi})
	f64, err = f.Float64s("empty", -1, 4)
	check(f64, err, []float64{})
	f32, err := f.Float32s("b/single", 2, -1)
	check(f32, err, []float32{1.5, float32(math.Inf(-1)), 0, -2})
	i64, err := f.Int64s("total/A", 2, 2)
	check(i64, err, []int64{1, -1, math.MaxInt64, 0})
	i32, err := f.Int32s("a \"quoted\" name", 3, 1)
	check(i32, err, []int32{math.MinInt32, -1, math.MaxInt32})
	u8, err := f.Uint8s("bytes", -1)
	check(u8, err, []byte{0, 1, 254, 255, 7})
	if f.Format() != "phasor.sketch/1" {
		t.Errorf("format %q", f.Format())
	}

	// What an accessor returns is a copy: the encoded bytes stay whole.
	u8[0]++
	again, err := f.Uint8s("bytes", 5)
	check(again, err, []byte{0, 1, 254, 255, 7})
}

func TestAccessorErrors(t *testing.T) {
	f := sample()
	f.Add(safetensors.Tensor{Name: "hand made", DType: safetensors.F64, Shape: []int{2}, Data: make([]byte, 15)})
	for _, c := range []struct {
		name  string
		shape []int
		says  []string
	}{
		{"absent", []int{3}, []string{`"absent"`, "F64 [3]", "phasor.sketch/1"}},
		{"total/A", []int{2, 2}, []string{`"total/A"`, "I64 [2 2]", "F64 [2 2]"}},
		{"empty", []int{4, -1}, []string{`"empty"`, "F64 [0 4]", "F64 [4 -1]"}},
		{"scalar", []int{1}, []string{`"scalar"`, "F64 []", "F64 [1]"}},
		{"empty", []int{0}, []string{"F64 [0 4]"}},
		{"hand made", []int{2}, []string{"15 bytes", "16"}},
	} {
		_, err := f.Float64s(c.name, c.shape...)
		if !errors.Is(err, safetensors.ErrTensor) || errors.Is(err, safetensors.ErrCorrupt) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q does not say %q", c.name, err, s)
			}
		}
	}
}

func TestConstructorsPanicOnShape(t *testing.T) {
	for name, build := range map[string]func(){
		"too few":  func() { safetensors.Float64s("x", make([]float64, 5), 2, 3) },
		"negative": func() { safetensors.Int32s("x", nil, -1) },
		"scalar":   func() { safetensors.Uint8s("x", make([]byte, 2)) },
		"huge":     func() { safetensors.Int64s("x", nil, math.MaxInt, math.MaxInt, 0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			build()
		}()
	}
}
