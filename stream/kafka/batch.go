package kafka

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A record batch of format 2, big endian:
//
//	 0  base offset      int64     43  producer id       int64
//	 8  length           int32     51  producer epoch    int16
//	12  leader epoch     int32     53  base sequence     int32
//	16  magic            int8      57  number of records int32
//	17  CRC-32C          uint32    61  records, compressed as one
//	21  attributes       int16
//	23  last offset delta int32    The length counts what follows it, the checksum covers
//	27  base timestamp   int64     what follows it: base offset and length are not covered,
//	35  max timestamp    int64     because brokers write them.
const (
	batchHeader = 61
	lengthEnd   = 12
	checksumEnd = 21
)

const (
	codecMask     = 0x07
	logAppendTime = 0x08
	transactional = 0x10
	controlBatch  = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type header struct {
	base, last int64 // The offsets that the batch covers, whether or not it has a record at each.
	attributes uint16
	baseTime   int64
	maxTime    int64
	producer   int64
	count      int
}

// parseHeader reads a batch that checkBatch accepted.
func parseHeader(b []byte) header {
	be := binary.BigEndian
	base := int64(be.Uint64(b))
	return header{
		base:       base,
		last:       base + int64(int32(be.Uint32(b[23:]))),
		attributes: be.Uint16(b[21:]),
		baseTime:   int64(be.Uint64(b[27:])),
		maxTime:    int64(be.Uint64(b[35:])),
		producer:   int64(be.Uint64(b[43:])),
		count:      int(int32(be.Uint32(b[57:]))),
	}
}

// checkBatch says what is wrong with a whole batch, "" if nothing is.
func checkBatch(b []byte) string {
	be := binary.BigEndian
	if magic := b[16]; magic != 2 {
		return fmt.Sprintf("record format %d: only format 2 can be read, which brokers and producers since 0.11 write", int8(magic))
	}
	if len(b) < batchHeader {
		return fmt.Sprintf("%d bytes are less than a header", len(b))
	}
	if got, want := crc32.Checksum(b[checksumEnd:], castagnoli), be.Uint32(b[17:]); got != want {
		return fmt.Sprintf("checksum %08x, expected %08x", got, want)
	}
	h := parseHeader(b)
	switch {
	case h.base < 0 || h.last < h.base:
		return fmt.Sprintf("offsets %d to %d", h.base, h.last)
	case h.count < 0 || int64(h.count) > h.last-h.base+1:
		return fmt.Sprintf("%d records at offsets %d to %d", h.count, h.base, h.last)
	}
	return ""
}

// badBatch is a batch that cannot be read: its offsets are [first, next), where next is first if they are not known.
type badBatch struct {
	first, next int64
	reason      string
}

// scanned is what a walk over the batches of a response found.
type scanned struct {
	good int       // Bytes of whole and sound batches at the front.
	next int64     // The offset after them.
	need int       // Size of the first batch if not even that is whole; 0 otherwise.
	bad  *badBatch // The batch after the good ones, if it cannot be read.
}

// scan walks over the batches of a response to a request for offset and checks each. The last one may be cut off, since
// a request is limited in bytes. high is the high watermark, limit the size of a batch that is accepted.
func scan(b []byte, offset, high int64, limit int) scanned {
	s := scanned{next: offset}
	for len(b)-s.good > 16 {
		rest := b[s.good:]
		size := lengthEnd + int(int32(binary.BigEndian.Uint32(rest[8:])))
		switch {
		case size <= 16:
			s.bad = &badBatch{s.next, s.next, fmt.Sprintf("length of a batch is %d", size)}
			return s
		case size > limit:
			s.bad = rangeOf(rest, 0, s.next, high, fmt.Sprintf("%d bytes, fetch.batch_limit is %d", size, limit))
			return s
		case size > len(rest):
			if s.good == 0 {
				s.need = size
			}
			return s
		}
		if reason := checkBatch(rest[:size]); reason != "" {
			s.bad = rangeOf(rest, size, s.next, high, reason)
			return s
		}
		s.next = max(s.next, parseHeader(rest).last+1)
		s.good += size
	}
	if s.good == 0 && len(b) > 0 {
		s.need = batchHeader
	}
	return s
}

// rangeOf finds which offsets a bad batch of size bytes covers: what its header says if that is possible, else all up to
// the batch behind it.
func rangeOf(b []byte, size int, offset, high int64, reason string) *badBatch {
	be := binary.BigEndian
	bad := &badBatch{offset, offset, reason}
	behind := high
	if size > 0 && len(b)-size >= lengthEnd {
		behind = min(high, int64(be.Uint64(b[size:])))
	}
	if len(b) >= batchHeader && b[16] == 2 {
		next := int64(be.Uint64(b)) + int64(int32(be.Uint32(b[23:]))) + 1
		if next > offset && next <= behind {
			bad.next = next
			return bad
		}
	}
	if size > 0 && len(b)-size >= lengthEnd && behind > offset {
		bad.next = behind
	}
	return bad
}
