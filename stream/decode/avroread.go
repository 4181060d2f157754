package decode

import (
	"encoding/binary"
	"math"
)

// avroReader reads values in Avro's binary encoding. Nothing in them is trusted:
// a count is followed only as far as there are bytes.
type avroReader struct {
	*scanner
	numeral []byte // the text of a decimal
	limbs   []uint32
}

// avroReadLong reads a zig-zag number of at most ten bytes; next is -1 if there is none.
func avroReadLong(b []byte, i int) (v int64, next int) {
	if i < len(b) && b[i] < 0x80 {
		u := uint64(b[i])
		return int64(u>>1) ^ -int64(u&1), i + 1
	}
	u, n := binary.Uvarint(b[i:])
	if n <= 0 {
		return 0, -1
	}
	return int64(u>>1) ^ -int64(u&1), i + n
}

// avroReadInt reads a number of 32 bits, of at most five bytes.
func avroReadInt(b []byte, i int) (v int64, next int) {
	v, next = avroReadLong(b, i)
	if next-i > 5 || v != int64(int32(v)) {
		return 0, -1
	}
	return v, next
}

// avroRead reads a number of the width of t.
func avroRead(b []byte, i int, t *avroType) (v int64, next int) {
	if t.kind == avroLong || t.kind == avroInstant && t.long {
		return avroReadLong(b, i)
	}
	return avroReadInt(b, i)
}

// avroOutside says that the number v, read up to next, is none of n choices.
func avroOutside(v int64, next, n int) bool { return next < 0 || v < 0 || v >= int64(n) }

// avroBlob returns the bounds of bytes behind their length.
func avroBlob(b []byte, i int) (start, end int) {
	n, start := avroReadLong(b, i)
	if start < 0 || n < 0 || n > int64(len(b)-start) {
		return 0, -1
	}
	return start, start + int(n)
}

// value reads a value of type t at b[i] and returns the index behind it, or -1.
func (a *avroReader) value(b []byte, i int, t *avroType, depth int) int {
	if t.node < 0 {
		return a.skip(b, i, t, depth)
	}
	nd := &a.nodes[t.node]
	nd.seen = a.record
	if t.kind != avroArray && t.kind != avroUnion && t.kind != avroNull {
		a.misshapen(nd)
	}
	switch t.kind {
	case avroNull:
		a.null(&nd.target)
		return i
	case avroBoolean:
		if i >= len(b) || b[i] > 1 {
			return -1
		}
		a.truth(&nd.target, b[i] == 1)
		return i + 1
	case avroInt, avroLong, avroInstant:
		var v int64
		if v, i = avroRead(b, i, t); i < 0 {
			return -1
		}
		if t.kind == avroInstant {
			a.instant(&nd.target, v, t.per, t.each)
		} else {
			a.integer(&nd.target, v)
		}
		return i
	case avroFloat:
		if len(b)-i < 4 {
			return -1
		}
		a.float(&nd.target, float64(math.Float32frombits(binary.LittleEndian.Uint32(b[i:]))), 32)
		return i + 4
	case avroDouble:
		if len(b)-i < 8 {
			return -1
		}
		a.float(&nd.target, math.Float64frombits(binary.LittleEndian.Uint64(b[i:])), 64)
		return i + 8
	case avroBytes, avroString:
		start, end := avroBlob(b, i)
		if end < 0 {
			return -1
		}
		if t.kind == avroString {
			a.text(&nd.target, b[start:end])
		} else {
			a.opaque(&nd.target, b[start:end])
		}
		return end
	case avroFixed:
		if len(b)-i < t.size {
			return -1
		}
		a.opaque(&nd.target, b[i:i+t.size])
		return i + t.size
	case avroDecimal:
		start, end := i, i+t.size
		if t.size == 0 {
			start, end = avroBlob(b, i)
		}
		if end < 0 || end > len(b) {
			return -1
		}
		a.fraction(&nd.target, b[start:end], t.scale)
		return end
	case avroEnum:
		v, next := avroReadInt(b, i)
		if avroOutside(v, next, len(t.symbols)) {
			return -1
		}
		a.text(&nd.target, t.symbols[v])
		return next
	}
	if depth++; depth > maxAvroDepth {
		return -1
	}
	switch t.kind {
	case avroUnion:
		v, next := avroReadLong(b, i)
		if avroOutside(v, next, len(t.kids)) {
			return -1
		}
		return a.value(b, next, t.kids[v], depth)
	case avroArray:
		a.container(&nd.target)
		return a.array(b, i, t, nd, depth)
	case avroMap:
		a.container(&nd.target)
		return a.mapping(b, i, t, depth)
	}
	a.container(&nd.target)
	for _, kid := range t.kids {
		if kid.kind == avroDouble && kid.node >= 0 && len(b)-i >= 8 {
			if only := a.nodes[kid.node].only; only >= 0 {
				a.x[only], a.status[only] = math.Float64frombits(binary.LittleEndian.Uint64(b[i:])), present
				i += 8
				continue
			}
		}
		if i = a.value(b, i, kid, depth); i < 0 {
			return -1
		}
	}
	return i
}

