package decode

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"phasor/stream"
)

// allAvro has every kind of value.
const allAvro = `{"type": "record", "name": "plant.Reading", "fields": [
  {"name": "f", "type": "float"}, {"name": "d", "type": "double"}, {"name": "i", "type": "int"}, {"name": "l", "type": "long"},
  {"name": "b", "type": "boolean"}, {"name": "s", "type": "string"}, {"name": "by", "type": "bytes"},
  {"name": "n", "type": ["null", "double"]}, {"name": "u", "type": ["string", "long", "null"]},
  {"name": "e", "type": {"type": "enum", "name": "State", "symbols": ["IDLE", "RUN"]}},
  {"name": "dec", "type": {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 3}},
  {"name": "fx", "type": {"type": "fixed", "name": "F", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}},
  {"name": "raw", "type": {"type": "fixed", "name": "Raw", "size": 3}},
  {"name": "arr", "type": {"type": "array", "items": "double"}},
  {"name": "m", "type": {"type": "map", "values": ["null", "long"]}},
  {"name": "in", "type": {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "double"}, {"name": "next", "type": ["null", "Inner"]}]}},
  {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-micros"}},
  {"name": "day", "type": {"type": "int", "logicalType": "date"}}]}`

var allAvroPaths = []string{"f", "d", "i", "l", "n", "u", "dec", "fx", "arr[0]", "arr[2]", "m.a", "m.b", "in.x", "in.next.x", "in.next.next.x"}

// avroValue writes what hamba's encoder would: int64 as long, float64 as double,
// string and []byte behind their length, raw bytes as they are.
type rawBytes []byte

func avroValue(values ...any) []byte {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case int:
			b = binary.AppendVarint(b, int64(v))
		case float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		case float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case bool:
			if v {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		case string:
			b = append(binary.AppendVarint(b, int64(len(v))), v...)
		case rawBytes:
			b = append(b, v...)
		}
	}
	return b
}

func allAvroRecord() []byte {
	return avroValue(float32(0.1), 0.1, -7, 1<<40, true, "2.5", "\x01\x02", 1, 3.5, 1, 77, 1, "\x0f\x42\x40", rawBytes("\xff\xff\xff\x9c"), rawBytes("abc"),
		2, 1.0, 2.0, -1, 8, 3.0, 0, // An array in two blocks, the second with its size.
		3, "a", 1, 5, "b", 0, "a", 1, 6, 0, // Of equal keys the last one counts.
		9.0, 1, 8.0, 0, 1700000000123456, 19000)
}

func avroConfig(schema string, p ...string) Config {
	return Config{Format: "avro", Channels: paths(p...), Avro: Avro{Schema: schema}}
}

func TestAvroReadsEveryKind(t *testing.T) {
	c := avroConfig(allAvro, "f", "d", "i", "l", "n", "u", "dec", "fx", "arr[0]", "arr[2]", "m.a", "in.x", "in.next.x", "ts", "day", "b", "s")
	c.Booleans, c.NumericStrings = true, true
	c.Time = Time{Field: "ts"}
	c.Where = map[string]string{"e": "RUN", "by": "\x01\x02", "raw": "abc", "i": "-7", "b": "true", "dec": "1000.000", "d": "0.1"}
	d := mustNew(t, c)
	x := make([]float64, len(c.Channels))
	r := d.Decode(x, &stream.Record{Value: allAvroRecord()})
	want := []float64{float64(float32(0.1)), 0.1, -7, 1 << 40, 3.5, 77, 1000, -1, 1, 3, 6, 9, 8, 1700000000123456, 19000, 1, 2.5}
	if !r.Emitted || r.Time != 1700000000123 || !equal(x, want) {
		t.Fatalf("%+v %v, want %v", r, x, want)
	}
	for k := range c.Where {
		other := c
		other.Where = map[string]string{k: "other"}
		if r := mustNew(t, other).Decode(x, &stream.Record{Value: allAvroRecord()}); r.Reason != Filtered {
			t.Errorf("where %s: %+v", k, r)
		}
	}
}

