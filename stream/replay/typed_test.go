package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2/ocf"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"phasor/stream/decode"
)

// reading is a row of a press.
type reading struct {
	Time        time.Time `parquet:"time,timestamp(microsecond)" avro:"time"`
	Temperature float64   `parquet:"temperature" avro:"temperature"`
	Pressure    *float64  `parquet:"pressure,optional" avro:"pressure"`
	Count       int64     `parquet:"count" avro:"count"`
	Line        string    `parquet:"line" avro:"line"`
	Running     bool      `parquet:"running" avro:"running"`
}

const readingSchema = `{"type":"record","name":"reading","fields":[{"name":"time","type":{"type":"long","logicalType":"timestamp-micros"}},
	{"name":"temperature","type":"double"},{"name":"pressure","type":["null","double"]},{"name":"count","type":"long"},{"name":"line","type":"string"},{"name":"running","type":"boolean"}]}`

func readings(n int, seed uint64) []reading {
	rng := rand.New(rand.NewPCG(seed, 0))
	rows := make([]reading, n)
	for k := range rows {
		rows[k] = reading{Time: time.UnixMilli(1700000000000 + int64(k)*100).UTC(), Temperature: 20 + rng.NormFloat64(), Count: rng.Int64N(1000), Line: "ab"[rng.IntN(2):][:1], Running: true}
		if k == 0 || rng.IntN(10) > 0 { // The fields of JSON lines are those of the first.
			p := 5 + rng.NormFloat64()
			rows[k].Pressure = &p
		}
	}
	return rows
}

func csvOf(rows []reading) []byte {
	var b bytes.Buffer
	b.WriteString("time,temperature,pressure,count,line\n")
	for _, r := range rows {
		p := ""
		if r.Pressure != nil {
			p = fmt.Sprint(*r.Pressure)
		}
		fmt.Fprintf(&b, "%s,%v,%s,%d,%s\n", r.Time.Format(time.RFC3339Nano), r.Temperature, p, r.Count, r.Line)
	}
	return b.Bytes()
}

func ndjsonOf(rows []reading) []byte {
	var b bytes.Buffer
	for _, r := range rows {
		p := "null"
		if r.Pressure != nil {
			p = fmt.Sprint(*r.Pressure)
		}
		fmt.Fprintf(&b, `{"time":%q,"temperature":%v,"pressure":%s,"count":%d,"line":%q}`+"\n", r.Time.Format(time.RFC3339Nano), r.Temperature, p, r.Count, r.Line)
	}
	return b.Bytes()
}

