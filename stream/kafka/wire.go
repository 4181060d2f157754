package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errWire: a response is not what the protocol says.
var errWire = errors.New("malformed response")

// wire reads the fields of a message. After the first field that is not all there, every field is zero and bad is set,
// so that a caller checks once. No length is believed before it was compared with what is left.
type wire struct {
	b   []byte
	bad bool
}

func (w *wire) take(n int) []byte {
	if n < 0 || n > len(w.b) {
		w.b, w.bad = nil, true
		return nil
	}
	v := w.b[:n:n]
	w.b = w.b[n:]
	return v
}

func (w *wire) int8() int8 {
	if v := w.take(1); v != nil {
		return int8(v[0])
	}
	return 0
}

func (w *wire) int16() int16 {
	if v := w.take(2); v != nil {
		return int16(binary.BigEndian.Uint16(v))
	}
	return 0
}

func (w *wire) int32() int32 {
	if v := w.take(4); v != nil {
		return int32(binary.BigEndian.Uint32(v))
	}
	return 0
}

func (w *wire) int64() int64 {
	if v := w.take(8); v != nil {
		return int64(binary.BigEndian.Uint64(v))
	}
	return 0
}

// array reads a count of elements that take at least size bytes each; -1 (null) gives 0.
func (w *wire) array(size int) int { return w.count(int(w.int32()), size) }

func (w *wire) count(n, size int) int {
	if n < -1 || n > len(w.b)/size {
		w.b, w.bad = nil, true
		return 0
	}
	return max(n, 0)
}

func (w *wire) string() string { return string(w.take(max(int(w.int16()), 0))) }

func (w *wire) uvarint() int {
	v, n := binary.Uvarint(w.b)
	if n <= 0 || v > 1<<31 {
		w.b, w.bad = nil, true
		return 0
	}
	w.b = w.b[n:]
	return int(v)
}

// compactArray, compactString and tags are the forms of the flexible versions: lengths are varints, one larger.
func (w *wire) compactArray(size int) int { return w.count(w.uvarint()-1, size) }

func (w *wire) compactString() string { return string(w.take(max(w.uvarint()-1, 0))) }

func (w *wire) tags() {
	for n := w.count(w.uvarint(), 2); n > 0; n-- {
		w.uvarint()
		w.take(w.uvarint())
	}
}

// err returns an error that names what was read if a field was not all there.
func (w *wire) err(what string) error {
	if w.bad {
		return fmt.Errorf("kafka: %s: %w", what, errWire)
	}
	return nil
}

// exchange writes a request and reads the response of at most limit bytes into buf, growing it as bytes arrive: a
// length alone makes nothing be allocated. Bytes 0 to 3 of the request are for its length, 8 to 11 its correlation id.
func exchange(rw io.ReadWriter, request, buf []byte, limit int) ([]byte, error) {
	binary.BigEndian.PutUint32(request, uint32(len(request)-4))
	if _, err := rw.Write(request); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, unexpectedEOF(err)
	}
	size := int(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > limit {
		return nil, fmt.Errorf("kafka: response of %d bytes, limit %d: %w", size, limit, errWire)
	}
	if [4]byte(head[4:]) != [4]byte(request[8:]) {
		return nil, fmt.Errorf("kafka: response to another request: %w", errWire)
	}
	const step = 4 << 20
	buf = buf[:0]
	for len(buf) < size {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(size, max(2*cap(buf), min(size, step))))
			copy(grown, buf)
			buf = grown
		}
		n, err := io.ReadFull(rw, buf[len(buf):min(size, cap(buf))])
		if err != nil {
			return nil, unexpectedEOF(err)
		}
		buf = buf[:len(buf)+n]
	}
	return buf, nil
}

// unexpectedEOF keeps the end of a connection apart from the end of data.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