func TestAvroReasons(t *testing.T) {
	const schema = `{"type":"record","name":"R","fields":[{"name":"a","type":["null","double","string","boolean",{"type":"array","items":"null"}]},{"name":"t","type":["null","long","string"]},{"name":"k","type":["null","string"]}]}`
	c := avroConfig(schema, "a")
	c.Time = Time{Field: "t", Unit: "s"}
	c.MaxBytes = 64
	for _, e := range []struct {
		name   string
		value  []byte
		reason Reason
	}{
		{"good", avroValue(1, 1.5, 1, 17, 0), Accepted},
		{"tombstone", nil, Tombstone},
		{"empty", []byte{}, Decode},
		{"long", make([]byte, 65), Oversize},
		{"trailing", avroValue(1, 1.5, 1, 17, 0, 0), Decode},
		{"cut", avroValue(1, 1.5, 1, 17), Decode},
		{"branch", avroValue(5, 1.5, 1, 17, 0), Decode},
		{"negative branch", avroValue(-1), Decode},
		{"null", avroValue(0, 1, 17, 0), Schema},
		{"string", avroValue(2, "1.5", 1, 17, 0), Schema},
		{"boolean", avroValue(3, true, 1, 17, 0), Schema},
		{"no boolean", avroValue(3, rawBytes{2}, 1, 17, 0), Decode},
		{"array", avroValue(4, 0, 1, 17, 0), Schema},
		{"many nulls", avroValue(4, 1<<60, 0, 1, 17, 0), Schema},
		{"more nulls", avroValue(4, 1<<60, 1<<62, 1<<62, 1<<62, 0, 1, 17, 0), Schema},
		{"NaN", avroValue(1, math.NaN(), 1, 17, 0), Nonfinite},
		{"Inf", avroValue(1, math.Inf(1), 1, 17, 0), Nonfinite},
		{"no time", avroValue(1, 1.5, 0, 0), Schema},
		{"negative time", avroValue(1, 1.5, 1, -17, 0), Schema},
		{"text as time", avroValue(1, 1.5, 2, "17", 0), Schema},
		{"length beyond the end", avroValue(2, 1<<40), Decode},
		{"negative length", avroValue(2, -1), Decode},
		{"endless number", rawBytes("\x02\x00\x00\x00\x00\x00\x00\x00\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Decode},
	} {
		if r := mustNew(t, c).Decode(make([]float64, 1), &stream.Record{Value: e.value}); r.Reason != e.reason {
			t.Errorf("%s: %v, want %v", e.name, r.Reason, e.reason)
		} else if r.Emitted && r.Time != 17000 {
			t.Errorf("%s: time %d", e.name, r.Time)
		}
	}
	c.Where = map[string]string{"k": "x"}
	if r := mustNew(t, c).Decode(make([]float64, 1), &stream.Record{Value: avroValue(1, 1.5, 1, 17, 1, "y")}); r.Reason != Filtered {
		t.Errorf("where: %v", r.Reason)
	}
	c.Where, c.Missing = nil, "last"
	d := mustNew(t, c)
	x := make([]float64, 1)
	d.Decode(x, &stream.Record{Value: avroValue(1, 1.5, 1, 17, 0)})
	for name, v := range map[string][]byte{"null": avroValue(0, 1, 18, 0), "NaN": avroValue(1, math.NaN(), 1, 18, 0)} {
		if r := d.Decode(x, &stream.Record{Value: v}); !r.Emitted || r.Missing != 1 || x[0] != 1.5 {
			t.Errorf("missing: last, %s: %+v %v", name, r, x)
		}
	}
}

// Times are told by their type, else by the unit, also where it is a layout.
func TestAvroTimes(t *testing.T) {
	field := func(typ string) string {
		return `{"type":"record","name":"R","fields":[{"name":"a","type":"double"},{"name":"t","type":` + typ + `}]}`
	}
	logical := func(typ, l string) string { return fmt.Sprintf(`{"type":%q,"logicalType":%q}`, typ, l) }
	for _, e := range []struct {
		typ, unit string
		value     any
		want      int64
	}{
		{logical("long", "timestamp-millis"), "", 1700000000123, 1700000000123},
		{logical("long", "timestamp-millis"), "s", 1700000000123, 1700000000123},
		{logical("long", "timestamp-micros"), "auto", 1700000000123999, 1700000000123},
		{logical("long", "local-timestamp-micros"), "", 1700000000123999, 1700000000123},
		{logical("long", "timestamp-nanos"), "", 1700000000123999999, 1700000000123},
		{logical("int", "date"), "", 2, 172800000},
		{`"long"`, "us", 1700000000123456, 1700000000123},
		{`"double"`, "s", 1700000000.25, 1700000000250},
		{`"string"`, "rfc3339", "2023-11-14T22:13:20Z", 1700000000000},
		{`"string"`, "%Y-%m-%d %H:%M", "1970-01-02 00:01", 86460000},
		{`"long"`, "auto", 1700000000123, 1700000000123},
		{logical("long", "timestamp-millis"), "", -1, -1},
		{logical("int", "date"), "", -1, -1},
	} {
		c := avroConfig(field(e.typ), "a")
		c.Time = Time{Field: "t", Unit: e.unit}
		r := mustNew(t, c).Decode(make([]float64, 1), &stream.Record{Value: avroValue(1.0, e.value)})
		if r.Time != e.want || r.Emitted != (e.want >= 0) {
			t.Errorf("%s in %q: %+v, want %d", e.typ, e.unit, r, e.want)
		}
	}
}

// A decimal is the float64 nearest to its number, and its text is the number.
func TestAvroDecimals(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	a := &avroReader{scanner: newTyped(Config{Channels: paths("a", "b")})}
	a.start(make([]float64, 2))
	plain, kept := &target{channels: []int32{0}, only: 0}, &target{channels: []int32{1}, only: -1, wishes: []wish{{keepKey, 1}}}
	for range rounds(20000) {
		b := make([]byte, rng.IntN(20))
		for k := range b {
			b[k] = byte(rng.Uint32())
			if rng.IntN(3) == 0 {
				b[k] = [...]byte{0, 0xff, 0x80, 0x7f}[rng.IntN(4)]
			}
		}
		scale := rng.IntN(30)
		m := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 {
			m.Sub(m, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		ratio := new(big.Rat).SetFrac(m, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		want, _ := ratio.Float64()
		a.fraction(plain, b, scale)
		a.kept[keepKey].rank = 0
		a.fraction(kept, b, scale)
		if !same(a.x[0], want) || !same(a.x[1], want) || string(a.kept[keepKey].text) != ratio.FloatString(scale) {
			t.Fatalf("%x with %d decimals: %v and %v, %q; want %v %s", b, scale, a.x[0], a.x[1], a.kept[keepKey].text, want, ratio.FloatString(scale))
		}
	}
	a.fraction(plain, make([]byte, 1000), 3)
	if a.status[0] != present || a.x[0] != 0 {
		t.Error("a decimal of a thousand zeros is not 0")
	}
	b := make([]byte, maxDecimal+1)
	b[0] = 1
	if a.fraction(plain, b, 3); a.status[0] != wrong {
		t.Error("a decimal beyond float64 is a number")
	}
}

func TestAvroConfigErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.avsc")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := []Channel{{Name: "a"}}
	const rec = `{"type":"record","name":"R","fields":[{"name":"a","type":"double"},{"name":"s","type":"string"},{"name":"in","type":{"type":"record","name":"I","fields":[{"name":"y","type":"int"}]}}]}`
	for _, e := range []struct {
		c    Config
		want string
	}{
		{Config{Format: "avro", Channels: one}, "avro.registry, the URL"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: rec, Registry: "http://x"}}, "either avro.schema"},
		{Config{Format: "json", Channels: one, Avro: Avro{Schema: rec}}, "set format: avro"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: rec, User: "u"}}, "keys of a registry"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: filepath.Join(t.TempDir(), "absent")}}, "absent"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: file}}, "no Avro schema"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: `{"type":"record","name":"R","fields":[{"name":"a","type":"R"}]}`}}, "contains itself"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: `{"type":"record","name":"R","fields":[{"name":"a","type":"double"},{"name":"b","type":{"type":"record","name":"S","fields":[{"name":"c","type":"R"}]}}]}`}}, "contains itself"},
		{Config{Format: "avro", Channels: paths("b"), Avro: Avro{Schema: rec}}, `path "b" is not in avro.schema, which has a, s, in.y`},
		{Config{Format: "avro", Channels: paths("s"), Avro: Avro{Schema: rec}}, "numeric_strings"},
		{Config{Format: "avro", Channels: paths("in"), Avro: Avro{Schema: rec}}, "no number"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: rec}, Time: Time{Field: "t"}}, "time field"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: rec}, Where: map[string]string{"t": "1"}}, "where"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Schema: rec}, Window: Window{Lags: 2, Key: "t"}}, "window.key"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Registry: "registry:8081"}}, "write it like https://"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Registry: "http://u:secret@registry"}}, "avro.user"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Registry: "http://registry?x=1"}}, "query"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Registry: "http://registry", PasswordFile: "x"}}, "name the user"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Registry: "https://registry", Cert: "x"}}, "only one of"},
		{Config{Format: "avro", Channels: one, Avro: Avro{Registry: "http://registry", CA: "x"}}, "write https://registry"},
	} {
		err := e.c.Validate()
		if err == nil || !strings.Contains(err.Error(), e.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v, want %q", e.c, err, e.want)
		}
	}
	t.Setenv(RegistryPasswordVariable, "")
	if _, err := New(Config{Format: "avro", Channels: one, Avro: Avro{Registry: "http://registry", User: "u"}}); err == nil || !strings.Contains(err.Error(), RegistryPasswordVariable) {
		t.Errorf("no password: %v", err)
	}
}

