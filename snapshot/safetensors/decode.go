package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Decode reads the bytes of one file. The tensors' data are parts of b, which
// must not change as long as the file is in use; the typed accessors copy.
// Every error wraps [ErrCorrupt].
func Decode(b []byte) (*File, error) {
	f, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("safetensors: decode %d bytes: %w: %w", len(b), ErrCorrupt, err)
	}
	return f, nil
}

func decode(b []byte) (*File, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("the length field takes 8 bytes")
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxHeader || n > uint64(len(b)-8) {
		return nil, fmt.Errorf("the header's length is given as %d", n)
	}
	head, data := b[:8+n], b[8+n:]
	s := scanner{head: head[8:], data: data}
	f, err := s.file()
	if err != nil {
		return nil, fmt.Errorf("header, byte %d: %w", s.pos, err)
	}
	if err := distinct(f.Tensors); err != nil {
		return nil, err
	}
	// The header is rebuilt from what was understood of it: a file with
	// another spelling of the same content is refused here.
	want, at := header(f.Metadata, canonicalOrder(f.Tensors))
	if len(want) != len(head) || len(f.Metadata[digestKey]) != digestLen {
		return nil, fmt.Errorf("the header is not in canonical form, or has no %s", digestKey)
	}
	zeros := want
	want = bytes.Clone(want)
	copy(want[at:], f.Metadata[digestKey])
	if !bytes.Equal(want, head) {
		return nil, fmt.Errorf("the header is not in canonical form")
	}
	h := sha256.New()
	h.Write(zeros)
	h.Write(data)
	if found := hex.EncodeToString(h.Sum(nil)); found != f.Metadata[digestKey] {
		return nil, fmt.Errorf("the content's SHA-256 is %s, the file says %s", found, f.Metadata[digestKey])
	}
	return f, nil
}
