package decode

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"phasor/stream"
)

type flat struct {
	C0, C1, C2, C3, C4, C5, C6, C7, C8, C9 float64
}

// flatRecords are 1024 JSON objects of ten numbers.
func flatRecords(precision int, order func(n int) []int) ([]stream.Record, int64) {
	r := rand.New(rand.NewPCG(1, 2))
	records := make([]stream.Record, 1024)
	total := 0
	for n := range records {
		var fields []string
		for _, k := range order(n) {
			fields = append(fields, fmt.Sprintf(`"c%d":%s`, k, strconv.FormatFloat(20+5*r.NormFloat64(), 'f', precision, 64)))
		}
		records[n].Value = []byte("{" + strings.Join(fields, ",") + "}")
		total += len(records[n].Value)
	}
	return records, int64(total / len(records))
}

func inOrder(int) []int { return []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9} }

func benchmark(b *testing.B, c Config, records []stream.Record, size int64) {
	d := mustNew(b, c)
	x := make([]float64, len(c.Channels))
	b.SetBytes(size)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if r := d.Decode(x, &records[i&1023]); r.Reason != Accepted {
			b.Fatal(r)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func tenChannels() Config {
	var c Config
	for k := range 10 {
		c.Channels = append(c.Channels, Channel{Name: fmt.Sprintf("c%d", k)})
	}
	return c
}

func BenchmarkJSONShort(b *testing.B) {
	records, size := flatRecords(3, inOrder)
	benchmark(b, tenChannels(), records, size)
}

func BenchmarkJSONLong(b *testing.B) {
	records, size := flatRecords(-1, inOrder)
	benchmark(b, tenChannels(), records, size)
}

// BenchmarkJSONShuffled has no layout that could be predicted.
func BenchmarkJSONShuffled(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	records, size := flatRecords(3, func(int) []int { return r.Perm(10) })
	benchmark(b, tenChannels(), records, size)
}

func BenchmarkJSONTimestamped(b *testing.B) {
	records, size := flatRecords(3, inOrder)
	for i := range records {
		records[i].Value = append([]byte(`{"ts":"2026-01-02T03:04:05.678Z","line":"4",`), records[i].Value[1:]...)
	}
	c := tenChannels()
	c.Time, c.Where = Time{Field: "ts", Unit: "rfc3339"}, map[string]string{"line": "4"}
	benchmark(b, c, records, size+45)
}

func BenchmarkEncodingJSON(b *testing.B) {
	records, size := flatRecords(3, inOrder)
	b.SetBytes(size)
	b.ReportAllocs()
	var f flat
	for i := range b.N {
		if err := json.Unmarshal(records[i&1023].Value, &f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkCSV(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	records := make([]stream.Record, 1024)
	for n := range records {
		var cells []string
		for range 10 {
			cells = append(cells, strconv.FormatFloat(20+5*r.NormFloat64(), 'f', 3, 64))
		}
		records[n].Value = []byte(strings.Join(cells, ","))
	}
	c := tenChannels()
	c.Format = "csv"
	benchmark(b, c, records, 69)
}

func BenchmarkFloat64(b *testing.B) {
	records := make([]stream.Record, 1024)
	for n := range records {
		for k := range 10 {
			records[n].Value = binary.LittleEndian.AppendUint64(records[n].Value, math.Float64bits(float64(n*k)))
		}
	}
	c := tenChannels()
	c.Format = "float64"
	benchmark(b, c, records, 80)
}

// typedSchema is the schema of ten numbers with a time and a name.
func typedSchema() string {
	var b strings.Builder
	b.WriteString(`{"type":"record","name":"R","fields":[{"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"line","type":"string"}`)
	for k := range 10 {
		fmt.Fprintf(&b, `,{"name":"c%d","type":"double"}`, k)
	}
	return b.String() + "]}"
}

func avroRecords(head []byte) ([]stream.Record, int64) {
	r := rand.New(rand.NewPCG(1, 2))
	records := make([]stream.Record, 1024)
	for n := range records {
		records[n].Value = append(append([]byte{}, head...), avroValue(1700000000123, "4")...)
		for range 10 {
			records[n].Value = append(records[n].Value, avroValue(20+5*r.NormFloat64())...)
		}
	}
	return records, int64(len(records[0].Value))
}

func BenchmarkAvro(b *testing.B) {
	records, size := avroRecords(nil)
	c := tenChannels()
	c.Format, c.Avro.Schema = "avro", typedSchema()
	c.Time, c.Where = Time{Field: "ts"}, map[string]string{"line": "4"}
	benchmark(b, c, records, size)
}

// BenchmarkAvroUnions reads ten numbers that may be null.
func BenchmarkAvroUnions(b *testing.B) {
	records := make([]stream.Record, 1024)
	for n := range records {
		records[n].Value = avroValue(1700000000123, "4")
		for k := range 10 {
			records[n].Value = append(records[n].Value, avroValue(1, float64(n*k))...)
		}
	}
	c := tenChannels()
	c.Format, c.Avro.Schema = "avro", strings.ReplaceAll(typedSchema(), `"type":"double"`, `"type":["null","double"]`)
	benchmark(b, c, records, int64(len(records[0].Value)))
}

func BenchmarkAvroRegistry(b *testing.B) {
	records, size := avroRecords([]byte{0, 0, 0, 0, 7})
	c := tenChannels()
	schema, err := parseAvro(typedSchema(), &avro.SchemaCache{})
	if err != nil {
		b.Fatal(err)
	}
	c.Format, c.Avro = "avro", Avro{Registry: "http://x", loaded: &avroSource{registry: &registry{schemas: map[uint32]avro.Schema{7: schema}}}}
	c.Time = Time{Field: "ts"}
	benchmark(b, c, records, size)
}

// BenchmarkAvroLibrary is the peer: the same records into a struct.
func BenchmarkAvroLibrary(b *testing.B) {
	records, size := avroRecords(nil)
	schema := avro.MustParse(typedSchema())
	var v struct {
		TS   time.Time `avro:"ts"`
		Line string    `avro:"line"`
		C0   float64   `avro:"c0"`
		C1   float64   `avro:"c1"`
		C2   float64   `avro:"c2"`
		C3   float64   `avro:"c3"`
		C4   float64   `avro:"c4"`
		C5   float64   `avro:"c5"`
		C6   float64   `avro:"c6"`
		C7   float64   `avro:"c7"`
		C8   float64   `avro:"c8"`
		C9   float64   `avro:"c9"`
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for i := range b.N {
		if err := avro.Unmarshal(schema, records[i&1023].Value, &v); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

const benchProto = `int64 ts = 1; string line = 2; double c0 = 3; double c1 = 4; double c2 = 5; double c3 = 6; double c4 = 7; double c5 = 8; double c6 = 9; double c7 = 10; double c8 = 11; double c9 = 12`

func protoRecords() ([]stream.Record, int64, protoreflect.MessageDescriptor) {
	md := recursive(benchProto)
	r := rand.New(rand.NewPCG(1, 2))
	records := make([]stream.Record, 1024)
	for n := range records {
		m := dynamicpb.NewMessage(md)
		m.Set(md.Fields().ByNumber(1), protoreflect.ValueOfInt64(1700000000123))
		m.Set(md.Fields().ByNumber(2), protoreflect.ValueOfString("4"))
		for k := range 10 {
			m.Set(md.Fields().ByNumber(protoreflect.FieldNumber(3+k)), protoreflect.ValueOfFloat64(20+5*r.NormFloat64()))
		}
		var err error
		if records[n].Value, err = (proto.MarshalOptions{Deterministic: true}).Marshal(m); err != nil {
			panic(err)
		}
	}
	return records, int64(len(records[0].Value)), md
}

func BenchmarkProtobuf(b *testing.B) {
	records, size, md := protoRecords()
	c := tenChannels()
	c.Format, c.Protobuf = "protobuf", protoSection(md)
	c.Time, c.Where = Time{Field: "ts"}, map[string]string{"line": "4"}
	benchmark(b, c, records, size)
}

// BenchmarkProtobufLibrary is the peer: the same records into a dynamic message.
func BenchmarkProtobufLibrary(b *testing.B) {
	records, size, md := protoRecords()
	m := dynamicpb.NewMessage(md)
	b.SetBytes(size)
	b.ReportAllocs()
	for i := range b.N {
		if err := proto.Unmarshal(records[i&1023].Value, m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// Decoding does not allocate, whatever the types.
func TestTypedFormatsDoNotAllocate(t *testing.T) {
	avroRecord := allAvroRecord()
	a := avroConfig(allAvro, allAvroPaths...)
	a.Missing, a.Time, a.Where = "last", Time{Field: "ts"}, map[string]string{"dec": "1000.000", "e": "RUN"}
	p := allProtoConfig()
	p.Missing, p.Where = "last", map[string]string{"e": "IDLE"}
	m := dynamicpb.NewMessage(p.Protobuf.loaded.message)
	fill(rand.New(rand.NewPCG(7, 7)), m, 0)
	m.Clear(m.Descriptor().Fields().ByName("e"))
	protoRecord, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config Config
		value  []byte
	}{{a, avroRecord}, {p, protoRecord}} {
		d := mustNew(t, c.config)
		x := make([]float64, len(c.config.Channels))
		r := &stream.Record{Value: c.value}
		if n := testing.AllocsPerRun(100, func() { d.Decode(x, r) }); n > 0 {
			t.Errorf("%s: %v allocations a record (%+v)", c.config.Format, n, d.Decode(x, r))
		}
	}
}
