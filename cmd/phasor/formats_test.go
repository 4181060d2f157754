package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"google.golang.org/protobuf/encoding/protowire"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// pressRow is a record of the examples about a press.
type pressRow struct {
	At          int64    `parquet:"at,timestamp(millisecond)"`
	Line        string   `parquet:"line"`
	Temperature float64  `parquet:"temperature"`
	Pressure    *float64 `parquet:"pressure,optional"`
	Vibration   float32  `parquet:"vibration"`
}

const pressRows = 1500

func pressRowsOf(seed uint64) []pressRow {
	rng := rand.New(rand.NewPCG(seed, 0))
	rows := make([]pressRow, pressRows)
	for k := range rows {
		rows[k] = pressRow{At: 1700000000000 + int64(k)*100, Line: "4", Temperature: 20 + rng.NormFloat64(), Vibration: float32(rng.ExpFloat64())}
		if k == 0 || rng.IntN(5) > 0 {
			p := 5 + rng.NormFloat64()
			rows[k].Pressure = &p
		}
	}
	return rows
}

// avroPress writes a row as the schema of avro.yaml has it.
func avroPress(r pressRow) []byte {
	b := binary.AppendVarint(nil, r.At)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(r.Temperature))
	if r.Pressure == nil {
		return binary.AppendVarint(b, 0)
	}
	return binary.LittleEndian.AppendUint64(binary.AppendVarint(b, 1), math.Float64bits(*r.Pressure))
}

// registrySchemas are two versions of the records of avro-registry.yaml; only the second has the pressure.
var registrySchemas = []string{
	`{"type":"record","name":"R","fields":[{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"line","type":"string"},{"name":"readings","type":{"type":"record","name":"S","fields":[{"name":"temp_c","type":"double"}]}}]}`,
	`{"type":"record","name":"R","fields":[{"name":"line","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"readings","type":["null",{"type":"record","name":"S","fields":[{"name":"p_bar","type":"double"},{"name":"temp_c","type":"double"}]}]}]}`,
}

func registryPress(r pressRow, first, second int) []byte {
	double := func(b []byte, v float64) []byte { return binary.LittleEndian.AppendUint64(b, math.Float64bits(v)) }
	text := func(b []byte, s string) []byte { return append(binary.AppendVarint(b, int64(len(s))), s...) }
	if r.Pressure == nil {
		b := binary.BigEndian.AppendUint32([]byte{0}, uint32(first))
		return double(text(binary.AppendVarint(b, r.At), r.Line), r.Temperature)
	}
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(second))
	b = binary.AppendVarint(binary.AppendVarint(text(b, r.Line), r.At*1000), 1)
	return double(double(b, *r.Pressure), r.Temperature)
}

// protobufPress writes a row as press.proto has it.
func protobufPress(r pressRow) []byte {
	ts := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(r.At/1000))
	ts = protowire.AppendVarint(protowire.AppendTag(ts, 2, protowire.VarintType), uint64(r.At%1000*1e6))
	b := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), ts)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), r.Line)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 3, protowire.Fixed64Type), math.Float64bits(r.Temperature))
	if r.Pressure != nil {
		b = protowire.AppendFixed64(protowire.AppendTag(b, 4, protowire.Fixed64Type), math.Float64bits(*r.Pressure))
	}
	return protowire.AppendBytes(protowire.AppendTag(b, 5, protowire.BytesType), binary.LittleEndian.AppendUint32(nil, math.Float32bits(r.Vibration)))
}

