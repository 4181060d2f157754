package safetensors_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"phasor/snapshot/safetensors"
)

func TestEveryTruncationIsNoticed(t *testing.T) {
	b := encode(t, sample())
	for n := range b {
		if _, err := safetensors.Decode(b[:n:n]); !errors.Is(err, safetensors.ErrCorrupt) {
			t.Fatalf("first %d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := safetensors.Decode(append(bytes.Clone(b), 0)); !errors.Is(err, safetensors.ErrCorrupt) {
		t.Errorf("a byte appended: %v", err)
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	b := encode(t, sample())
	for i := range 8 * len(b) {
		b[i/8] ^= 1 << (i % 8)
		if _, err := safetensors.Decode(b); !errors.Is(err, safetensors.ErrCorrupt) {
			t.Fatalf("bit %d of byte %d, %q: %v", i%8, i/8, b[i/8], err)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	if _, err := safetensors.Decode(b); err != nil {
		t.Fatal(err)
	}
}

// TestOtherSpellingsAreRefused gives every variation a right checksum, so that
// only the rules of the spelling can refuse it.
func TestOtherSpellingsAreRefused(t *testing.T) {
	const meta = `"__metadata__":{"a":"1","sha256":"` + digits + `"}`
	const x = `"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}`
	good := raw(`{`+meta+`,`+x+`}`, "hi")
	if _, err := safetensors.Decode(good); err != nil {
		t.Fatal(err)
	}
	if want := encode(t, &safetensors.File{Metadata: map[string]string{"a": "1"}, Tensors: []safetensors.Tensor{safetensors.Uint8s("x", []byte("hi"), 2)}}); !bytes.Equal(good, want) {
		t.Fatal("the test's own encoder is wrong")
	}
	for name, b := range map[string][]byte{
		"white space":            raw(`{`+meta+`, `+x+`}`, "hi"),
		"8 more spaces":          raw(`{`+meta+`,`+x+`}`+strings.Repeat(" ", 8), "hi"),
		"metadata last":          raw(`{`+x+`,`+meta+`}`, "hi"),
		"no metadata":            raw(`{`+x+`}`, "hi"),
		"no sha256":              raw(`{"__metadata__":{"a":"1"},`+x+`}`, "hi"),
		"short sha256":           raw(`{"__metadata__":{"a":"1","sha256":"00"},`+x+`}`, "hi"),
		"unsorted metadata":      raw(`{"__metadata__":{"sha256":"`+digits+`","a":"1"},`+x+`}`, "hi"),
		"metadata key twice":     raw(`{"__metadata__":{"a":"1","a":"1","sha256":"`+digits+`"},`+x+`}`, "hi"),
		"needless escape":        raw(`{`+meta+`,"\u0078":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "hi"),
		"escaped slash":          raw(`{"__metadata__":{"a":"\/","sha256":"`+digits+`"},`+x+`}`, "hi"),
		"long form of \\n":       raw(`{"__metadata__":{"a":"\u000a","sha256":"`+digits+`"},`+x+`}`, "hi"),
		"uppercase escape":       raw(`{"__metadata__":{"a":"\u001F","sha256":"`+digits+`"},`+x+`}`, "hi"),
		"bare control character": raw(`{"__metadata__":{"a":"`+"\n"+`","sha256":"`+digits+`"},`+x+`}`, "hi"),
		"leading zero":           raw(`{`+meta+`,"x":{"dtype":"U8","shape":[02],"data_offsets":[0,2]}}`, "hi"),
		"no number":              raw(`{`+meta+`,"x":{"dtype":"U8","shape":[2,],"data_offsets":[0,2]}}`, "hi"),
		"negative number":        raw(`{`+meta+`,"x":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}}`, "hi"),
		"fraction":               raw(`{`+meta+`,"x":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}}`, "hi"),
		"number past 64 bits":    raw(`{`+meta+`,"x":{"dtype":"U8","shape":[18446744073709551618],"data_offsets":[0,2]}}`, "hi"),
		"product past 64 bits":   raw(`{`+meta+`,"x":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}`, ""),
		"larger than the file":   raw(`{`+meta+`,"x":{"dtype":"F64","shape":[1000000000000],"data_offsets":[0,8000000000000]}}`, "hi"),
		"gap":                    raw(`{`+meta+`,"x":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "-hi"),
		"three offsets":          raw(`{`+meta+`,"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2,2]}}`, "hi"),
		"trailing data":          raw(`{`+meta+`,`+x+`}`, "hi!"),
		"missing data":           raw(`{`+meta+`,`+x+`}`, "h"),
		"unknown dtype":          raw(`{`+meta+`,"x":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`, "hi"),
		"entry order":            raw(`{`+meta+`,"x":{"shape":[2],"dtype":"U8","data_offsets":[0,2]}}`, "hi"),
		"tensors unsorted":       raw(`{`+meta+`,"y":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "hi"),
		"small elements first":   raw(`{`+meta+`,"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"I32","shape":[0],"data_offsets":[0,0]}}`, ""),
		"name twice":             raw(`{`+meta+`,"x":{"dtype":"I32","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""),
		"empty name":             raw(`{`+meta+`,"":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "hi"),
		"name not UTF-8":         raw(`{`+meta+`,"`+"\xff"+`":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "hi"),
		"open string":            raw(`{`+meta+`,"x`, "hi"),
		"stock writer":           raw(`{`+x+`}`, "hi"),
		"null":                   raw(`null`, ""),
		"not padded":             unpadded(`{`+meta+`,`+x+`}`, "hi"),
		"length of 2^63":         binary.LittleEndian.AppendUint64(nil, 1<<63),
		"length of 2^64-1":       append(binary.LittleEndian.AppendUint64(nil, math.MaxUint64), good[8:]...),
	} {
		f, err := safetensors.Decode(b)
		if !errors.Is(err, safetensors.ErrCorrupt) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// digits stands for the digest in the headers of the tests.
const digits = "0000000000000000000000000000000000000000000000000000000000000000"

func raw(header, data string) []byte {
	for len(header)%8 != 0 {
		header += " "
	}
	return unpadded(header, data)
}

func unpadded(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return seal(append(append(b, header...), data...))
}

// seal puts the right digest into b, if there is a place for it.
func seal(b []byte) []byte {
	const key = `"sha256":"`
	b = bytes.Clone(b)
	i := bytes.Index(b, []byte(key))
	if i += len(key); i < len(key) || len(b)-i < len(digits) {
		return b
	}
	copy(b[i:], digits)
	sum := sha256.Sum256(b)
	hex.Encode(b[i:], sum[:])
	return b
}

// FuzzDecode gives the decoder an input as it is and with a right checksum,
// without which hardly any would pass it.
func FuzzDecode(f *testing.F) {
	v1, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v1)
	f.Add([]byte{})
	f.Add(encode(f, &safetensors.File{}))
	f.Add(encode(f, &safetensors.File{Metadata: map[string]string{"a": "\x00\x1f\"\\/"}}))
	f.Add(raw(`{"__metadata__":{"sha256":"`+digits+`"},"x":{"dtype":"I64","shape":[1,02],"data_offsets":[0,16]}}`, "0123456789abcdef"))
	f.Add(raw(`{"__metadata__":{"a":"\u001F","sha256":"`+digits+`"}}`, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, seal(b)} {
			file, err := safetensors.Decode(b)
			if err != nil {
				if !errors.Is(err, safetensors.ErrCorrupt) {
					t.Fatalf("%v does not wrap ErrCorrupt", err)
				}
				continue
			}
			again, err := file.Encode()
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("accepted %q, which encodes as %q, %v", b, again, err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data := encode(b, state())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := safetensors.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