// The fingerprint is that of the schema, not of the file, and knows no secrets.
func TestTypedFingerprints(t *testing.T) {
	a := avroConfig(`{"type":"record","name":"R","fields":[{"name":"a","type":"double"}]}`, "a")
	same := avroConfig(` {"name":"R", "doc": "words", "type":"record","fields":[{"doc":"x","name":"a","type":"double","default":1}]}`, "a")
	other := avroConfig(`{"type":"record","name":"R","fields":[{"name":"a","type":"float"}]}`, "a")
	if a.Fingerprint() != same.Fingerprint() || a.Fingerprint() == other.Fingerprint() {
		t.Errorf("%s\n%s\n%s", a.Fingerprint(), same.Fingerprint(), other.Fingerprint())
	}
	one := Config{Format: "avro", Channels: paths("a"), Avro: Avro{Registry: "http://one", User: "u", PasswordFile: "p"}}
	two := Config{Format: "avro", Channels: paths("a"), Avro: Avro{Registry: "https://two", User: "v"}}
	if one.Fingerprint() != two.Fingerprint() || one.Fingerprint() == a.Fingerprint() || strings.Contains(one.Fingerprint(), "one") {
		t.Errorf("%s\n%s", one.Fingerprint(), two.Fingerprint())
	}
	file := filepath.Join(t.TempDir(), "r.avsc")
	if err := os.WriteFile(file, []byte(a.Avro.Schema), 0o600); err != nil {
		t.Fatal(err)
	}
	c := avroConfig(file, "a")
	loaded, err := c.Load()
	if err != nil || loaded.Fingerprint() != a.Fingerprint() {
		t.Fatalf("a file: %v\n%s", err, loaded.Fingerprint())
	}
	if err := os.WriteFile(file, []byte(other.Avro.Schema), 0o600); err != nil {
		t.Fatal(err)
	}
	if loaded.Fingerprint() != a.Fingerprint() || c.Fingerprint() != other.Fingerprint() {
		t.Error("what was loaded follows the file")
	}
}

