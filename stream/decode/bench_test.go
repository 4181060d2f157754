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