func parquetOf(t testing.TB, rows any, write func(io.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	write(&b)
	return b.Bytes()
}

func parquetReadings(t testing.TB, rows []reading, options ...parquet.WriterOption) []byte {
	return parquetOf(t, rows, func(w io.Writer) {
		p := parquet.NewGenericWriter[reading](w, options...)
		for chunk := range slices.Chunk(rows, 700) {
			if _, err := p.Write(chunk); err != nil {
				t.Fatal(err)
			}
			if err := p.Flush(); err != nil { // A row group.
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func ocfReadings(t testing.TB, rows []reading, codec ocf.CodecName) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := ocf.NewEncoder(readingSchema, &b, ocf.WithCodec(codec), ocf.WithBlockLength(100))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	for _, part := range [][]byte{b[:len(b)/2], b[len(b)/2:]} { // Two members, as cat makes of two files.
		w := gzip.NewWriter(&out)
		w.Write(part)
		w.Close()
	}
	return out.Bytes()
}

func zstded(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

// rowsOf reads a feed to its end, with a line for each row.
func rowsOf(t testing.TB, f Feed) (rows []string) {
	t.Helper()
	for {
		x, ms, err := f.Next()
		var bad *RowError
		switch {
		case err == io.EOF:
			return rows
		case errors.As(err, &bad):
			rows = append(rows, fmt.Sprint(bad.Column, " ", bad.Reason))
		case err != nil:
			t.Fatal(err)
		default:
			rows = append(rows, fmt.Sprint(ms, " ", x))
		}
	}
}

// The same rows give the same vectors and the same reasons, whatever file holds them.
func TestFilesOfTheSameRows(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rows := readings(2000, seed)
	plain := csvOf(rows)
	for name, opt := range map[string]Options{
		"found out": {},
		"named":     {NoTime: true, Decode: decode.Config{Channels: []decode.Channel{{Name: "count"}, {Name: "p", Path: "pressure"}}, Missing: "last"}},
		"selected":  {Decode: decode.Config{Channels: []decode.Channel{{Name: "temperature"}}, Where: map[string]string{"line": "b"}}},
		"windows":   {Decode: decode.Config{Channels: []decode.Channel{{Name: "temperature"}}, Window: decode.Window{Lags: 3, Key: "line"}}},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := NewCSV(bytes.NewReader(plain), "csv", opt)
			if err != nil {
				t.Fatal(err)
			}
			names, want := table.Channels(), rowsOf(t, table)
			if len(want) < 900 {
				t.Fatalf("%d rows", len(want))
			}
			for name, open := range map[string]func() (*Table, error){
				"csv.gz":    func() (*Table, error) { return NewCSV(bytes.NewReader(gzipped(plain)), "f", opt) },
				"csv.zst":   func() (*Table, error) { return NewCSV(bytes.NewReader(zstded(plain)), "f", opt) },
				"ndjson.gz": func() (*Table, error) { return NewNDJSON(bytes.NewReader(gzipped(ndjsonOf(rows))), "f", opt) },
				"parquet": func() (*Table, error) {
					b := parquetReadings(t, rows)
					return NewParquet(bytes.NewReader(b), int64(len(b)), "f", opt)
				},
				"parquet of small pages": func() (*Table, error) {
					b := parquetReadings(t, rows, parquet.PageBufferSize(300), parquet.Compression(&parquet.Zstd), parquet.DataPageVersion(1))
					return NewParquet(bytes.NewReader(b), int64(len(b)), "f", opt)
				},
				"avro":         func() (*Table, error) { return NewAvro(bytes.NewReader(ocfReadings(t, rows, ocf.Null)), "f", opt) },
				"avro deflate": func() (*Table, error) { return NewAvro(bytes.NewReader(ocfReadings(t, rows, ocf.Deflate)), "f", opt) },
				"avro snappy":  func() (*Table, error) { return NewAvro(bytes.NewReader(ocfReadings(t, rows, ocf.Snappy)), "f", opt) },
				"avro zstd":    func() (*Table, error) { return NewAvro(bytes.NewReader(ocfReadings(t, rows, ocf.ZStandard)), "f", opt) },
			} {
				table, err := open()
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if !slices.Equal(table.Channels(), names) {
					t.Errorf("%s: channels %q, want %q", name, table.Channels(), names)
				}
				got := rowsOf(t, table)
				if !slices.Equal(got, want) {
					for k := range want {
						if k >= len(got) || got[k] != want[k] {
							t.Errorf("%s: %d rows, want %d; row %d is %v, want %v", name, len(got), len(want), k, got[min(k, len(got)-1)], want[k])
							break
						}
					}
				}
			}
		})
	}
}

type nestedRow struct {
	ID     int32              `parquet:"id"`
	Inner  *nestedInner       `parquet:"inner,optional"`
	Values []float64          `parquet:"values,list"`
	Plain  []int32            `parquet:"plain"`
	Pairs  []nestedPair       `parquet:"pairs,list"`
	Tags   map[string]float64 `parquet:"tags"`
}

type nestedInner struct {
	X    *float32 `parquet:"x,optional"`
	Dots float64  `parquet:"a.b"`
}

type nestedPair struct {
	Name string  `parquet:"name"`
	V    []int32 `parquet:"v,list"`
}

// Paths lead into groups, lists and maps; what is not there is missing.
func TestParquetPaths(t *testing.T) {
	x := float32(0.5)
	rows := []nestedRow{
		{ID: 1, Inner: &nestedInner{X: &x, Dots: 7}, Values: []float64{1, 2, 3}, Plain: []int32{4, 5}, Pairs: []nestedPair{{"a", []int32{1}}, {"b", []int32{2, 3}}}, Tags: map[string]float64{"p": 1.5, "q": 2.5}},
		{ID: 2},
		{ID: 3, Inner: &nestedInner{}, Values: []float64{9}, Pairs: []nestedPair{{"a", nil}, {"b", []int32{8, 9, 10}}}, Tags: map[string]float64{"q": 3.5}},
	}
	b := parquetOf(t, rows, func(w io.Writer) {
		if err := parquet.Write(w, rows, parquet.PageBufferSize(40)); err != nil {
			t.Fatal(err)
		}
	})
	for path, want := range map[string][3]float64{
		"id": {1, 2, 3}, "inner.x": {0.5, math.NaN(), math.NaN()}, `inner.a\.b`: {7, math.NaN(), 0}, "values[0]": {1, math.NaN(), 9}, "values.2": {3, math.NaN(), math.NaN()},
		"plain[1]": {5, math.NaN(), math.NaN()}, "pairs[1].v[1]": {3, math.NaN(), 9}, "pairs[0].v[0]": {1, math.NaN(), math.NaN()}, "tags.q": {2.5, math.NaN(), 3.5}, "tags.r": {math.NaN(), math.NaN(), math.NaN()},
	} {
		table, err := NewParquet(bytes.NewReader(b), int64(len(b)), "f", Options{Decode: decode.Config{Channels: []decode.Channel{{Name: "v", Path: path}}}})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for k, w := range want {
			x, _, err := table.Next()
			var bad *RowError
			if w != w {
				if !errors.As(err, &bad) || bad.Reason != decode.Schema || bad.Line != k+1 || !strings.Contains(bad.Error(), fmt.Sprintf("row %d", k+1)) {
					t.Errorf("%s, row %d: %v %v, want a missing value", path, k, x, err)
				}
			} else if err != nil || x[0] != w {
				t.Errorf("%s, row %d: %v %v, want %v", path, k, x, err, w)
			}
		}
		if _, _, err := table.Next(); err != io.EOF {
			t.Errorf("%s: %v behind the last row", path, err)
		}
	}
	for path, want := range map[string]string{"nothing": "the file has id, inner", "inner.y": "inner has x", "values": "not in the file", "values.x": "is a list", "plain": "name an element", "inner": "not in the file"} {
		_, err := NewParquet(bytes.NewReader(b), int64(len(b)), "f", Options{Decode: decode.Config{Channels: []decode.Channel{{Name: "v", Path: path}}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	table, err := NewParquet(bytes.NewReader(b), int64(len(b)), "f", Options{})
	if err != nil || !slices.Equal(table.Channels(), []string{"id", "inner.x", "inner.a.b"}) {
		t.Errorf("the channels found are %v: %v", table, err)
	}
}

type kinds struct {
	I8   int8      `parquet:"i8"`
	U32  uint32    `parquet:"u32"`
	U64  uint64    `parquet:"u64"`
	F32  float32   `parquet:"f32"`
	B    bool      `parquet:"b"`
	S    string    `parquet:"s"`
	D32  int32     `parquet:"d32,decimal(2:9)"`
	D64  int64     `parquet:"d64,decimal(3:18)"`
	Date int32     `parquet:"date,date"`
	MS   time.Time `parquet:"ms,timestamp(millisecond)"`
	NS   time.Time `parquet:"ns,timestamp(nanosecond)"`
}

func TestParquetKinds(t *testing.T) {
	at := time.Date(2023, 11, 14, 22, 13, 20, 123456789, time.UTC)
	rows := []kinds{{I8: -3, U32: 1<<32 - 1, U64: 1<<64 - 1, F32: 0.1, B: true, S: "2.5", D32: -1234, D64: 1 << 53, Date: 19000, MS: at, NS: at}}
	b := parquetOf(t, rows, func(w io.Writer) {
		if err := parquet.Write(w, rows); err != nil {
			t.Fatal(err)
		}
	})
	for name, want := range map[string]float64{"i8": -3, "u32": 1<<32 - 1, "u64": 1<<64 - 1, "f32": float64(float32(0.1)), "b": 1, "s": 2.5, "d32": -12.34, "d64": 9007199254740.992, "date": 19000} {
		opt := Options{Decode: decode.Config{Channels: []decode.Channel{{Name: name}}, Booleans: true, NumericStrings: true}}
		table, err := NewParquet(bytes.NewReader(b), int64(len(b)), "f", opt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if x, _, err := table.Next(); err != nil || x[0] != want {
			t.Errorf("%s: %v %v, want %v", name, x, err, want)
		}
	}
	for name, want := range map[string]int64{"ms": 1700000000123, "ns": 1700000000123, "date": 19000 * 86400000} {
		table, err := NewParquet(bytes.NewReader(b), int64(len(b)), "f", Options{Decode: decode.Config{Channels: []decode.Channel{{Name: "i8"}}, Time: decode.Time{Field: name}}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, ms, err := table.Next(); err != nil || ms != want {
			t.Errorf("%s: %d %v, want %d", name, ms, err, want)
		}
	}
	for h, want := range map[uint16]float32{0x3c00: 1, 0xc000: -2, 0x0001: 1. / (1 << 24), 0x8000: 0, 0x7bff: 65504, 0x7c00: float32(math.Inf(1)), 0x3555: 0.33325195} {
		if got := half(h); got != want {
			t.Errorf("%04x is %v, want %v", h, got, want)
		}
	}
}

// A damaged file is an error, not a panic, a silent end or a wall of memory.
func TestDamagedFiles(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	rows := readings(300, seed)
	for name, whole := range map[string][]byte{
		"parquet": parquetReadings(t, rows), "avro": ocfReadings(t, rows, ocf.Null), "snappy": ocfReadings(t, rows, ocf.Snappy), "zstd": ocfReadings(t, rows, ocf.ZStandard), "deflate": ocfReadings(t, rows, ocf.Deflate),
		"csv.gz": gzipped(csvOf(rows)), "csv.zst": zstded(csvOf(rows)),
	} {
		open := func(b []byte) (*Table, error) {
			switch name {
			case "parquet":
				return NewParquet(bytes.NewReader(b), int64(len(b)), "f", Options{})
			case "csv.gz", "csv.zst":
				return NewCSV(bytes.NewReader(b), "f", Options{})
			}
			return NewAvro(bytes.NewReader(b), "f", Options{})
		}
		read := func(b []byte) (n int, err error) {
			table, err := open(b)
			if err != nil {
				return 0, err
			}
			defer table.Close()
			for {
				_, _, err := table.Next()
				var bad *RowError
				if err == io.EOF {
					return n, nil
				}
				if err != nil && !errors.As(err, &bad) {
					return n, err
				}
				if n++; n > 10*len(rows) {
					t.Fatalf("%s: a damaged file has no end", name)
				}
			}
		}
		if n, err := read(whole); err != nil || n != len(rows) {
			t.Fatalf("%s: %d rows: %v", name, n, err)
		}
		for range 200 {
			at := rng.IntN(len(whole))
			if n, err := read(whole[:at]); err == nil && n == len(rows) {
				t.Errorf("%s: the first %d of %d bytes hold all rows", name, at, len(whole))
			} else if err == nil && name != "avro" && name != "snappy" && name != "zstd" && name != "deflate" && name != "csv.gz" {
				t.Errorf("%s: the first %d of %d bytes are no error", name, at, len(whole))
			}
			changed := bytes.Clone(whole)
			changed[at] ^= byte(1 + rng.IntN(255))
			_, _ = read(changed) // It must come back, whatever it says.
		}
	}
	for what, b := range map[string][]byte{
		"bytes":  append([]byte(ocfMagic), binary.AppendVarint(nil, 1<<40)...),
		"length": append(append([]byte(ocfMagic), binary.AppendVarint(nil, 1)...), binary.AppendVarint(nil, 1<<40)...),
		"csv":    []byte("a,b\n1,2\n"),
	} {
		if _, err := NewAvro(bytes.NewReader(b), "f", Options{}); err == nil {
			t.Errorf("%s are taken for a file", what)
		}
	}
}

func TestKindOf(t *testing.T) {
	dir := t.TempDir()
	rows := readings(10, 1)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"x.csv": {parquetReadings(t, rows), KindParquet}, "y.log": {ocfReadings(t, rows, ocf.Null), KindAvro}, "z.parquet": {csvOf(rows), ""}, "empty": {nil, ""}, "w.gz": {gzipped(csvOf(rows)), ""},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.b, 0o600); err != nil {
			t.Fatal(err)
		}
		kind, err := KindOf(path)
		if kind != c.want || err != nil {
			t.Errorf("%s: %q %v, want %q", name, kind, err, c.want)
		}
		if kind == "" {
			continue
		}
		table, err := OpenTyped(path, kind, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := len(rowsOf(t, table)); n != len(rows) {
			t.Errorf("%s: %d rows", name, n)
		}
	}
	if _, err := OpenTyped("-", KindParquet, Options{}); err == nil || !strings.Contains(err.Error(), "save it to a file") {
		t.Errorf("Parquet on standard input: %v", err)
	}
}