// framed is a record behind its schema's number.
func framed(number int, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(number)), value...)
}

func seed(t *testing.T, r *srfake.Registry, url, subject, schema string, refs ...sr.SchemaReference) int {
	t.Helper()
	cl, err := sr.NewClient(sr.URLs(url), sr.BasicAuth("u", "pass-word"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := cl.CreateSchema(t.Context(), subject, sr.Schema{Schema: schema, References: refs})
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}

func TestAvroRegistry(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	var down, asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user != "u" || pass != "pass-word" {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		asked.Add(1)
		switch down.Load() {
		case 1:
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case 2:
			http.NotFound(w, r) // As a proxy does.
		case 3:
			w.Write(make([]byte, maxAnswer+1))
		default:
			fake.Handler().ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	first := seed(t, fake, server.URL, "a", `{"type":"record","name":"R","fields":[{"name":"a","type":"double"},{"name":"b","type":"int"}]}`)
	second := seed(t, fake, server.URL, "b", `{"type":"record","name":"R","fields":[{"name":"b","type":"string"},{"name":"a","type":["null","float"]}]}`)
	seed(t, fake, server.URL, "inner", `{"type":"record","name":"x.Inner","fields":[{"name":"v","type":"double"}]}`)
	third := seed(t, fake, server.URL, "c", `{"type":"record","name":"C","fields":[{"name":"a","type":"x.Inner"}]}`, sr.SchemaReference{Name: "x.Inner", Subject: "inner", Version: 1})

	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("pass-word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Format: "avro", Channels: paths("a"), Avro: Avro{Registry: server.URL, User: "u", PasswordFile: password}}
	d := mustNew(t, c)
	x := make([]float64, 1)
	records := []stream.Record{
		{Value: framed(first, avroValue(1.5, 2))}, {Value: framed(second, avroValue("x", 1, float32(2.5)))}, {Value: framed(first, avroValue(3.5, 2))},
		{Value: framed(99, avroValue(1.5, 2))}, {Value: []byte{0, 0}}, {Value: []byte("\x01abcdef")}, {Value: nil},
		{Value: []byte("\x00\xff\xff\xff\xff1234")}, {Value: framed(third, avroValue(4.5))},
	}
	for how := int32(1); how <= 3; how++ {
		down.Store(how)
		if err := Prepare(t.Context(), d, records); !errors.Is(err, ErrAway) || strings.Contains(err.Error(), "pass-word") {
			t.Errorf("a registry that is away (%d): %v", how, err)
		}
	}
	down.Store(0)
	if err := Prepare(t.Context(), d, records); err != nil {
		t.Fatal(err)
	}
	down.Store(1)
	before := asked.Load()
	want := []struct {
		reason Reason
		x      float64
	}{{Accepted, 1.5}, {Accepted, 2.5}, {Accepted, 3.5}, {Decode, 0}, {Decode, 0}, {Decode, 0}, {Tombstone, 0}, {Decode, 0}, {Schema, 0}}
	for i, w := range want {
		if r := d.Decode(x, &records[i]); r.Reason != w.reason || r.Emitted && x[0] != w.x {
			t.Errorf("record %d: %+v %v, want %+v", i, r, x, w)
		}
	}
	if err := Prepare(t.Context(), d, records); err != nil || asked.Load() != before {
		t.Errorf("what is known is asked again: %v", err)
	}
	if r := mustNew(t, c); r == nil {
		t.Fatal()
	}

	// A path below a schema that another one refers to.
	c.Channels = paths("a.v")
	down.Store(0)
	if r := mustNew(t, c).Decode(x, &records[8]); !r.Emitted || x[0] != 4.5 {
		t.Errorf("a schema with a reference: %+v %v", r, x)
	}

	// Cancelled, and refused.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Prepare(ctx, mustNew(t, c), records); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	c.Avro.User = "somebody"
	if err := Prepare(t.Context(), mustNew(t, c), records); !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "look at avro.user") {
		t.Errorf("refused: %v", err)
	}
}

// A decoder that was not prepared waits for the registry.
func TestAvroDecodeWaits(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	id := seed(t, fake, fake.URL(), "a", `"double"`)
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) < 3 {
			http.Error(w, "busy", http.StatusBadGateway)
			return
		}
		fake.Handler().ServeHTTP(w, r)
	}))
	defer server.Close()
	x := make([]float64, 1)
	d := mustNew(t, Config{Format: "avro", Channels: paths("$"), Avro: Avro{Registry: server.URL}})
	done := make(chan Result)
	go func() { done <- d.Decode(x, &stream.Record{Value: framed(id, avroValue(1.5))}) }()
	select {
	case r := <-done:
		if !r.Emitted || x[0] != 1.5 {
			t.Errorf("%+v %v", r, x)
		}
	case <-time.After(time.Minute):
		t.Fatal("still waiting")
	}
}

