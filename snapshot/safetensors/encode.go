package safetensors

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	metadataName = "__metadata__"
	digestKey    = "sha256"
	digestLen    = 2 * sha256.Size
	maxHeader    = 100_000_000
)

// Encode returns the file's bytes with a fresh sha256. It does not change f:
// equal contents give equal bytes, whatever the order of f.Tensors.
func (f *File) Encode() ([]byte, error) {
	tensors := canonicalOrder(f.Tensors)
	total := 0
	for _, t := range tensors {
		if err := check(t); err != nil {
			return nil, fmt.Errorf("safetensors: encode: tensor %q: %w", t.Name, err)
		}
		total += len(t.Data)
	}
	if err := distinct(tensors); err != nil {
		return nil, fmt.Errorf("safetensors: encode: %w", err)
	}
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return nil, fmt.Errorf("safetensors: encode: metadata %q = %q is not valid UTF-8", k, v)
		}
	}
	head, digest := header(f.Metadata, tensors)
	if len(head)-8 > maxHeader {
		return nil, fmt.Errorf("safetensors: encode: a header of %d bytes exceeds the readers' bound of %d", len(head)-8, maxHeader)
	}
	b := slices.Grow(head, total)
	for _, t := range tensors {
		b = append(b, t.Data...)
	}
	sum := sha256.Sum256(b)
	hex.Encode(b[digest:], sum[:])
	return b, nil
}

// canonicalOrder returns the tensors by element size, largest first, then by
// name.
func canonicalOrder(tensors []Tensor) []Tensor {
	return slices.SortedFunc(slices.Values(tensors), func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
}

func check(t Tensor) error {
	if t.Name == "" || t.Name == metadataName || !utf8.ValidString(t.Name) {
		return fmt.Errorf("the name must be valid UTF-8, not empty and not %s", metadataName)
	}
	n, err := size(t.DType, t.Shape)
	if err != nil {
		return err
	}
	if n != len(t.Data) {
		return fmt.Errorf("%s %v takes %d bytes, found %d", t.DType, t.Shape, n, len(t.Data))
	}
	return nil
}

func distinct(tensors []Tensor) error {
	seen := make(map[string]struct{}, len(tensors))
	for _, t := range tensors {
		if _, ok := seen[t.Name]; ok {
			return fmt.Errorf("two tensors are named %q: each needs a name of its own", t.Name)
		}
		seen[t.Name] = struct{}{}
	}
	return nil
}

// header returns the length field and the header for tensors in canonical
// order, with zeros for the digest's digits, and where these digits begin.
func header(metadata map[string]string, tensors []Tensor) (b []byte, digest int) {
	b = append(make([]byte, 8, 512+96*len(tensors)), '{')
	b = appendString(b, metadataName)
	b = append(b, ':', '{')
	keys := slices.Collect(maps.Keys(metadata))
	if _, ok := metadata[digestKey]; !ok {
		keys = append(keys, digestKey)
	}
	slices.Sort(keys)
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		if k == digestKey {
			digest = len(b) + 1
			b = append(b, '"')
			b = append(b, bytes.Repeat([]byte{'0'}, digestLen)...)
			b = append(b, '"')
			continue
		}
		b = appendString(b, metadata[k])
	}
	b = append(b, '}')
	offset := 0
	for _, t := range tensors {
		b = appendString(append(b, ','), t.Name)
		b = append(b, `:{"dtype":"`...)
		b = append(b, t.DType...)
		b = append(b, `","shape":`...)
		b = appendInts(b, t.Shape...)
		b = append(b, `,"data_offsets":`...)
		b = appendInts(b, offset, offset+len(t.Data))
		b = append(b, '}')
		offset += len(t.Data)
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b, digest
}

func appendInts(b []byte, v ...int) []byte {
	b = append(b, '[')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(x), 10)
	}
	return append(b, ']')
}

// appendString appends a JSON string; the caller has checked that s is UTF-8.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= 0x20:
			b = append(b, c)
		default:
			if e := escapes[c]; e != 0 {
				b = append(b, '\\', e)
			} else {
				b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			}
		}
	}
	return append(b, '"')
}

// escapes holds the letters of the control characters that have a short form.
var escapes = [0x20]byte{'\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r'}
