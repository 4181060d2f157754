package safetensors_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"phasor/snapshot/safetensors"
)

var update = flag.Bool("update", false, "write testdata/v1.safetensors if it does not exist; an existing one is never changed")

const golden = "testdata/v1.safetensors"

// TestGolden holds version 1 of the format: these bytes are read and written
// by every later version.
func TestGolden(t *testing.T) {
	if _, err := os.Stat(golden); *update && os.IsNotExist(err) {
		if err := os.WriteFile(golden, encode(t, sample()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, sample()), want) {
		t.Error("the encoder no longer writes the bytes of version 1")
	}
	if _, err := safetensors.Decode(want); err != nil {
		t.Error(err)
	}
}

// TestHeader checks a header by its letters, independently of the decoder.
func TestHeader(t *testing.T) {
	f := &safetensors.File{Metadata: map[string]string{"format": "f", "z": "\x01\"\n", "sha256": "ignored"}}
	f.Add(
		safetensors.Uint8s("a", []byte{9, 8, 7}, 3),
		safetensors.Float32s("b", []float32{1}, 1),
		safetensors.Int64s("d", []int64{1, 2}, 1, 2),
		safetensors.Float64s("c", []float64{1}),
	)
	b := encode(t, f)
	zeros := string(bytes.Repeat([]byte{'0'}, 64))
	text := `{"__metadata__":{"format":"f","sha256":"` + zeros + `","z":"\u0001\"\n"},` +
		`"c":{"dtype":"F64","shape":[],"data_offsets":[0,8]},` +
		`"d":{"dtype":"I64","shape":[1,2],"data_offsets":[8,24]},` +
		`"b":{"dtype":"F32","shape":[1],"data_offsets":[24,28]},` +
		`"a":{"dtype":"U8","shape":[3],"data_offsets":[28,31]}}`
	for len(text)%8 != 0 {
		text += " "
	}
	want := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	want = append(want, text...)
	want = binary.LittleEndian.AppendUint64(want, 0x3ff0000000000000)
	want = binary.LittleEndian.AppendUint64(want, 1)
	want = binary.LittleEndian.AppendUint64(want, 2)
	want = binary.LittleEndian.AppendUint32(want, 0x3f800000)
	want = append(want, 9, 8, 7)
	sum := sha256.Sum256(want)
	want = bytes.Replace(want, []byte(zeros), []byte(hex.EncodeToString(sum[:])), 1)
	if !bytes.Equal(b, want) {
		t.Errorf("found\n%q\nwanted\n%q", b, want)
	}
	if !json.Valid([]byte(text)) {
		t.Error("the header is not JSON")
	}
}

func TestEncodeIsCanonicalAndPure(t *testing.T) {
	f := sample()
	want := encode(t, f)
	if d := cmp.Diff(sample(), f); d != "" {
		t.Errorf("Encode changed its receiver: %s", d)
	}
	const seed = 3
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		r.Shuffle(len(f.Tensors), func(i, j int) { f.Tensors[i], f.Tensors[j] = f.Tensors[j], f.Tensors[i] })
		if !bytes.Equal(encode(t, f), want) {
			t.Fatal("the order of Tensors changes the bytes")
		}
	}
	decoded, err := safetensors.Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, decoded), want) {
		t.Error("decoding and encoding changes the bytes")
	}
	if got := encode(t, &safetensors.File{}); !bytes.Equal(got, encode(t, &safetensors.File{Metadata: map[string]string{}})) {
		t.Error("nil and empty metadata differ")
	}
}

func TestEncodeRefuses(t *testing.T) {
	u8 := func(name string) safetensors.Tensor { return safetensors.Uint8s(name, []byte{1}, 1) }
	for name, f := range map[string]safetensors.File{
		"duplicate name":     {Tensors: []safetensors.Tensor{u8("x"), safetensors.Float64s("x", []float64{1}, 1)}},
		"empty name":         {Tensors: []safetensors.Tensor{u8("")}},
		"metadata's name":    {Tensors: []safetensors.Tensor{u8("__metadata__")}},
		"name not UTF-8":     {Tensors: []safetensors.Tensor{u8("a\xff")}},
		"metadata not UTF-8": {Metadata: map[string]string{"k": "\xc3("}},
		"short data":         {Tensors: []safetensors.Tensor{{Name: "x", DType: safetensors.F64, Shape: []int{2}, Data: make([]byte, 15)}}},
		"unknown dtype":      {Tensors: []safetensors.Tensor{{Name: "x", DType: "F16", Shape: []int{1}, Data: make([]byte, 2)}}},
		"negative shape":     {Tensors: []safetensors.Tensor{{Name: "x", DType: safetensors.U8, Shape: []int{-1, -1}, Data: make([]byte, 1)}}},
	} {
		if b, err := f.Encode(); err == nil {
			t.Errorf("%s: encoded as %q", name, b)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	f := state()
	n := int64(len(encode(b, f)))
	b.SetBytes(n)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

// state has the tensors of a partition's state with three accumulators.
func state() *safetensors.File {
	const m, d = 1024, 10
	f := &safetensors.File{Metadata: map[string]string{"format": "phasor.state/1"}}
	for _, name := range []string{"sealed", "pane/1700000000000", "pane/1700000060000"} {
		f.Add(
			safetensors.Int64s(name+"/count", []int64{1}, 1),
			safetensors.Int64s(name+"/A", slices.Repeat([]int64{7, -1}, m), m, 2),
			safetensors.Int64s(name+"/B", slices.Repeat([]int64{7, -1}, m), m, 2),
			safetensors.Int64s(name+"/histogram", make([]int64, 128*d), d, 128),
			safetensors.Int32s(name+"/min", make([]int32, d), d),
		)
	}
	return f
}
