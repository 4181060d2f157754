package mac

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// The forms of a tag; each takes Size bytes, so that a listing says how long
// the data are.
const (
	// Size is the number of bytes by which a signed object is longer.
	Size = 88

	tagLen  = idLen + 1 + 64
	open    = `"hmac.sha256":"`
	end     = `",`
	trailer = "\xfa\xff\xff\x7f\x53hmac.sha256:" // Field 33554431, of 83 bytes.

	headLen  = 8                   // Of the length before a safetensors header.
	metadata = `{"__metadata__":{` // How the header of a canonical file begins.
)

// insert returns data with a tag in it.
func insert(data []byte, tag string) []byte {
	at := place(data)
	if at < 0 {
		return slices.Concat(data, []byte(trailer), []byte(tag))
	}
	b := slices.Concat(data[:at], []byte(open), []byte(tag), []byte(end), data[at:])
	if at > 1 {
		grow(b, Size)
	}
	return b
}

// extract takes the tag out again.
func extract(stored []byte) (data []byte, tag string, ok bool) {
	for _, at := range []int{headLen + len(metadata), 1} {
		if len(stored) < at+Size || place(stored) != at {
			continue
		}
		entry := string(stored[at : at+Size])
		if !strings.HasPrefix(entry, open) || entry[Size-len(end):] != end {
			continue
		}
		data = slices.Concat(stored[:at], stored[at+Size:])
		if at > 1 {
			grow(data, -Size)
		}
		return data, entry[len(open) : len(open)+tagLen], true
	}
	if n := len(stored) - Size; n >= 0 && bytes.HasPrefix(stored[n:], []byte(trailer)) {
		return slices.Clone(stored[:n]), string(stored[n+len(trailer):]), true
	}
	return nil, "", false
}

// place is where a tag goes among data that have a place for one, or -1. It
// looks at the first bytes only, so that it finds the same one when the tag is
// there.
func place(data []byte) int {
	if len(data) > headLen && bytes.HasPrefix(data[headLen:], []byte(metadata+`"`)) {
		return headLen + len(metadata)
	}
	if len(data) > 0 && data[0] == '{' && bytes.HasPrefix(bytes.TrimLeft(data[1:], " \t\r\n"), []byte(`"`)) {
		return 1
	}
	return -1
}

// grow adds to the length that a safetensors file begins with, modulo 2^64.
func grow(b []byte, n int) {
	binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)+uint64(n))
}

// Strip returns the data of an object without its tag, and the id of the key
// that the tag names, which is not verified; an object without one is returned
// as it is, with an empty id.
func Strip(stored []byte) (data []byte, id string) {
	data, tag, ok := extract(stored)
	if !ok {
		return stored, ""
	}
	return data, tag[:idLen]
}
