package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"phasor/stream"
	"phasor/stream/decode"
)

// benchTime is the time of the first record, in Unix milliseconds.
const benchTime = 1767225600000

// benchFormat is one way to write records of benchDim channels.
type benchFormat struct {
	name   string
	config decode.Config
	write  func(b []byte, x []float64) []byte
}

func benchFormats() []benchFormat {
	nested := benchDecode("json", "readings.")
	nested.Time = decode.Time{Field: "ts", Unit: "ms"}
	return []benchFormat{
		{"json/flat", benchDecode("json", ""), writeFlat},
		{"json/nested", nested, func(b []byte, x []float64) []byte {
			b = append(b, `{"ts":`...)
			b = strconv.AppendInt(b, benchTime, 10)
			b = append(b, `,"line":"4","readings":`...)
			return append(writeFlat(b, x), '}')
		}},
		{"csv", benchDecode("csv", ""), func(b []byte, x []float64) []byte {
			for k, v := range x {
				if k > 0 {
					b = append(b, ',')
				}
				b = strconv.AppendFloat(b, v, 'f', 3, 64)
			}
			return b
		}},
		{"float64", benchDecode("float64", ""), func(b []byte, x []float64) []byte {
			for _, v := range x {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
			}
			return b
		}},
		{"avro", benchAvro(), func(b []byte, x []float64) []byte {
			b = append(binary.AppendVarint(b, benchTime), 2, '4')
			for _, v := range x {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
			}
			return b
		}},
		{"protobuf", benchProtobuf(), func(b []byte, x []float64) []byte {
			b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), benchTime)
			b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), "4")
			for k, v := range x {
				b = protowire.AppendFixed64(protowire.AppendTag(b, protowire.Number(3+k), protowire.Fixed64Type), math.Float64bits(v))
			}
			return b
		}},
	}
}

// benchAvro reads records of a time, a name and the channels.
func benchAvro() decode.Config {
	c := benchDecode("avro", "")
	var schema strings.Builder
	schema.WriteString(`{"type":"record","name":"R","fields":[{"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"line","type":"string"}`)
	for _, ch := range c.Channels {
		fmt.Fprintf(&schema, `,{"name":%q,"type":"double"}`, ch.Name)
	}
	c.Avro.Schema, c.Time.Field = schema.String()+"]}", "ts"
	return c
}

// benchProtobuf reads the same records as messages.
func benchProtobuf() decode.Config {
	c := benchDecode("protobuf", "")
	var text strings.Builder
	field := func(name string, number int, kind string) {
		fmt.Fprintf(&text, "field { name: %q number: %d label: LABEL_OPTIONAL type: %s }\n", name, number, kind)
	}
	text.WriteString(`file { name: "bench.proto" package: "bench" syntax: "proto3" message_type { name: "R" `)
	field("ts", 1, "TYPE_INT64")
	field("line", 2, "TYPE_STRING")
	for k, ch := range c.Channels {
		field(ch.Name, 3+k, "TYPE_DOUBLE")
	}
	text.WriteString("} }")
	c.Protobuf = decode.Protobuf{Descriptors: text.String(), Message: "bench.R"}
	c.Time.Field = "ts"
	return c
}

func benchDecode(format, prefix string) decode.Config {
	c := decode.Config{Format: format}
	for k := range benchDim {
		ch := decode.Channel{Name: fmt.Sprintf("c%d", k)}
		if prefix != "" {
			ch.Path = prefix + ch.Name
		}
		c.Channels = append(c.Channels, ch)
	}
	return c
}

// writeFlat writes an object of numbers with three decimals.
func writeFlat(b []byte, x []float64) []byte {
	for k, v := range x {
		b = append(b, "{,"[min(k, 1)])
		b = append(b, `"c`...)
		b = strconv.AppendInt(b, int64(k), 10)
		b = append(b, `":`...)
		b = strconv.AppendFloat(b, v, 'f', 3, 64)
	}
	return append(b, '}')
}

// values returns n records in a format.
func (f benchFormat) values(n int) [][]byte {
	rng := rand.New(rand.NewPCG(3, 0))
	x := make([]float64, benchDim)
	values := make([][]byte, n)
	for i := range values {
		for k := range x {
			x[k] = benchMean + benchScale*rng.NormFloat64()
		}
		values[i] = f.write(nil, x)
	}
	return values
}

func (b *bench) decodeProbes() []*benchProbe {
	var all []*benchProbe
	for _, f := range benchFormats() {
		all = append(all, f.probe())
	}
	return all
}

func (f benchFormat) probe() *benchProbe {
	p := &benchProbe{name: "decode/" + f.name, measures: []benchMeasure{{"", perSecond}, {"time", nsRecord}, {"allocations", allocs}}}
	var decoding timed
	p.prepare = func() error {
		d, err := decode.New(f.config)
		if err != nil {
			return err
		}
		var records []stream.Record
		for i, v := range f.values(4096) {
			records = append(records, stream.Record{Offset: int64(i), Time: benchTime, Value: v})
		}
		x := make([]float64, benchDim)
		decoding.do = func() (float64, error) {
			for i := range records {
				if r := d.Decode(x, &records[i]); r.Reason != decode.Accepted {
					return 0, fmt.Errorf("record %d was rejected: %v", i, r.Reason)
				}
			}
			return float64(len(records)), nil
		}
		return nil
	}
	p.run = func(ctx context.Context, least time.Duration) ([]float64, error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := takeTurns(ctx, cpuClock, least, &decoding)
		runtime.ReadMemStats(&after)
		return []float64{decoding.rate(), 1e9 * decoding.cost(), float64(after.Mallocs-before.Mallocs) / decoding.work}, err
	}
	return p
}