// Schemas beyond the bound are forgotten, not those of the batch.
func TestAvroForgetsSchemas(t *testing.T) {
	schema := avro.MustParse(`"double"`)
	r := &registry{schemas: map[uint32]avro.Schema{}}
	for k := range uint32(3 * maxAvroTypes) {
		r.schemas[k] = schema
	}
	c := Config{Format: "avro", Channels: paths("$"), Avro: Avro{Registry: "http://x", loaded: &avroSource{registry: r}}}
	d := mustNew(t, c).(*avroDecoder)
	var records []stream.Record
	for k := range 3 * maxAvroTypes {
		records = append(records, stream.Record{Value: framed(k, avroValue(float64(k)))})
	}
	for _, batch := range [][]stream.Record{records[:10], records[10 : 2*maxAvroTypes], records[2*maxAvroTypes:]} {
		if err := Prepare(t.Context(), d, batch); err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			number, _ := schemaNumber(batch[i].Value)
			if d.types[number] == nil {
				t.Fatalf("schema %d of the batch is forgotten", number)
			}
		}
	}
	if len(d.types) > 2*maxAvroTypes {
		t.Errorf("%d schemas are kept", len(d.types))
	}
}

// FuzzAvro: what is read is what a generic reader of the same schema makes of it.
func FuzzAvro(f *testing.F) {
	schema := avro.MustParse(allAvro)
	c, err := avroConfig(allAvro, allAvroPaths...).Load()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(allAvroRecord())
	f.Add(avroValue(float32(1), math.NaN(), 0, 0, false, "", "", 0, 2, 0, "", rawBytes("\x80\x00\x00\x00"), rawBytes("\x00\x00\x00"), 0, 0, 0.0, 0, 0, 0))
	f.Add(avroValue(float32(1), 1.0, 0, 0, false, "", "", 0, 0, "x", 0, "\x80", rawBytes("\x80\x00\x00\x00"), rawBytes("\x00\x00\x00"), -2, 16, 1.0, 2.0, 0, -1, 4, "b", 1, 7, 0, 0.0, 1, 1.0, 1, 2.0, 1, 3.0, 0, 0, 0))
	// An int of six bytes is none, although its number is 0.
	f.Add([]byte("\xcd\xcc\xcc=\x9a\x99\x99\x99\x99\x99\xb9?\r\x80\x80\x80\x80\x80@\x01\x062.5\x04\x01\x02\x02\x00\x00\x00\x00\x00\x00\f@\x02\x9a\x01\x02\x06\xff\x9cabc\x04\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00\x00\x00\x00\x00@\x80\x80\x80\x80\x80\x00\x06"))
	a := mustNew(f, c).(*avroDecoder)
	f.Fuzz(func(t *testing.T, b []byte) {
		a.start(make([]float64, a.d))
		n := a.value(b, 0, a.fixed, 0)
		if n < 0 {
			return
		}
		if n > len(b) {
			t.Fatalf("%d of %d bytes are read", n, len(b))
		}
		var v any
		if err := avro.Unmarshal(schema, b[:n], &v); err != nil {
			t.Fatalf("%x is accepted: %v", b, err)
		}
		for k, path := range allAvroPaths {
			names, _ := parsePath(path)
			value, how := genericAt(v, names)
			if how != a.status[k] || how == present && !same(value, a.x[k]) {
				t.Fatalf("%x: %s is %v (%d), want %v (%d)", b, path, a.x[k], a.status[k], value, how)
			}
		}
		// One byte less is no value, and all of it again is the same.
		if n > 0 && a.value(b[:n-1], 0, a.fixed, 0) == n {
			t.Fatalf("%x is read without its last byte", b[:n])
		}
	})
}

