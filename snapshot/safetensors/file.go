package safetensors

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// ErrCorrupt is wrapped by every error of [Decode].
var ErrCorrupt = errors.New("corrupt file")

// ErrTensor is wrapped by the errors of the typed accessors of [File]: the
// tensor is absent, or has another element type or shape than was asked for.
var ErrTensor = errors.New("unexpected tensor")

// DType is the type of a tensor's elements, spelled as in the header.
type DType string

// The element types.
const (
	F64 DType = "F64"
	I64 DType = "I64"
	F32 DType = "F32"
	I32 DType = "I32"
	U8  DType = "U8"
)

// Size returns the bytes of one element, and 0 for a type that is not listed
// above.
func (t DType) Size() int {
	switch t {
	case F64, I64:
		return 8
	case F32, I32:
		return 4
	case U8:
		return 1
	}
	return 0
}

// Tensor is a named array, row-major. len(Data) is the product of Shape times
// the size of an element; the elements are little endian.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// File is the content of one file. The zero value is an empty file.
type File struct {
	// Metadata holds the keys and values of the header. The key sha256 is
	// the file's own: [File.Encode] computes it and ignores the value here.
	Metadata map[string]string
	Tensors  []Tensor
}

// Add appends tensors. It does not copy their data.
func (f *File) Add(t ...Tensor) { f.Tensors = append(f.Tensors, t...) }

// Tensor returns the tensor of a name, and whether there is one.
func (f *File) Tensor(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// Format returns the metadata's format, which says what kind of object the
// file holds.
func (f *File) Format() string { return f.Metadata["format"] }

// size returns the bytes that a tensor of this type and shape takes.
func size(t DType, shape []int) (int, error) {
	if t.Size() == 0 {
		return 0, fmt.Errorf("unknown dtype %q: use F64, I64, F32, I32 or U8", string(t))
	}
	n := t.Size()
	for _, s := range shape {
		if s < 0 {
			return 0, fmt.Errorf("negative entry in shape %v", shape)
		}
		hi, lo := bits.Mul64(uint64(n), uint64(s))
		if hi != 0 || lo > 1<<62 {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n = int(lo)
	}
	return n, nil
}

// find returns the tensor of a name if its type and shape are the wanted ones.
func (f *File) find(name string, t DType, shape []int) (Tensor, error) {
	x, ok := f.Tensor(name)
	if !ok {
		return x, fmt.Errorf("safetensors: %w: a file of format %q has no tensor %q, wanted %s %v", ErrTensor, f.Format(), name, t, shape)
	}
	same := x.DType == t && slices.EqualFunc(x.Shape, shape, func(found, want int) bool { return want == found || want == -1 })
	if !same {
		return x, fmt.Errorf("safetensors: %w: in a file of format %q, tensor %q is %s %v, wanted %s %v", ErrTensor, f.Format(), name, x.DType, x.Shape, t, shape)
	}
	// A decoded file is consistent; one that was built by hand may not be.
	n, err := size(x.DType, x.Shape)
	if err == nil && n != len(x.Data) {
		err = fmt.Errorf("it has %d bytes, its shape takes %d", len(x.Data), n)
	}
	if err != nil {
		return x, fmt.Errorf("safetensors: %w: tensor %q, %s %v: %w", ErrTensor, name, x.DType, x.Shape, err)
	}
	return x, nil
}
