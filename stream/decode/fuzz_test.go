package decode

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"phasor/stream"
)

// fuzzConfigs are one of each format, with what makes it remember.
func fuzzConfigs() []Config {
	ch, plain := paths("a", "b"), []Channel{{Name: "x"}, {Name: "y"}}
	return []Config{
		{Format: "csv", Channels: plain, Missing: "last"},
		{Format: "csv", Channels: ch, CSV: CSV{Header: []string{"t", "a", "b"}, Delimiter: ";", Decimal: ",", Nulls: []string{"NA"}}, Time: Time{Field: "t", Unit: "s"}},
		{Format: "float32", Channels: plain, Missing: "last"},
		{Format: "float64", Channels: plain},
		{Format: "tags", Channels: ch, Missing: "last", Tags: Tags{Time: "t", Tick: 10}},
		{Format: "json", Channels: ch, Missing: "last", Time: Time{Field: "t", Unit: "rfc3339"}, Where: map[string]string{"w": "4"}, NumericStrings: true, Booleans: true},
		{Format: "json", Channels: plain, Array: "v"},
	}
}

var decoderSeeds = []string{`1.5,2`, `1;2,5;NA`, "\"1\",\"2\"\n", "1,2\r\n", `{"tag":"a","value":1,"t":10}`, `{"tag":"b","value":-2e3,"t":21}`, `{"a":1,"b":null,"w":"4","t":"2026-01-02T03:04:05Z"}`,
	`{"v":[1,2]}`, "\x00\x00\x80\x3f\x00\x00\xc0\x7f", "\x00\x00\x00\x00\x00\x00\xf8\x7f\x00\x00\x00\x00\x00\x00\xf0\x3f", ``, `{`, `"`, `,`}

// FuzzDecoders: no value makes a decoder panic, hand out a vector with NaN or Inf where it says that it is good, or
// remember what its state does not say.
func FuzzDecoders(f *testing.F) {
	for i, s := range decoderSeeds {
		f.Add([]byte(s), []byte(decoderSeeds[(i+1)%len(decoderSeeds)]), int64(i))
	}
	f.Fuzz(func(t *testing.T, first, second []byte, time int64) {
		for _, c := range fuzzConfigs() {
			c.MaxBytes = 4096
			d := mustNew(t, c)
			x, y := make([]float64, 2), make([]float64, 2)
			for _, v := range [][]byte{first, second, first} {
				r := &stream.Record{Time: time, Value: bytes.Clone(v)}
				other := mustNew(t, c)
				if err := other.Restore(d.State()); err != nil {
					t.Fatalf("%s: its own state is refused: %v", c.Format, err)
				}
				got, want := d.Decode(x, r), other.Decode(y, r)
				if got != want || got.Emitted && !slices.Equal(bitsOf(x), bitsOf(y)) {
					t.Fatalf("%s: %+v %v, after its state was restored %+v %v", c.Format, got, x, want, y)
				}
				if len(v) > c.MaxBytes && got.Reason != Oversize {
					t.Fatalf("%s: %d bytes are %v", c.Format, len(v), got.Reason)
				}
				if !bytes.Equal(d.State(), other.State()) {
					t.Fatalf("%s: the states differ", c.Format)
				}
			}
		}
	})
}

func bitsOf(x []float64) (b []uint64) {
	for _, v := range x {
		b = append(b, math.Float64bits(v))
	}
	return b
}

// FuzzRestore: whatever bytes are taken for a state, they are refused or are what the decoder would write.
func FuzzRestore(f *testing.F) {
	for i, c := range fuzzConfigs() {
		d, err := New(c)
		if err != nil {
			f.Fatal(err)
		}
		x := make([]float64, 2)
		for _, s := range decoderSeeds {
			d.Decode(x, rec(s))
			f.Add(i, bytes.Clone(d.State()))
		}
	}
	f.Fuzz(func(t *testing.T, n int, state []byte) {
		configs := fuzzConfigs()
		d := mustNew(t, configs[uint(n)%uint(len(configs))])
		if err := d.Restore(state); err != nil {
			return
		}
		if again := d.State(); !bytes.Equal(again, state) && len(state) > 0 { // None is that of a decoder that saw nothing.
			t.Fatalf("%x was taken for a state, the decoder writes %x", state, again)
		}
		d.Decode(make([]float64, 2), rec(fmt.Sprintf(`{"a": %d}`, n)))
	})
}
