package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"phasor/stream"
)

func mustNew(t testing.TB, c Config) Decoder {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func rec(value string) *stream.Record {
	return &stream.Record{Time: 5, Value: []byte(value)}
}

func paths(p ...string) []Channel {
	var ch []Channel
	for i, path := range p {
		ch = append(ch, Channel{Name: fmt.Sprintf("c%d", i), Path: path})
	}
	return ch
}

type expectation struct {
	value  string
	reason Reason
	x      []float64
}

// check decodes every record three times, by the scanner, while its layout is
// learnt and by its template, and wants the same each time.
func check(t *testing.T, c Config, cases []expectation) {
	t.Helper()
	x := make([]float64, len(c.Channels))
	for _, e := range cases {
		d := mustNew(t, c)
		for round := range 3 {
			r := d.Decode(x, rec(e.value))
			if r.Reason != e.reason || r.Emitted != (e.reason == Accepted) {
				t.Errorf("%s, round %d: %v (%+v), want %v", e.value, round, r.Reason, r, e.reason)
				continue
			}
			for k := range e.x {
				if x[k] != e.x[k] {
					t.Errorf("%s, round %d: %v, want %v", e.value, round, x, e.x)
					break
				}
			}
		}
	}
}

func TestJSONPaths(t *testing.T) {
	c := Config{Channels: paths("a", "b.c", "v[1]", "w.0.z", `d\.e`, "$.f")}
	check(t, c, []expectation{
		{`{"a":1,"b":{"c":2},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6}`, Accepted, []float64{1, 2, 3, 4, 5, 6}},
		{` { "f" : 6 , "d.e":5,"w":{"0":{"z":4}},"v":{"1":3},"b":{"x":[{}],"c":2e0},"a":1 } `, Accepted, []float64{1, 2, 3, 4, 5, 6}},
		{`{"\u0061":1,"b":{"\u0063":2},"v":[0,3],"w":[{"z":4}],"d\u002ee":5,"f":6}`, Accepted, []float64{1, 2, 3, 4, 5, 6}},
		{`{"a":9,"b":{"c":9},"v":[0,9],"w":[{"z":4}],"d.e":5,"f":6,"a":1,"b":{"c":2},"v":[0,3]}`, Accepted, []float64{1, 2, 3, 4, 5, 6}},
		{`{"a":1,"b":{"c":2},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6,"b":{}}`, Schema, nil},
		{`{"a":1,"b":{"c":2},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6,"w":[{"z":7},{"z":8}],"w":[{"z":1,"z":{},"z":4}]}`, Accepted, []float64{1, 2, 3, 4, 5, 6}},
		{`{"a":1,"b":{"c":2,"c":3},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6,"b":{"c":9},"b":5}`, Schema, nil},
		{`{"a":"1","b":{"c":2},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6}`, Schema, nil},
		{`{"a":true,"b":{"c":2},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6}`, Schema, nil},
		{`{"a":null,"b":{"c":2},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6}`, Schema, nil},
		{`{"a":1e999,"b":{"c":2},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6}`, Nonfinite, nil},
		{`{"a":[1],"b":{"c":2},"v":[0,3],"w":[{"z":4}],"d.e":5,"f":6}`, Schema, nil},
		{`{}`, Schema, nil}, {`[]`, Schema, nil}, {`3`, Schema, nil}, {`null`, Schema, nil}, {`"x"`, Schema, nil},
		{``, Decode, nil}, {` `, Decode, nil}, {`{`, Decode, nil}, {`{"a":1}}`, Decode, nil}, {`{"a":1,}`, Decode, nil}, {`{"a":01}`, Decode, nil},
		{`{"a":1 "b":2}`, Decode, nil}, {"{\"a\":\"\n\"}", Decode, nil}, {`{"a":"\x"}`, Decode, nil}, {`{"a":+1}`, Decode, nil}, {`{"x":nul}`, Decode, nil},
		{`{"x":[1,2,]}`, Decode, nil}, {`{'a':1}`, Decode, nil}, {`{"a":NaN}`, Decode, nil}, {"\ufeff{}", Decode, nil},
	})
	check(t, Config{Channels: paths("$")}, []expectation{{` -2.5 `, Accepted, []float64{-2.5}}, {`[1]`, Schema, nil}})
	check(t, Config{Channels: []Channel{{Name: "a.b"}, {Name: "a"}}}, []expectation{{`{"a":{"b":1}}`, Schema, nil}})
}

func TestJSONArray(t *testing.T) {
	c := Config{Channels: []Channel{{Name: "x"}, {Name: "y"}}, Array: "v"}
	check(t, c, []expectation{
		{`{"v":[1,2]}`, Accepted, []float64{1, 2}}, {`{"v":[1,2,3]}`, Dimension, nil}, {`{"v":[]}`, Dimension, nil}, {`{"v":[1]}`, Dimension, nil},
		{`{"v":{"0":1,"1":2}}`, Schema, nil}, {`{"v":5}`, Schema, nil}, {`{"v":null}`, Schema, nil}, {`{}`, Schema, nil}, {`{"v":[1,[2]]}`, Schema, nil},
		{`{"v":[1,null]}`, Schema, nil}, {`{"v":[1],"v":[3,4]}`, Accepted, []float64{3, 4}},
		{`{"v":5,"v":[3,4]}`, Accepted, []float64{3, 4}}, {`{"v":[3,4],"v":[]}`, Dimension, nil}, {`{"v":[3,4],"v":{}}`, Schema, nil}, {`{"v":[3,4],"v":null}`, Schema, nil},
	})
	c.Array = "$"
	check(t, c, []expectation{{`[1,2]`, Accepted, []float64{1, 2}}, {`[1]`, Dimension, nil}})
	c.Missing = "last"
	d := mustNew(t, c)
	x := make([]float64, 2)
	d.Decode(x, rec(`[1,2]`))
	for _, v := range []string{`{"0":7,"1":8}`, `5`, `[1,2,3]`, `[{},2]`} {
		for range 3 {
			if r := d.Decode(x, rec(v)); r.Reason != Schema && r.Reason != Dimension {
				t.Errorf("%s with missing: last: %v", v, r.Reason)
			}
		}
	}
	for range 3 {
		if r := d.Decode(x, rec(`[null,3]`)); r.Reason != Accepted || r.Missing != 1 || x[0] != 1 || x[1] != 3 {
			t.Errorf("[null,3] with missing: last: %+v %v", r, x)
		}
	}
}

func TestJSONOptions(t *testing.T) {
	c := Config{Channels: paths("a", "b"), NumericStrings: true, Booleans: true}
	check(t, c, []expectation{
		{`{"a":"1.5","b":true}`, Accepted, []float64{1.5, 1}}, {`{"a":"x","b":false}`, Schema, nil}, {`{"a":"","b":1}`, Schema, nil},
		{`{"a":"NaN","b":1}`, Nonfinite, nil}, {`{"a":"-Inf","b":1}`, Nonfinite, nil}, {`{"a":"\u0031","b":false}`, Accepted, []float64{1, 0}},
	})
}

func TestJSONWhereAndTime(t *testing.T) {
	c := Config{Channels: paths("a"), Where: map[string]string{"line": "4", "on": "true"}, Time: Time{Field: "t", Unit: "s"}}
	x := make([]float64, 1)
	d := mustNew(t, c)
	for range 3 {
		for _, e := range []struct {
			value  string
			reason Reason
			time   int64
		}{
			{`{"a":1,"line":"4","on":true,"t":1.5}`, Accepted, 1500},
			{`{"a":1,"line":4,"on":"true","t":2}`, Accepted, 2000},
			{`{"a":1,"line":"\u0034","on":true,"t":3}`, Accepted, 3000},
			{`{"a":1,"line":5,"on":true,"t":2}`, Filtered, -1},
			{`{"a":"no","line":5,"on":true,"t":2}`, Filtered, -1},
			{`{"a":1,"on":true,"t":2}`, Filtered, -1},
			{`{"a":1,"line":4,"on":null,"t":2}`, Filtered, -1},
			{`{"a":1,"line":4,"on":true,"line":5,"t":2}`, Filtered, -1},
			{`{"a":1,"line":4,"on":true}`, Schema, -1},
			{`{"a":1,"line":4,"on":true,"t":null}`, Schema, -1},
			{`{"a":1,"line":4,"on":true,"t":"2"}`, Schema, -1},
			{`{"a":1,"line":4,"on":true,"t":-2}`, Schema, -1},
			{`{"a":1,"line":4,"on":true,"t":{}}`, Schema, -1},
		} {
			if r := d.Decode(x, rec(e.value)); r.Reason != e.reason || r.Time != e.time {
				t.Errorf("%s: %v at %d, want %v at %d", e.value, r.Reason, r.Time, e.reason, e.time)
			}
		}
	}
	d = mustNew(t, Config{Channels: paths("a", "a"), Where: map[string]string{"a": "7"}, Time: Time{Field: "a"}})
	x = make([]float64, 2)
	for range 3 {
		if r := d.Decode(x, rec(`{"a":7}`)); r.Reason != Accepted || r.Time != 7 || x[0] != 7 || x[1] != 7 {
			t.Errorf("a field of four purposes: %+v %v", r, x)
		}
	}
	if r := mustNew(t, Config{Channels: paths("a")}).Decode(x, rec(`{"a":7}`)); r.Time != 5 {
		t.Errorf("without a time field the record's timestamp is used: %+v", r)
	}
}

// ofFormat adds what a format needs to have channels that are fields.
func ofFormat(f string, c Config) Config {
	c.Format = f
	if f == "log" {
		c.Log.Pattern = "logfmt"
	}
	if f == "avro" {
		c.Avro.Schema = `{"type":"record","name":"R","fields":[{"name":"a","type":"double"},{"name":"b","type":"double"}]}`
	}
	if f == "protobuf" {
		c.Protobuf = protoOf("R", `optional double a = 1; optional double b = 2;`)
	}
	return c
}

func TestEnvelope(t *testing.T) {
	for _, f := range Formats() {
		d := mustNew(t, ofFormat(f, Config{Channels: []Channel{{Name: "a"}}, MaxBytes: 100}))
		x := make([]float64, 1)
		if r := d.Decode(x, &stream.Record{}); r.Reason != Tombstone || r.Emitted {
			t.Errorf("%s: no value: %+v", f, r)
		}
		if r := d.Decode(x, rec(strings.Repeat(" ", 101))); r.Reason != Oversize {
			t.Errorf("%s: 101 bytes: %+v", f, r)
		}
		if r := d.Decode(x, rec("")); r.Reason == Accepted || r.Reason == Tombstone {
			t.Errorf("%s: empty value: %+v", f, r)
		}
	}
}

func TestJSONDepth(t *testing.T) {
	for _, path := range []string{"a", "$", "b", "[0]"} {
		d := mustNew(t, Config{Channels: paths(path)})
		x := make([]float64, 1)
		for _, n := range []int{9999, 10000, 10001, 300000} {
			for _, form := range [][2]string{{"[", "]"}, {`{"b":`, `}`}} {
				v := strings.Repeat(form[0], n) + "1" + strings.Repeat(form[1], n)
				r := d.Decode(x, rec(v))
				if len(v) > DefaultMaxBytes {
					continue
				}
				if valid := json.Valid([]byte(v)); valid != (r.Reason != Decode) {
					t.Errorf("path %s, %d of %s: %v, json.Valid says %v", path, n, form[0], r.Reason, valid)
				}
			}
		}
	}
}

// oracle decodes with encoding/json.
func oracle(value []byte, p ...[]string) (valid bool, x []float64) {
	if !json.Valid(value) {
		return false, nil
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	var root any
	if dec.Decode(&root) != nil {
		return false, nil
	}
	for _, names := range p {
		v := root
		for _, name := range names {
			switch c := v.(type) {
			case map[string]any:
				v = c[name]
			case []any:
				v = nil
				if k := elementIndex(name); k >= 0 && k < len(c) {
					v = c[k]
				}
			default:
				v = nil
			}
		}
		n, ok := v.(json.Number)
		if !ok {
			return true, nil
		}
		f, _ := n.Float64()
		if math.IsInf(f, 0) {
			return true, nil
		}
		x = append(x, f)
	}
	return true, x
}

func compareWithOracle(t *testing.T, d Decoder, value []byte) {
	t.Helper()
	x := make([]float64, 3)
	r := d.Decode(x, &stream.Record{Value: value})
	valid, want := oracle(value, []string{"a"}, []string{"b", "c"}, []string{"v", "1"})
	if valid != (r.Reason != Decode) {
		t.Fatalf("%q: %v, encoding/json says valid %v", value, r.Reason, valid)
	}
	if (want != nil) != (r.Reason == Accepted) {
		t.Fatalf("%q: %v, encoding/json has %v", value, r.Reason, want)
	}
	for k := range want {
		if !same(x[k], want[k]) {
			t.Fatalf("%q: %v, want %v", value, x, want)
		}
	}
}

var oracleSeeds = []string{
	`{"a":1,"b":{"c":2},"v":[0,3]}`, `{"v":[0,3,{}],"b":{"x":"y","c":-2.5e-3},"a":0}`, `{"a":1,"a":2,"b":{"c":2},"v":[0,3]}`,
	`{"\u0061":1,"b":{"c":2},"v":[0,3]}`, `{"a":"\ud83d\ude00","b":null,"v":"\ud83d"}`, "{\"a\xff\":1}", `[[],{},true,false,null,1,""]`, `{"a":1`, `"\u12"`, `-`, `{"a":1}x`,
	`{"a":12345678901234567890,"b":{"c":1e400},"v":{"1":5}}`, ` { "a" : 1 } `, "{\"a\":\"tab\there\"}", `{"b":{"c":1},"b":{"d":1},"a":1,"v":[1,2]}`,
	`{"b":{"c":1,"c":{"x":1},"c":3},"b":{"c":1,"c":2},"a":{},"a":1,"v":[1,2],"v":{"1":3}}`, `{"v":[1,2],"v":[],"a":1,"b":{"c":1}}`,
}

func TestJSONAgainstOracle(t *testing.T) {
	const seed = 3
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	warm := mustNew(t, Config{Channels: paths("a", "b.c", "v[1]")})
	for _, s := range oracleSeeds {
		compareWithOracle(t, warm, []byte(s))
	}
	alphabet := []byte("{}[]\",:.\\ue+-0129abcv \n\x01\xffntrlfs")
	for n := range rounds(60000) {
		b := []byte(oracleSeeds[r.IntN(len(oracleSeeds))])
		for range r.IntN(3) {
			at := r.IntN(len(b))
			switch r.IntN(3) {
			case 0:
				b[at] = alphabet[r.IntN(len(alphabet))]
			case 1:
				b = append(b[:at], b[at+1:]...)
			default:
				b = append(b[:at], append([]byte{alphabet[r.IntN(len(alphabet))]}, b[at:]...)...)
			}
			if len(b) == 0 {
				break
			}
		}
		if n%64 == 0 {
			// A new decoder has no templates; between, those of mutated records are met.
			warm = mustNew(t, Config{Channels: paths("a", "b.c", "v[1]")})
		}
		compareWithOracle(t, warm, b)
		compareWithOracle(t, warm, b)
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range oracleSeeds {
		f.Add([]byte(s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d := mustNew(t, Config{Channels: paths("a", "b.c", "v[1]")})
		for _, b := range [][]byte{first, second, first, second} {
			if len(b) <= DefaultMaxBytes {
				compareWithOracle(t, d, append([]byte{}, b...))
			}
		}
	})
}

// TestLayoutsDoNotMatter: what was decoded before has no influence.
func TestLayoutsDoNotMatter(t *testing.T) {
	const seed = 5
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	values := []string{`1`, `-2.5`, `null`, `"s"`, `true`, `{}`, `[1,2]`, `{"c":3}`, `{"c":null}`, `{"c":{"c":1}}`, `1e999`, `[null,4]`, `[]`, `"4"`, `1700000000`}
	names := []string{"a", "b", "v", "t", "w", "other"}
	for _, missing := range []string{"reject", "last"} {
		c := Config{Channels: paths("a", "b.c", "v[1]", "b"), Missing: missing, Time: Time{Field: "t"}, Where: map[string]string{"w": "4"}}
		c.Channels = c.Channels[:3]
		warm := mustNew(t, c)
		x, y := make([]float64, 3), make([]float64, 3)
		for range rounds(15000) {
			var b strings.Builder
			b.WriteByte('{')
			for i := range 1 + r.IntN(7) {
				if i > 0 {
					b.WriteByte(',')
				}
				name := names[i%6]
				if r.IntN(20) == 0 {
					name = names[r.IntN(6)]
				}
				value := []string{`1`, `{"c":3}`, `[1,2]`, `1700000000`, `"4"`, `"s"`}[i%6]
				if r.IntN(6) == 0 {
					value = values[r.IntN(len(values))]
				}
				fmt.Fprintf(&b, `"%s":%s`, name, value)
			}
			b.WriteByte('}')
			cold := mustNew(t, c)
			if err := cold.Restore(warm.State()); err != nil {
				t.Fatal(err)
			}
			p, q := warm.Decode(x, rec(b.String())), cold.Decode(y, rec(b.String()))
			if p != q || p.Emitted && (x[0] != y[0] || x[1] != y[1] || x[2] != y[2]) || !bytes.Equal(warm.State(), cold.State()) {
				t.Fatalf("%s: warm %+v %v, cold %+v %v", b.String(), p, x, q, y)
			}
		}
	}
}