// genericAt is the value on a path of what a generic reader returned.
func genericAt(v any, names []string) (float64, uint8) {
	for _, name := range names {
		switch at := v.(type) {
		case map[string]any:
			inner, ok := at[name]
			if !ok {
				return 0, absent
			}
			v = inner
		case []any:
			k := elementIndex(name)
			if k < 0 || k >= len(at) {
				return 0, absent
			}
			v = at[k]
		default:
			return 0, absent
		}
		if m, ok := v.(map[string]any); ok && len(m) == 1 {
			for branch, inner := range m { // A value of a union.
				if branch == "plant.Inner" {
					v = inner
				}
			}
		}
	}
	switch v := v.(type) {
	case nil:
		return 0, null
	case float32:
		return float64(v), present
	case float64:
		return v, present
	case int:
		return float64(v), present
	case int64:
		return float64(v), present
	case *big.Rat:
		f, _ := v.Float64()
		return f, present
	}
	return 0, wrong
}

// Of equal keys the last value counts, and nothing is left of the first.
func TestAvroEqualKeys(t *testing.T) {
	c := avroConfig(`{"type":"map","values":{"type":"array","items":"double"}}`, "a[0]", "a[1]")
	x := make([]float64, 2)
	for _, e := range []struct {
		value  []byte
		reason Reason
	}{
		{avroValue(2, "a", 1, 1.0, 0, "a", 2, 2.0, 3.0, 0, 0), Accepted},
		{avroValue(2, "a", 2, 2.0, 3.0, 0, "a", 1, 1.0, 0, 0), Schema},
		{avroValue(2, "a", 2, 2.0, 3.0, 0, "b", 1, 1.0, 0, 0), Accepted},
	} {
		r := mustNew(t, c).Decode(x, &stream.Record{Value: e.value})
		if r.Reason != e.reason || r.Emitted && !equal(x, []float64{2, 3}) {
			t.Errorf("%x: %+v %v, want %v", e.value, r, x, e.reason)
		}
	}
}