// Records of Avro and Protobuf on the embedded Kafka become a model, and the integers that a Parquet file of the same rows
// gives.
func TestTypedRecordsBecomeModels(t *testing.T) {
	t.Parallel()
	examples := filepath.Join("..", "..", "deploy", "examples")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rows := pressRowsOf(seed)
	parquetFile := filepath.Join(t.TempDir(), "rows")
	if err := parquet.WriteFile(parquetFile, rows); err != nil {
		t.Fatal(err)
	}

	t.Run("plain Avro", func(t *testing.T) {
		t.Parallel()
		typedBecomesModel(t, filepath.Join(examples, "avro.yaml"), parquetFile, rows, avroPress, nil)
	})
	t.Run("Protobuf", func(t *testing.T) {
		t.Parallel()
		typedBecomesModel(t, filepath.Join(examples, "protobuf.yaml"), parquetFile, rows, protobufPress, func(config string) string {
			return strings.NewReplacer("press.txtpb", filepath.ToSlash(mustAbs(t, filepath.Join(examples, "press.txtpb")))).Replace(config)
		})
	})
	t.Run("Avro with a registry", func(t *testing.T) {
		t.Parallel()
		fake := srfake.New()
		t.Cleanup(fake.Close)
		cl, err := sr.NewClient(sr.URLs(fake.URL()))
		if err != nil {
			t.Fatal(err)
		}
		var ids []int
		for i, s := range registrySchemas {
			made, err := cl.CreateSchema(t.Context(), fmt.Sprint("press-", i), sr.Schema{Schema: s})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, made.ID)
		}
		// The registry is away when the program starts.
		var calls atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); calls.Add(1) < 4 || user != "phasor" || password != "s3cret" {
				http.Error(w, "away", http.StatusServiceUnavailable)
				return
			}
			fake.Handler().ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		password := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(password, []byte("s3cret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		typedBecomesModel(t, filepath.Join(examples, "avro-registry.yaml"), "", rows, func(r pressRow) []byte { return registryPress(r, ids[0], ids[1]) }, func(config string) string {
			return strings.NewReplacer("https://registry:8081", server.URL, "/run/secrets/registry", filepath.ToSlash(password)).Replace(config)
		})
	})
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// typedBecomesModel produces the rows to the embedded Kafka of phasor run, and a few records that are none.
func typedBecomesModel(t *testing.T, example, file string, rows []pressRow, encode func(pressRow) []byte, edit func(string) string) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	text := string(read(t, example))
	if edit != nil {
		if text = edit(text); text == string(read(t, example)) {
			t.Fatalf("%s was not changed", example)
		}
	}
	config := at("phasor.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	broker, end := startRun(t, "--config", config, "--store", at("store"), "--calibrate.pilot", "1000")
	defer func() {
		if strings.Contains(end(), "s3cret") {
			t.Error("the password is in the log")
		}
	}()
	ctx := t.Context()
	e := &env{ctx: ctx, log: slog.New(slog.DiscardHandler)}
	producer, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic("press"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	var records []*kgo.Record
	for k, r := range rows {
		records = append(records, &kgo.Record{Value: encode(r)})
		if k%500 == 3 {
			records = append(records, &kgo.Record{Value: []byte("\x00\x7f\xff\xff\xff poison")})
		}
	}
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var folded *sketch.Accumulator
	var spec []byte
	var rejects map[string]int64
	within(t, "all records in the sketch", func() bool {
		err := openEpoch(e, at("store"), "press", func(ep *snapshot.Epoch) error {
			states, err := ep.LoadStates(ctx)
			if err != nil || len(states) == 0 {
				return err
			}
			if folded, err = snapshot.MergeStates(states); err != nil {
				return err
			}
			rejects = states[0].Rejects
			spec, err = ep.Spec().Encode()
			return err
		})
		return err == nil && folded != nil && folded.Count() >= pressRows-1 && rejects["decode"] == 3
	})
	within(t, "a model", func() bool {
		return openEpoch(e, at("store"), "press", func(ep *snapshot.Epoch) error {
			_, _, err := ep.LoadCurrent(ctx)
			return err
		}) == nil
	})
	if out, _ := phasor(t, "sample", "--store", at("store"), "--name", "press", "--n", "3"); strings.Count(out, "\n") < 3 {
		t.Errorf("three samples are %q", out)
	}
	if file == "" {
		return
	}
	// The same description reads a Parquet file of the same rows, to the same integers.
	if err := os.WriteFile(at("spec"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "vibration[0]") {
		described := strings.Replace(text, "vibration[0]", "vibration", 1)
		config = at("file.yaml")
		described = strings.Replace(described, "format: protobuf", "format: json", 1)
		described = described[:strings.Index(described, "    protobuf:")] + described[strings.Index(described, "    channels:"):]
		if err := os.WriteFile(config, []byte(described), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, log := phasor(t, "sketch", "--config", config, "--spec", at("spec"), "--input", file, "--out", at("sketch"))
	want, err := folded.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, at("sketch")), want) {
		t.Errorf("file and stream give different sketches: %s", log)
	}
}

// Records with types can be described without a file, and the files that a configuration names are found from its folder.
func TestTypedFormatsFromFlags(t *testing.T) {
	examples := filepath.Join("..", "..", "deploy", "examples")
	c, err := configOf(t, "--topics", "t", "--channels", "a=b.c", "--format", "avro", "--avro.registry", "http://registry:8081")
	if err != nil || c.Sketches[0].Avro.Registry != "http://registry:8081" {
		t.Errorf("a registry: %v", err)
	}
	schema := filepath.Join(t.TempDir(), "x.avsc")
	if err := os.WriteFile(schema, []byte(registrySchemas[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := configOf(t, "--topics", "t", "--channels", "a=readings.temp_c", "--format", "avro", "--avro.schema", schema); err != nil {
		t.Errorf("a schema: %v", err)
	}
	if _, err := configOf(t, "--topics", "t", "--channels", "a", "--format", "avro", "--avro.schema", schema); err == nil || !strings.Contains(err.Error(), "which has at, line, readings.temp_c") {
		t.Errorf("a path that is not in the schema: %v", err)
	}
	c, err = configOf(t, "--topics", "t", "--channels", "temperature", "--format", "protobuf", "--protobuf.descriptors", filepath.Join(examples, "press.txtpb"), "--protobuf.message", "press.Reading", "--protobuf.wire", "confluent")
	if err != nil || c.Sketches[0].Protobuf.Wire != "confluent" {
		t.Errorf("descriptors: %v", err)
	}
	config := filepath.Join(filepath.Dir(schema), "phasor.yaml")
	if err := os.WriteFile(config, []byte("sketches: [{topics: [t], format: avro, avro: {schema: x.avsc}, channels: [{name: a, path: readings.temp_c}]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = configOf(t, "--config", config); err != nil || c.Sketches[0].Avro.Schema != schema {
		t.Errorf("a schema beside the configuration: %v", err)
	}
}
