package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Float64s returns v as a tensor of the given shape; no shape makes a scalar.
// It copies v, and panics if len(v) is not the product of the shape.
func Float64s(name string, v []float64, shape ...int) Tensor {
	t := blank(name, F64, len(v), shape)
	for i, x := range v {
		binary.LittleEndian.PutUint64(t.Data[8*i:], math.Float64bits(x))
	}
	return t
}

// Int64s is [Float64s] for 64-bit integers.
func Int64s(name string, v []int64, shape ...int) Tensor {
	t := blank(name, I64, len(v), shape)
	for i, x := range v {
		binary.LittleEndian.PutUint64(t.Data[8*i:], uint64(x))
	}
	return t
}

// Float32s is [Float64s] for binary32.
func Float32s(name string, v []float32, shape ...int) Tensor {
	t := blank(name, F32, len(v), shape)
	for i, x := range v {
		binary.LittleEndian.PutUint32(t.Data[4*i:], math.Float32bits(x))
	}
	return t
}

// Int32s is [Float64s] for 32-bit integers.
func Int32s(name string, v []int32, shape ...int) Tensor {
	t := blank(name, I32, len(v), shape)
	for i, x := range v {
		binary.LittleEndian.PutUint32(t.Data[4*i:], uint32(x))
	}
	return t
}

// Uint8s is [Float64s] for bytes.
func Uint8s(name string, v []uint8, shape ...int) Tensor {
	t := blank(name, U8, len(v), shape)
	copy(t.Data, v)
	return t
}

func blank(name string, t DType, n int, shape []int) Tensor {
	want, err := size(t, shape)
	if err != nil || want != n*t.Size() {
		panic(fmt.Sprintf("safetensors: tensor %q: %d elements do not fill shape %v", name, n, shape))
	}
	return Tensor{Name: name, DType: t, Shape: slices.Clone(shape), Data: make([]byte, want)}
}

// Float64s returns a copy of the F64 tensor of that name and shape; an entry
// of -1 accepts any length. The error wraps [ErrTensor] and says what was
// wanted and what was found.
func (f *File) Float64s(name string, shape ...int) ([]float64, error) {
	t, err := f.find(name, F64, shape)
	if err != nil {
		return nil, err
	}
	v := make([]float64, len(t.Data)/8)
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return v, nil
}

// Int64s is [File.Float64s] for I64.
func (f *File) Int64s(name string, shape ...int) ([]int64, error) {
	t, err := f.find(name, I64, shape)
	if err != nil {
		return nil, err
	}
	v := make([]int64, len(t.Data)/8)
	for i := range v {
		v[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return v, nil
}

// Float32s is [File.Float64s] for F32.
func (f *File) Float32s(name string, shape ...int) ([]float32, error) {
	t, err := f.find(name, F32, shape)
	if err != nil {
		return nil, err
	}
	v := make([]float32, len(t.Data)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return v, nil
}

// Int32s is [File.Float64s] for I32.
func (f *File) Int32s(name string, shape ...int) ([]int32, error) {
	t, err := f.find(name, I32, shape)
	if err != nil {
		return nil, err
	}
	v := make([]int32, len(t.Data)/4)
	for i := range v {
		v[i] = int32(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return v, nil
}

// Uint8s is [File.Float64s] for U8.
func (f *File) Uint8s(name string, shape ...int) ([]uint8, error) {
	t, err := f.find(name, U8, shape)
	if err != nil {
		return nil, err
	}
	return append([]uint8{}, t.Data...), nil
}
