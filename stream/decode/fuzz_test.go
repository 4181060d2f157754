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
		{Format: "log", Channels: plain, Log: Log{Pattern: "<time> x=<x> y=<y>", Hash: 3}, Window: Window{Lags: 2, Key: "x", Stride: 2, Keys: 2}},
		{Format: "log", Log: Log{Pattern: "json", Templates: 3}},
		{Format: "log", Log: Log{Pattern: "logfmt", Hash: 2, Norm: "unit"}, Window: Window{Lags: 2}},
		{Format: "log", Log: Log{Regexp: "(?P<level>[A-Z]+) (?P<time>.*)"}, Time: Time{Field: "time", Unit: "syslog"}},
		{Format: "json", Channels: ch, Time: Time{Field: "t", Unit: "auto"}, Window: Window{Lags: 3, Key: "w", Keys: 2}},
		{Format: "float32", Channels: plain, Missing: "last", Window: Window{Lags: 2}},
		{Format: "avro", Channels: ch, Missing: "last", Avro: Avro{Schema: fuzzSchema}, Time: Time{Field: "t"}, Where: map[string]string{"w": "4"}, NumericStrings: true, Booleans: true},
		{Format: "avro", Channels: ch[:1], Avro: Avro{Schema: fuzzSchema}, Window: Window{Lags: 2, Key: "w", Keys: 2}},
	}
}

const fuzzSchema = `{"type":"record","name":"R","fields":[{"name":"a","type":["null","double","string"]},{"name":"b","type":"boolean"},{"name":"w","type":"string"},{"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}}]}`

var decoderSeeds = []string{`1.5,2`, `1;2,5;NA`, "\"1\",\"2\"\n", "1,2\r\n", `{"tag":"a","value":1,"t":10}`, `{"tag":"b","value":-2e3,"t":21}`, `{"a":1,"b":null,"w":"4","t":"2026-01-02T03:04:05Z"}`,
	`{"v":[1,2]}`, "\x00\x00\x80\x3f\x00\x00\xc0\x7f", "\x00\x00\x00\x00\x00\x00\xf8\x7f\x00\x00\x00\x00\x00\x00\xf0\x3f", ``, `{`, `"`, `,`,
	`081109 203615 x=1 y=2`, `Dec 10 06:55:46 x=a y=3`, `{"level":"warn","ts":1700000000.5,"msg":"a /b 0x1f \u0041"}`, `level=info msg="a \"b\" 7" x`,
	`ERROR Feb 29 00:00:00`, `{"a":1,"b":2,"w":"k","t":"2023-11-14 22:13:20,5"}`,
	"\x02\x00\x00\x00\x00\x00\x00\xf8\x3f\x01\x024\x02", "\x04\x062.5\x00\x02k\x02", "\x00\x01\x024\x02"}

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
			x, y := make([]float64, len(c.Vector())), make([]float64, len(c.Vector()))
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
		x := make([]float64, len(c.Vector()))
		for _, s := range decoderSeeds {
			d.Decode(x, rec(s))
			f.Add(i, bytes.Clone(d.State()))
		}
	}
	f.Fuzz(func(t *testing.T, n int, state []byte) {
		configs := fuzzConfigs()
		c := configs[uint(n)%uint(len(configs))]
		d := mustNew(t, c)
		if err := d.Restore(state); err != nil {
			return
		}
		if again := d.State(); !bytes.Equal(again, state) && len(state) > 0 { // None is that of a decoder that saw nothing.
			t.Fatalf("%x was taken for a state, the decoder writes %x", state, again)
		}
		d.Decode(make([]float64, len(c.Vector())), rec(fmt.Sprintf(`{"a": %d}`, n)))
	})
}

// FuzzPattern: a template either is refused or splits a line into literals and fields from which the line can be put
// together again, but for the length of its blanks.
func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{{"<a> b<c>", "x  b y"}, {"[<time>] <_>: <m:number>", "[Dec 10 06:55:46] a: 1"}, {`\<<a>>`, "<x>"}, {"<a>\xff<b>", "\xc3\xff("}, {" <a> ", " \t x "}} {
		f.Add(s[0], []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, template string, line []byte) {
		if len(template) > maxPattern {
			return
		}
		p, err := parseLine(template, "time")
		if err != nil {
			return
		}
		line = trimLine(line)
		if _, ok := p.match(line, newClock(Time{Field: "time", Unit: "auto"}), 0); !ok {
			return
		}
		at := 0
		again := ""
		for i, lit := range p.literals {
			again += string(lit)
			if i == len(p.fields) {
				break
			}
			f := p.fields[i]
			if f.start < at || f.end < f.start || f.end > len(line) {
				t.Fatalf("%q in %q: field %d is [%d:%d] behind %d", template, line, i, f.start, f.end, at)
			}
			at = f.end
			again += string(line[f.start:f.end])
		}
		if collapse(again) != collapse(string(line)) {
			t.Fatalf("%q in %q gives %q", template, line, again)
		}
	})
}

// FuzzLayout: whatever the layout and the text, a time that is read lies between 1970 and 9999, and does not depend on
// what follows it.
func FuzzLayout(f *testing.F) {
	for _, s := range []string{"2023-11-14T22:13:20Z", "Dec 10 06:55:46", "1700000000.5", "17/06/09 20:10:40", "99999999999999999999"} {
		f.Add("auto", s, int64(1700000000000))
		f.Add("%Y-%m-%d %H:%M:%S,%f%z", s, int64(-1))
		f.Add("%s", s, int64(0))
	}
	f.Fuzz(func(t *testing.T, unit, text string, now int64) {
		tf := Time{Field: "t", Unit: unit}
		if !isLayout(unit) || tf.validateClock() != nil {
			return
		}
		k := newClock(tf)
		if ms, ok := k.whole([]byte(text), now); ok && (ms < 0 || ms > maxTime) {
			t.Fatalf("%q is %d", text, ms)
		}
		ms, n, ok := k.prefix([]byte(text), now)
		if !ok {
			return
		}
		if ms < 0 || ms > maxTime || n < 0 || n > len(text) {
			t.Fatalf("%q is %d of %d bytes", text, ms, n)
		}
		if again, m, ok := k.prefix([]byte(text[:n]), now); !ok || again != ms || m != n {
			t.Fatalf("%q is %d, with what follows it %d", text[:n], again, ms)
		}
	})
}

// FuzzTokens: tokens are not empty, hold nothing that splits unless they are masks, and are the same
// each time.
func FuzzTokens(f *testing.F) {
	for _, s := range []string{"Received block blk_-1 of size 67 from /10.251.42.84:1", "a=b,c;(d)", "::1 fe80::1 0x1f 'q'.", "\xff\xfe\u00a0é", "1e999 -.5% /x//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		words := tokensOf(message)
		for _, w := range words {
			if w == "" || w[0] != '<' && bytes.ContainsFunc([]byte(w), func(r rune) bool { return r < 0x80 && isSplit(byte(r)) }) {
				t.Fatalf("%q has the token %q", message, w)
			}
		}
		if again := tokensOf(message); !slices.Equal(again, words) {
			t.Fatalf("%q gives %q and then %q", message, words, again)
		}
	})
}
