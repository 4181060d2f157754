package replay

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetType is the Avro schema of a leaf's values, and how they are written; ""
// is no type that can be read.
func parquetType(c *parquet.Column) (schema string, write func([]byte, parquet.Value) []byte) {
	long := func(b []byte, v parquet.Value) []byte { return binary.AppendVarint(b, v.Int64()) }
	integer := func(b []byte, v parquet.Value) []byte { return binary.AppendVarint(b, int64(v.Int32())) }
	blob := func(b []byte, v parquet.Value) []byte {
		text := v.ByteArray()
		return append(binary.AppendVarint(b, int64(len(text))), text...)
	}
	logical := c.Type().LogicalType()
	var value format.LogicalTypeValue
	if logical != nil {
		value = logical.Value
	}
	kind := c.Type().Kind()
	if d, ok := value.(*format.DecimalType); ok {
		schema = fmt.Sprintf(`{"type":"bytes","logicalType":"decimal","precision":%d,"scale":%d}`, max(d.Precision, d.Scale, 1), d.Scale)
		switch kind {
		case parquet.Int32:
			return schema, func(b []byte, v parquet.Value) []byte { return appendUnscaled(b, int64(v.Int32())) }
		case parquet.Int64:
			return schema, func(b []byte, v parquet.Value) []byte { return appendUnscaled(b, v.Int64()) }
		}
		return schema, blob
	}
	switch kind {
	case parquet.Boolean:
		return `"boolean"`, func(b []byte, v parquet.Value) []byte {
			if v.Boolean() {
				return append(b, 1)
			}
			return append(b, 0)
		}
	case parquet.Int32:
		if _, ok := value.(*format.DateType); ok {
			return `{"type":"int","logicalType":"date"}`, integer
		}
		if i, ok := value.(*format.IntType); ok && !i.IsSigned {
			return `"long"`, func(b []byte, v parquet.Value) []byte { return binary.AppendVarint(b, int64(v.Uint32())) }
		}
		return `"int"`, integer
	case parquet.Int64:
		if ts, ok := value.(*format.TimestampType); ok {
			unit := "millis"
			switch ts.Unit.Value.(type) {
			case *format.MicroSeconds:
				unit = "micros"
			case *format.NanoSeconds:
				unit = "nanos"
			}
			return `{"type":"long","logicalType":"timestamp-` + unit + `"}`, long
		}
		if i, ok := value.(*format.IntType); ok && !i.IsSigned {
			return `{"type":"bytes","logicalType":"decimal","precision":20}`, func(b []byte, v parquet.Value) []byte {
				return binary.BigEndian.AppendUint64(append(binary.AppendVarint(b, 9), 0), v.Uint64())
			}
		}
		return `"long"`, long
	case parquet.Int96: // Nanoseconds of a day, and the Julian day.
		return `{"type":"long","logicalType":"timestamp-micros"}`, func(b []byte, v parquet.Value) []byte {
			t := v.Int96()
			nanos := int64(t[0]) | int64(t[1])<<32
			return binary.AppendVarint(b, (int64(t[2])-2440588)*86400e6+nanos/1000)
		}
	case parquet.Float:
		return `"float"`, func(b []byte, v parquet.Value) []byte {
			return binary.LittleEndian.AppendUint32(b, math.Float32bits(v.Float()))
		}
	case parquet.Double:
		return `"double"`, func(b []byte, v parquet.Value) []byte {
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Double()))
		}
	case parquet.ByteArray:
		switch value.(type) {
		case *format.StringType, *format.EnumType, *format.JsonType:
			return `"string"`, blob
		}
		return `"bytes"`, blob
	case parquet.FixedLenByteArray:
		if _, ok := value.(*format.Float16Type); ok {
			return `"float"`, func(b []byte, v parquet.Value) []byte {
				return binary.LittleEndian.AppendUint32(b, math.Float32bits(half(binary.LittleEndian.Uint16(v.ByteArray()))))
			}
		}
		return `"bytes"`, blob
	}
	return "", nil
}

// appendUnscaled appends an integer as Avro's decimals have it.
func appendUnscaled(b []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(binary.AppendVarint(b, 8), uint64(v))
}

// half is a number of IEEE 754's binary16.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch {
	case exp == 31:
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	case exp == 0:
		f := float32(frac) / (1 << 24)
		if sign != 0 {
			f = -f
		}
		return f
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}
