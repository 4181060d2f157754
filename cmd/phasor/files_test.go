package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hamba/avro/v2/ocf"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"phasor/stream/embedded"
)

type fileRow struct {
	Time int64    `parquet:"time,timestamp(millisecond)" avro:"time"`
	A    float64  `parquet:"a" avro:"a"`
	B    *float64 `parquet:"b,optional" avro:"b"`
}

// writeFiles writes the same rows as CSV, lines of JSON, both compressed, Parquet and Avro, and returns the paths by name.
func writeFiles(t *testing.T, rows []fileRow) map[string]string {
	t.Helper()
	dir := t.TempDir()
	paths := map[string]string{}
	write := func(name string, b []byte) {
		paths[name] = filepath.Join(dir, name)
		if err := os.WriteFile(paths[name], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	csv, lines := bytes.NewBufferString("time,a,b\n"), new(bytes.Buffer)
	for _, r := range rows {
		cell, value := "", "null"
		if r.B != nil {
			cell = fmt.Sprint(*r.B)
			value = cell
		}
		fmt.Fprintf(csv, "%d,%v,%s\n", r.Time, r.A, cell)
		fmt.Fprintf(lines, `{"time":%d,"a":%v,"b":%s}`+"\n", r.Time, r.A, value)
	}
	write("rows.csv", csv.Bytes())
	write("rows.ndjson", lines.Bytes())
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write(csv.Bytes())
	w.Close()
	write("rows.csv.gz", zipped.Bytes())
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	write("rows.ndjson.zst", e.EncodeAll(lines.Bytes(), nil))
	var b bytes.Buffer
	if err := parquet.Write(&b, rows); err != nil {
		t.Fatal(err)
	}
	write("rows.parquet", bytes.Clone(b.Bytes()))
	write("rows-of-parquet", bytes.Clone(b.Bytes()))
	b.Reset()
	o, err := ocf.NewEncoder(`{"type":"record","name":"r","fields":[{"name":"time","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"a","type":"double"},{"name":"b","type":["null","double"]}]}`, &b, ocf.WithCodec(ocf.Snappy))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := o.Encode(map[string]any{"time": r.Time, "a": r.A, "b": r.B}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	write("rows.avro", bytes.Clone(b.Bytes()))
	return paths
}

// Files of the same rows give the same feature map and the same sketch, byte for byte, and a model that can be sampled.
func TestFilesBecomeModels(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	rows := make([]fileRow, 1000)
	for k := range rows {
		rows[k] = fileRow{Time: 1700000000000 + int64(k), A: rng.NormFloat64()}
		if k == 0 || rng.IntN(10) > 0 {
			b := 3 * rng.NormFloat64()
			rows[k].B = &b
		}
	}
	paths := writeFiles(t, rows)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	phasor(t, "calibrate", "--input", paths["rows.csv"], "--missing", "last", "--features", "64", "--out", at("spec"))
	phasor(t, "sketch", "--spec", at("spec"), "--input", paths["rows.csv"], "--missing", "last", "--out", at("sketch"))
	want, spec := read(t, at("sketch")), read(t, at("spec"))
	for name, path := range paths {
		phasor(t, "calibrate", "--input", path, "--missing", "last", "--features", "64", "--out", at(name+".spec"))
		if !bytes.Equal(read(t, at(name+".spec")), spec) {
			t.Errorf("%s gives another feature map", name)
		}
		_, log := phasor(t, "sketch", "--spec", at("spec"), "--input", path, "--missing", "last", "--out", at(name+".sketch"))
		if !bytes.Equal(read(t, at(name+".sketch")), want) || !strings.Contains(log, "1000 records in") {
			t.Errorf("%s gives another sketch: %s", name, log)
		}
	}
	config := at("phasor.yaml")
	if err := os.WriteFile(config, []byte("sketches: [{topics: [t], channels: [{name: a}, {name: b}], time: {field: time}, missing: last}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rows.parquet", "rows.avro", "rows.ndjson.zst"} {
		phasor(t, "sketch", "--config", config, "--spec", at("spec"), "--input", paths[name], "--out", at("described"))
		if !bytes.Equal(read(t, at("described")), want) {
			t.Errorf("%s, described by a configuration, gives another sketch", name)
		}
	}
	phasor(t, "fit", "--spec", at("spec"), "--sketch", at("sketch"), "--steps", "50", "--out", at("model"))
	if out, _ := phasor(t, "sample", "--model", at("model"), "--n", "3"); strings.Count(out, "\n") < 3 {
		t.Errorf("three samples are %q", out)
	}
	out, _ := phasor(t, "score", "--spec", at("spec"), "--model", at("model"), "--input", paths["rows.parquet"], "--missing", "last", "--no-header")
	if n := strings.Count(out, "\n"); n != len(rows) {
		t.Errorf("%d rows of the Parquet file are scored", n)
	}

	// The same rows in a topic.
	b, err := embedded.Start(embedded.Config{Topics: map[string]int{"t": 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, source := range []string{"parquet:" + paths["rows.parquet"], "avro:" + paths["rows.avro"], "csv:" + paths["rows.csv.gz"]} {
		out, _ := phasor(t, "produce", "--brokers", b.Addrs()[0], "--topic", "t", "--source", source, "--json")
		if !strings.Contains(out, `"records":`) || strings.Contains(out, `"records":0`) {
			t.Errorf("%s: %s", source, out)
		}
	}

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sketch", "--spec", at("spec"), "--input", paths["rows-of-parquet"], "--format", "csv", "--out", at("x")}, "is a file of parquet: leave --format out"},
		{[]string{"sketch", "--spec", at("spec"), "--input", paths["rows.csv"], "--format", "parquet", "--out", at("x")}, "it is no Parquet file"},
		{[]string{"sketch", "--spec", at("spec"), "--input", paths["rows.csv"], "--format", "avro", "--out", at("x")}, "no Avro object container file"},
		{[]string{"calibrate", "--input", paths["rows.parquet"], "--columns", "a,c", "--out", at("x")}, `the path "c" is not in the file: the file has time, a, b`},
		{[]string{"calibrate", "--input", "-", "--format", "parquet", "--out", at("x")}, "save it to a file"},
		{[]string{"produce", "--brokers", "127.0.0.1:1", "--topic", "t", "--source", "parquet"}, "parquet:PATH"},
	} {
		var errs bytes.Buffer
		if err := run(t.Context(), c.args, strings.NewReader(""), &bytes.Buffer{}, &errs); err == nil || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, errs.String(), c.want)
		}
	}
}
