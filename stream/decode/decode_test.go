package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"phasor/stream"
)

// rounds is n, or ten times as many with PHASOR_LONG=1.
func rounds(n int) int {
	if os.Getenv("PHASOR_LONG") == "1" {
		return 10 * n
	}
	return n
}

func TestConfigErrorsSayWhatToDo(t *testing.T) {
	a := []Channel{{Name: "a"}}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Format: "xml", Channels: a}, "json, csv, float32, float64, tags"},
		{Config{}, "list at least one"},
		{Config{Channels: []Channel{{Path: "a"}}}, "has no name"},
		{Config{Channels: []Channel{{Name: "a"}, {Name: "b"}, {Name: "a"}}}, "channels 0 and 2 are both named"},
		{Config{Channels: []Channel{{Name: "a\n"}}}, "not plain UTF-8"},
		{Config{Channels: a, Missing: "zero"}, "use reject"},
		{Config{Channels: a, MaxBytes: -1}, "positive"},
		{Config{Channels: a, Time: Time{Field: "t", Unit: "m"}}, "s, ms, us, ns, rfc3339, datetime"},
		{Config{Channels: a, Time: Time{Unit: "s"}}, "name the field"},
		{Config{Channels: paths("a..b")}, "empty name"},
		{Config{Channels: paths("a[x]")}, "no index"},
		{Config{Channels: paths("a[1")}, "without ]"},
		{Config{Channels: paths("a[1]b")}, "after ]"},
		{Config{Channels: paths(`a\`)}, "backslash"},
		{Config{Channels: paths("a."), Array: ""}, "empty name"},
		{Config{Channels: paths("a"), Array: "v"}, "remove one"},
		{Config{Channels: a, Where: map[string]string{"": "x"}}, "empty field name"},
		{Config{Channels: a, Where: map[string]string{"a..": "x"}}, "where"},
		{Config{Channels: a, Format: "csv", Array: "v"}, "needs format json"},
		{Config{Channels: a, Tags: Tags{Tag: "t"}}, "set format: tags"},
		{Config{Channels: a, CSV: CSV{Delimiter: ";"}}, "set format: csv"},
		{Config{Channels: a, Format: "tags", Tags: Tags{Tag: "value"}}, "both"},
		{Config{Channels: a, Format: "tags", Tags: Tags{Tick: -1}}, "milliseconds"},
		{Config{Channels: a, Format: "tags", Tags: Tags{Time: "t"}, Time: Time{Field: "u"}}, "keep one"},
		{Config{Channels: []Channel{{Name: "a"}, {Name: "b", Path: "a"}}, Format: "tags"}, "one channel"},
		{Config{Channels: paths("1"), Format: "float32"}, "no fields"},
		{Config{Channels: a, Format: "float64", Time: Time{Field: "t"}}, "no fields"},
		{Config{Channels: a, Format: "float64", Where: map[string]string{"x": "1"}}, "no fields"},
		{Config{Channels: a, Format: "csv", CSV: CSV{Delimiter: "ab"}}, "one character"},
		{Config{Channels: a, Format: "csv", CSV: CSV{Decimal: ","}}, "cannot be split"},
		{Config{Channels: a, Format: "csv", CSV: CSV{Decimal: "x"}}, "csv.decimal"},
		{Config{Channels: a, Format: "csv", CSV: CSV{Header: []string{"b"}}}, "no column \"a\""},
		{Config{Channels: a, Format: "csv", CSV: CSV{Header: []string{"a", "a"}}}, "twice"},
		{Config{Channels: a, Format: "csv", Time: Time{Field: "0"}}, "no path"},
		{Config{Channels: paths("x"), Format: "csv"}, "no number"},
	} {
		err := c.config.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "decode: ") {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
		if _, err := New(c.config); err == nil {
			t.Errorf("%+v: New accepts it", c.config)
		}
	}
}

func TestFingerprint(t *testing.T) {
	base := Config{Channels: paths("a", "b"), Where: map[string]string{"x": "1", "y": "2"}}
	same := base
	same.Format, same.Missing, same.MaxBytes = "json", "reject", DefaultMaxBytes
	same.Channels = append([]Channel{}, base.Channels...)
	same.Channels[0].Transform = "log1p"
	if base.Fingerprint() != same.Fingerprint() {
		t.Errorf("defaults and transforms change the fingerprint:\n%s\n%s", base.Fingerprint(), same.Fingerprint())
	}
	seen := map[string]int{base.Fingerprint(): -1}
	for i, f := range []func(*Config){
		func(c *Config) { c.Format = "tags" }, func(c *Config) { c.Missing = "last" }, func(c *Config) { c.MaxBytes = 9 },
		func(c *Config) { c.NumericStrings = true }, func(c *Config) { c.Booleans = true }, func(c *Config) { c.Time.Field = "t" },
		func(c *Config) { c.Time = Time{Field: "t", Unit: "s"} }, func(c *Config) { c.Where = map[string]string{"x": "1"} },
		func(c *Config) { c.Where = map[string]string{"x": "1 y", "z": "2"} },
		func(c *Config) { c.Channels = paths("b", "a") }, func(c *Config) { c.Array = "v" }, func(c *Config) { c.Format = "csv" },
		func(c *Config) { c.Format = "csv"; c.CSV.Header = []string{"a", "b"} }, func(c *Config) { c.Format = "csv"; c.CSV.Nulls = []string{"-"} },
		func(c *Config) { c.Format = "tags"; c.Tags.Tick = 5 },
	} {
		c := base
		f(&c)
		if other, ok := seen[c.Fingerprint()]; ok {
			t.Errorf("changes %d and %d have one fingerprint", i, other)
		}
		seen[c.Fingerprint()] = i
	}
}

func TestMissingLast(t *testing.T) {
	d := mustNew(t, Config{Channels: paths("a", "b"), Missing: "last", NumericStrings: true})
	x := make([]float64, 2)
	for _, e := range []struct {
		value   string
		reason  Reason
		missing int
		x       [2]float64
	}{
		{`{"a":1}`, Schema, 0, [2]float64{}},
		{`{"b":2}`, Accepted, 1, [2]float64{1, 2}},
		{`{"a":null,"b":3}`, Accepted, 1, [2]float64{1, 3}},
		{`{"a":"NaN","b":4}`, Accepted, 1, [2]float64{1, 4}},
		{`{"a":1e999,"b":5}`, Nonfinite, 0, [2]float64{}},
		{`{"a":{},"b":6}`, Schema, 0, [2]float64{}},
		{`{"a":"x","b":6}`, Schema, 0, [2]float64{}},
		{`{}`, Accepted, 2, [2]float64{1, 4}},
		{`{"a":7,"b":8}`, Accepted, 0, [2]float64{7, 8}},
		{`{"b":9,"a":null}`, Accepted, 1, [2]float64{7, 9}},
	} {
		r := d.Decode(x, rec(e.value))
		if r.Reason != e.reason || r.Missing != e.missing || r.Emitted && [2]float64(x) != e.x {
			t.Errorf("%s: %+v %v, want %v %d %v", e.value, r, x, e.reason, e.missing, e.x)
		}
	}
}

func TestRaw(t *testing.T) {
	x := make([]float64, 2)
	b := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1.5))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(-3))
	f := mustNew(t, Config{Format: "float32", Channels: paths("", "")})
	if r := f.Decode(x, &stream.Record{Time: 9, Value: b}); !r.Emitted || r.Time != 9 || x[0] != 1.5 || x[1] != -3 {
		t.Errorf("float32: %+v %v", r, x)
	}
	if r := f.Decode(x, &stream.Record{Value: b[:7]}); r.Reason != Dimension {
		t.Errorf("7 bytes: %+v", r)
	}
	d := mustNew(t, Config{Format: "float64", Channels: paths("", ""), Missing: "last"})
	vector := func(v ...float64) *stream.Record {
		var b []byte
		for _, f := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
		}
		return &stream.Record{Value: b}
	}
	for i, e := range []struct {
		in     []float64
		reason Reason
	}{{[]float64{math.NaN(), 1}, Schema}, {[]float64{2, math.NaN()}, Accepted}, {[]float64{math.Inf(1), 1}, Nonfinite}, {[]float64{1}, Dimension}, {[]float64{3, 4}, Accepted}} {
		if r := d.Decode(x, vector(e.in...)); r.Reason != e.reason {
			t.Errorf("record %d: %+v, want %v", i, r, e.reason)
		}
		if i == 1 && (x[0] != 2 || x[1] != 1) {
			t.Errorf("last values: %v", x)
		}
	}
	if r := mustNew(t, Config{Format: "float64", Channels: paths("")}).Decode(x, vector(math.NaN())); r.Reason != Nonfinite || r.Channel != 0 {
		t.Errorf("NaN: %+v", r)
	}
}

func TestCSV(t *testing.T) {
	c := Config{Format: "csv", Channels: paths("x", "y"), CSV: CSV{Header: []string{"t", "x", "s", "y"}, Nulls: []string{"NA"}}, Time: Time{Field: "t", Unit: "datetime"}, Where: map[string]string{"s": `a,"b`}}
	at := int64(1582983047000)
	x := make([]float64, 2)
	for _, e := range []struct {
		row    string
		reason Reason
	}{
		{`2020-02-29 13:30:47,1.5,"a,""b",-2`, Accepted},
		{"2020-02-29T13:30:47Z , \"1.5\" ,\t\"a,\"\"b\" , -2 \r\n", Accepted},
		{`2020-02-29 13:30:47,+1.50e0,"a,""b",-2.`, Accepted},
		{`2020-02-29 13:30:47,1.5,ab,-2`, Filtered},
		{`2020-02-29 13:30:47,1.5,"a,""b"`, Dimension},
		{`2020-02-29 13:30:47,1.5,"a,""b",-2,`, Dimension},
		{`2020-02-29 13:30:47,1.5,"a,""b,-2`, Decode},
		{`2020-02-29 13:30:47,1.5,"a,""b"x,-2`, Decode},
		{`2020-02-29 13:30:47,1.5,a"b,-2`, Decode},
		{"2020-02-29 13:30:47,1.5,\"a,\"\"b\",-2\n1,2,3,4", Decode},
		{`2020-02-30 13:30:47,1.5,"a,""b",-2`, Schema},
		{`,1.5,"a,""b",-2`, Schema},
		{`2020-02-29 13:30:47,,"a,""b",-2`, Schema},
		{`2020-02-29 13:30:47,NA,"a,""b",-2`, Schema},
		{`2020-02-29 13:30:47,abc,"a,""b",-2`, Schema},
		{`2020-02-29 13:30:47,1.5 2,"a,""b",-2`, Schema},
		{`2020-02-29 13:30:47,nan,"a,""b",-2`, Nonfinite},
		{`2020-02-29 13:30:47,1.5,"a,""b",-Inf`, Nonfinite},
		{`2020-02-29 13:30:47,1e999,"a,""b",1`, Nonfinite},
	} {
		d := mustNew(t, c)
		r := d.Decode(x, rec(e.row))
		if r.Reason != e.reason || r.Emitted && (r.Time != at || x[0] != 1.5 || x[1] != -2) {
			t.Errorf("%q: %+v %v, want %v", e.row, r, x, e.reason)
		}
	}
	c = Config{Format: "csv", Channels: []Channel{{Name: "x"}, {Name: "y"}}, CSV: CSV{Delimiter: ";", Decimal: ","}, Missing: "last", Booleans: true}
	d := mustNew(t, c)
	for _, e := range []struct {
		row    string
		reason Reason
		x      [2]float64
	}{{"1,5;-2", Accepted, [2]float64{1.5, -2}}, {";3", Accepted, [2]float64{1.5, 3}}, {"True;NaN", Accepted, [2]float64{1, 3}}, {"1;2;3", Dimension, [2]float64{}}, {"1.5;2", Schema, [2]float64{}}, {"1;x", Schema, [2]float64{}}} {
		if r := d.Decode(x, rec(e.row)); r.Reason != e.reason || r.Emitted && [2]float64(x) != e.x {
			t.Errorf("%q: %+v %v, want %v %v", e.row, r, x, e.reason, e.x)
		}
	}
	d = mustNew(t, Config{Format: "csv", Channels: paths("2", "0")})
	if r := d.Decode(x, rec("1,2,3,4")); !r.Emitted || x[0] != 3 || x[1] != 1 {
		t.Errorf("by position: %+v %v", r, x)
	}
	if r := d.Decode(x, rec("1,2")); r.Reason != Dimension {
		t.Errorf("too few cells: %+v", r)
	}
}

func tagRecord(tag, value, time string) *stream.Record {
	return rec(`{"tag":` + tag + `,"value":` + value + `,"ts":` + time + `}`)
}

func TestTags(t *testing.T) {
	c := Config{Format: "tags", Channels: []Channel{{Name: "a", Path: "TI-1"}, {Name: "b"}}, Time: Time{Field: "ts"}, Tags: Tags{Tick: 10}}
	type step struct {
		tag, value, time string
		reason           Reason
		emitted          bool
		at               int64
		x                [2]float64
	}
	run := func(name string, c Config, steps []step) {
		d := mustNew(t, c)
		x := make([]float64, 2)
		for i, s := range steps {
			// The state goes through its bytes at every step.
			fresh := mustNew(t, c)
			if err := fresh.Restore(d.State()); err != nil {
				t.Fatalf("%s, step %d: %v", name, i, err)
			}
			if !bytes.Equal(fresh.State(), d.State()) {
				t.Fatalf("%s, step %d: the state changes when it is restored", name, i)
			}
			d = fresh
			r := d.Decode(x, tagRecord(s.tag, s.value, s.time))
			if r.Reason != s.reason || r.Emitted != s.emitted || r.Emitted && (r.Time != s.at || [2]float64(x) != s.x) {
				t.Errorf("%s, step %d (%v): %+v %v", name, i, s, r, x)
			}
		}
	}
	run("reject", c, []step{
		{`"TI-1"`, "1", "100", Accepted, false, 0, [2]float64{}},
		{`"b"`, "2", "109", Accepted, false, 0, [2]float64{}},
		{`"b"`, "3", "105", Accepted, false, 0, [2]float64{}},
		{`"other"`, "3", "115", Filtered, false, 0, [2]float64{}},
		{`"b"`, "4", "111", Accepted, true, 100, [2]float64{1, 3}},
		{`"b"`, `"x"`, "121", Schema, false, 0, [2]float64{}},
		{`"b"`, `1e999`, "121", Nonfinite, false, 0, [2]float64{}},
		{`5`, `1`, "121", Filtered, false, 0, [2]float64{}},
		{`{}`, `1`, "121", Schema, false, 0, [2]float64{}},
		{`"b"`, `1`, "null", Schema, false, 0, [2]float64{}},
		{`"TI-1"`, "5", "99", Schema, false, 0, [2]float64{}},
		{`"TI-1"`, "5", "120", Schema, false, 0, [2]float64{}},
		{`"b"`, "6", "129", Accepted, false, 0, [2]float64{}},
		{`"b"`, "7", "150", Accepted, true, 120, [2]float64{5, 6}},
	})
	c.Missing = "last"
	run("last", c, []step{
		{`"TI-1"`, "1", "100", Accepted, false, 0, [2]float64{}},
		{`"TI-1"`, "2", "110", Schema, false, 0, [2]float64{}},
		{`"b"`, "3", "120", Schema, false, 0, [2]float64{}},
		{`"b"`, "4", "130", Accepted, true, 120, [2]float64{2, 3}},
		{`"TI-1"`, "null", "140", Accepted, true, 130, [2]float64{2, 4}},
		{`"TI-1"`, "9", "150", Accepted, true, 140, [2]float64{2, 4}},
	})
}

func TestTagsRecoverFromAWrongClock(t *testing.T) {
	d := mustNew(t, Config{Format: "tags", Channels: []Channel{{Name: "a"}}, Time: Time{Field: "ts"}})
	x := make([]float64, 1)
	d.Decode(x, tagRecord(`"a"`, "1", "99999999"))
	emitted := 0
	for range 3000 {
		if r := d.Decode(x, tagRecord(`"a"`, "1", "100")); r.Reason == Accepted {
			emitted++
		}
	}
	if emitted < 1000 {
		t.Errorf("a single wrong time silences the stream: %d of 3000 accepted", emitted)
	}
}

func TestStateErrors(t *testing.T) {
	x := make([]float64, 2)
	for _, f := range Formats() {
		for _, missing := range []string{"reject", "last"} {
			c := ofFormat(f, Config{Channels: []Channel{{Name: "a"}, {Name: "b"}}, Missing: missing})
			d := mustNew(t, c)
			switch f {
			case "csv":
				d.Decode(x, rec("1,2"))
			case "json":
				d.Decode(x, rec(`{"a":1,"b":2}`))
			case "log":
				d.Decode(x, rec("a=1 b=2"))
			case "tags":
				d.Decode(x, rec(`{"tag":"a","value":2}`))
			case "float64":
				d.Decode(x, rec(strings.Repeat("0", 16)))
			}
			state := d.State()
			for n := 1; n < len(state); n++ {
				if err := d.Restore(state[:n]); !errors.Is(err, ErrState) {
					t.Errorf("%s, %s: %d of %d bytes: %v", f, missing, n, len(state), err)
				}
			}
			if err := d.Restore(append(bytes.Clone(state), 0)); !errors.Is(err, ErrState) {
				t.Errorf("%s, %s: a byte too many: %v", f, missing, err)
			}
			for i := range 7 {
				bad := bytes.Clone(state)
				bad[i] ^= 0x55
				if err := d.Restore(bad); !errors.Is(err, ErrState) {
					t.Errorf("%s, %s: byte %d changed: %v", f, missing, i, err)
				}
			}
			if !bytes.Equal(d.State(), state) {
				t.Errorf("%s, %s: failed restores changed the decoder", f, missing)
			}
			if err := d.Restore(nil); err != nil || !bytes.Equal(d.State(), mustNew(t, c).State()) {
				t.Errorf("%s, %s: no bytes do not make a new decoder: %v", f, missing, err)
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	short := Config{Channels: paths("a", "b.c"), Time: Time{Field: "t", Unit: "rfc3339"}, Where: map[string]string{"w": "é"}, Missing: "last", NumericStrings: true}
	for name, c := range map[string]struct {
		config Config
		values []string
	}{
		"json": {short, []string{`{"a":1.5,"b":{"c":-2e3},"t":"2026-01-02T03:04:05.678+01:00","w":"\u00e9","n":[{"x":null}]}`}},
		"json of changing layout": {short, []string{
			`{"a":1.5,"b":{"c":23.456789012345678},"t":"2026-01-02T03:04:05.678Z","w":"é"}`, `{"a":"7.25","t":"2026-01-02T03:04:05Z","w":"é"}`, `{"a":null,"t":"2026-01-02T03:04:05Z","w":"no"}`,
			`{"w":"é","a":123456789012345678901234567890}`, `{"a":{},"w":"é"}`, `{`, `{"b":{"c":1e999},"w":"é","t":"2026-01-02T03:04:05Z","a":1,"a":2}`}},
		"csv":     {Config{Format: "csv", Channels: paths("0", "2"), Time: Time{Field: "1", Unit: "datetime"}, CSV: CSV{Delimiter: ";", Decimal: ","}}, []string{`1,5;2026-01-02 03:04:05;"2,51234567890123456789012"`, `1;"a""b";3`, `x`}},
		"float32": {Config{Format: "float32", Channels: paths("", "")}, []string{"01234567"}},
		"float64": {Config{Format: "float64", Channels: paths("", "")}, []string{"0123456789abcdef"}},
		"tags":    {Config{Format: "tags", Channels: []Channel{{Name: "p"}, {Name: "q"}}, Missing: "last"}, []string{`{"tag":"p","value":1}`, `{"tag":"q","value":2,"x":[1]}`}},
	} {
		d := mustNew(t, c.config)
		x := make([]float64, 2)
		var records []*stream.Record
		for i, v := range c.values {
			records = append(records, &stream.Record{Time: int64(i), Value: []byte(v)})
		}
		run := func() {
			for _, r := range records {
				r.Time += 10
				d.Decode(x, r)
			}
		}
		for range 2000 {
			run()
		}
		if n := testing.AllocsPerRun(1000, run); n != 0 {
			t.Errorf("%s: %v allocations a round", name, n)
		}
	}
}

func TestChunkingByState(t *testing.T) {
	const seed = 9
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	c := Config{Channels: paths("a", "b"), Missing: "last"}
	one := mustNew(t, c)
	other := mustNew(t, c)
	x, y := make([]float64, 2), make([]float64, 2)
	values := []string{`{"a":1}`, `{"b":2.5}`, `{"a":3,"b":4}`, `{"a":null,"b":5}`, `{"a":1e999}`, `{"a":"x"}`, `{`}
	for range 5000 {
		v := rec(values[r.IntN(len(values))])
		p, q := one.Decode(x, v), other.Decode(y, v)
		if p != q || p.Emitted && (x[0] != y[0] || x[1] != y[1]) {
			t.Fatalf("%s: %+v %v and %+v %v", v.Value, p, x, q, y)
		}
		if r.IntN(4) == 0 {
			next := mustNew(t, c)
			if err := next.Restore(other.State()); err != nil {
				t.Fatal(err)
			}
			other = next
		}
	}
}

// TestManyChannels decodes the largest vectors in every format.
func TestManyChannels(t *testing.T) {
	const d = MaxChannels
	var cells []string
	var raw []byte
	for k := range d {
		cells = append(cells, strconv.Itoa(k))
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(float64(k)))
	}
	row := strings.Join(cells, ",")
	var object strings.Builder
	for k := range d {
		fmt.Fprintf(&object, `,"c%d":%d`, k, k)
	}
	names := make([]Channel, d)
	for k := range names {
		names[k].Name = fmt.Sprintf("c%d", k)
	}
	x := make([]float64, d)
	for _, c := range []struct {
		config Config
		value  string
	}{
		{Config{Channels: names}, "{" + object.String()[1:] + "}"},
		{Config{Channels: names, Array: "$"}, "[" + row + "]"},
		{Config{Channels: names, Format: "csv"}, row},
		{Config{Channels: names, Format: "float64"}, string(raw)},
	} {
		dec := mustNew(t, c.config)
		for range 3 {
			clear(x)
			if r := dec.Decode(x, rec(c.value)); !r.Emitted || x[d-1] != d-1 || x[1234] != 1234 {
				t.Errorf("%s %s: %+v", c.config.Format, c.config.Array, r)
			}
		}
	}
	if err := (Config{Channels: make([]Channel, d+1)}).Validate(); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("too many channels: %v", err)
	}
}