// avroBlock reads the number of the items that follow; a negative one is followed by
// their size in bytes, which is not relied on.
func avroBlock(b []byte, i int) (n int64, next int) {
	n, i = avroReadLong(b, i)
	if i >= 0 && n < 0 {
		if n = -n; n < 0 {
			return 0, -1
		}
		var size int64
		if size, i = avroReadLong(b, i); size < 0 {
			return 0, -1
		}
	}
	return n, i
}

func (a *avroReader) array(b []byte, i int, t *avroType, nd *node, depth int) int {
	count := int64(0)
	for {
		n, next := avroBlock(b, i)
		if i = next; i < 0 {
			return -1
		}
		if n == 0 {
			a.shaped(nd, int(min(count, math.MaxInt32)))
			return i
		}
		if n > int64(len(b)-i) && !t.rest.empty {
			return -1
		}
		for end := count + min(n, math.MaxInt64-count); count < end; count++ {
			if count >= int64(len(t.kids)) && t.rest.empty {
				count = end
				break
			}
			item := t.rest
			if count < int64(len(t.kids)) && t.kids[count] != nil {
				item = t.kids[count]
			}
			if i = a.value(b, i, item, depth); i < 0 {
				return -1
			}
		}
	}
}

func (a *avroReader) mapping(b []byte, i int, t *avroType, depth int) int {
	for {
		n, next := avroBlock(b, i)
		if i = next; i < 0 || n > int64(len(b)-i) {
			return -1
		}
		if n == 0 {
			return i
		}
		for ; n > 0; n-- {
			start, end := avroBlob(b, i)
			if end < 0 {
				return -1
			}
			kid := t.rest
			for k, key := range t.keys {
				if string(b[start:end]) == key {
					kid = t.kids[k]
					if kid.node >= 0 {
						a.forgetBelow(kid.node) // Of equal keys the last one counts.
					}
					break
				}
			}
			if i = a.value(b, end, kid, depth); i < 0 {
				return -1
			}
		}
	}
}

// skip checks a value that is not wanted.
func (a *avroReader) skip(b []byte, i int, t *avroType, depth int) int {
	switch t.kind {
	case avroNull:
		return i
	case avroBoolean:
		if i >= len(b) || b[i] > 1 {
			return -1
		}
		return i + 1
	case avroInt, avroLong, avroInstant:
		_, next := avroRead(b, i, t)
		return next
	case avroEnum:
		v, next := avroReadInt(b, i)
		if avroOutside(v, next, len(t.symbols)) {
			return -1
		}
		return next
	case avroFloat:
		return skipBytes(b, i, 4)
	case avroDouble:
		return skipBytes(b, i, 8)
	case avroFixed:
		return skipBytes(b, i, t.size)
	case avroDecimal:
		if t.size > 0 {
			return skipBytes(b, i, t.size)
		}
		_, end := avroBlob(b, i)
		return end
	case avroBytes, avroString:
		_, end := avroBlob(b, i)
		return end
	}
	if depth++; depth > maxAvroDepth {
		return -1
	}
	switch t.kind {
	case avroUnion:
		v, next := avroReadLong(b, i)
		if avroOutside(v, next, len(t.kids)) {
			return -1
		}
		return a.skip(b, next, t.kids[v], depth)
	case avroRecord:
		for _, kid := range t.kids {
			if i = a.skip(b, i, kid, depth); i < 0 {
				return -1
			}
		}
		return i
	}
	for {
		n, next := avroBlock(b, i)
		if i = next; i < 0 {
			return -1
		}
		if n == 0 {
			return i
		}
		if t.kind == avroArray && t.rest.empty {
			continue
		}
		if n > int64(len(b)-i) {
			return -1
		}
		for ; n > 0; n-- {
			if t.kind == avroMap {
				if _, i = avroBlob(b, i); i < 0 {
					return -1
				}
			}
			if i = a.skip(b, i, t.rest, depth); i < 0 {
				return -1
			}
		}
	}
}

func skipBytes(b []byte, i, n int) int {
	if len(b)-i < n {
		return -1
	}
	return i + n
}
