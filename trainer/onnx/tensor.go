package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// kind is an element's type, by its number in TensorProto.DataType.
type kind int

const (
	float   kind = 1
	int64s  kind = 7
	boolean kind = 9
	double  kind = 11
)

// tensor is a constant of a graph.
type tensor struct {
	name string
	kind kind
	dims []int
	raw  []byte // Little-endian.
}

func floats(name string, v []float32, dims ...int) tensor {
	t := tensor{name: name, kind: float, dims: dims}
	for _, x := range v {
		t.raw = binary.LittleEndian.AppendUint32(t.raw, math.Float32bits(x))
	}
	return t.check(len(v))
}

func doubles(name string, v []float64, dims ...int) tensor {
	t := tensor{name: name, kind: double, dims: dims}
	for _, x := range v {
		t.raw = binary.LittleEndian.AppendUint64(t.raw, math.Float64bits(x))
	}
	return t.check(len(v))
}

func integers(name string, v []int64, dims ...int) tensor {
	t := tensor{name: name, kind: int64s, dims: dims}
	for _, x := range v {
		t.raw = binary.LittleEndian.AppendUint64(t.raw, uint64(x))
	}
	return t.check(len(v))
}

func booleans(name string, v []bool, dims ...int) tensor {
	t := tensor{name: name, kind: boolean, dims: dims}
	for _, x := range v {
		b := byte(0)
		if x {
			b = 1
		}
		t.raw = append(t.raw, b)
	}
	return t.check(len(v))
}

// check panics if the elements are not those of the shape, which is an error of this package.
func (t tensor) check(n int) tensor {
	size := 1
	for _, d := range t.dims {
		size *= d
	}
	if size != n {
		panic("onnx: tensor " + t.name + " has another number of elements than its shape")
	}
	return t
}

// encode appends the TensorProto.
func (t tensor) encode() []byte {
	var b []byte
	for _, d := range t.dims {
		b = number(b, 1, d)
	}
	b = number(b, 2, int(t.kind))
	b = text(b, 8, t.name)
	return message(b, 9, t.raw)
}

// number, text and message append one field.

func number(b []byte, field protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

func text(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func message(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}
