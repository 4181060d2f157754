package kafka

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"phasor/stream"
)

// A call of parser.next ends at a batch's end when it has this much, and within a batch at the hard limit: a batch of
// 64 MiB may hold millions of records, and they are handed over in pieces.
const (
	enoughRecords = 4096
	enoughBytes   = 1 << 20
	mostRecords   = 1 << 16
)

// keepBytes is the memory that is kept from one response for the next: one huge batch must not hold it for ever.
const keepBytes = 8 << 20

// parser turns the batches of one response after the other into records. It is for one goroutine and allocates nothing
// per record: records point into the response or into arena.
type parser struct {
	committed bool
	codecs    decompressor

	rest    []byte // Batches not begun, all of them scanned.
	offset  int64  // The position: records below it are not wanted.
	aborted []abortedTransaction
	dead    map[int64]struct{} // Producers inside an aborted transaction.

	batch   header // The batch begun last.
	payload []byte // Its records not yet returned,
	left    int    // and their number.
	arena   []byte // Expanded payloads of the records returned last,
	used    int    // and how much all of them took.
}

// reset begins a response, which must stay as it is until next has returned everything.
func (p *parser) reset(batches []byte, aborted []abortedTransaction, offset int64) {
	slices.SortFunc(aborted, func(a, b abortedTransaction) int { return cmp.Compare(a.first, b.first) })
	p.rest, p.aborted, p.offset = batches, aborted, offset
	p.payload, p.left = nil, 0
	clear(p.dead)
	if cap(p.arena) > keepBytes {
		p.arena = nil
	}
}

// done says that the response has been returned to its end.
func (p *parser) done() bool { return p.left == 0 && len(p.rest) == 0 }

// next appends records to dst[:0] and returns them with the position after them. They are valid until the next call.
// If a batch cannot be read, the records before it come first; bad then says which offsets are lost, and the next call
// goes on behind them.
func (p *parser) next(dst []stream.Record) (records []stream.Record, bad *badBatch) {
	dst, p.arena = dst[:0], p.arena[:0]
	if p.used > cap(p.arena) && p.used <= keepBytes {
		p.arena = make([]byte, 0, p.used+p.used/4) // So that next time all of them fit.
	}
	p.used = 0
	for {
		for p.left > 0 {
			if len(dst) >= mostRecords {
				return dst, nil
			}
			var reason string
			if dst, reason = p.record(dst); reason != "" {
				return dst, p.abandon(reason)
			}
		}
		if p.payload != nil {
			if n := len(p.payload); n > 0 {
				return dst, p.abandon(fmt.Sprintf("%d bytes after the last record", n))
			}
			p.finish()
		}
		if len(p.rest) == 0 || len(dst) >= enoughRecords || p.used >= enoughBytes {
			return dst, nil
		}
		if reason := p.begin(); reason != "" {
			return dst, p.abandon(reason)
		}
	}
}

// begin takes the next batch up to its first record, or moves over it if nothing in it is wanted.
func (p *parser) begin() (reason string) {
	size := lengthEnd + int(binary.BigEndian.Uint32(p.rest[8:]))
	b := p.rest[:size]
	p.rest = p.rest[size:]
	h := parseHeader(b)
	p.batch = h
	if h.last < p.offset {
		return ""
	}
	if p.committed {
		p.enter(h.last)
	}
	_, dead := p.dead[h.producer]
	switch {
	case h.attributes&controlBatch != 0:
		if dead && isAbort(b[batchHeader:]) {
			delete(p.dead, h.producer)
		}
		p.finish()
	case h.count == 0, dead && h.attributes&transactional != 0:
		p.finish()
	default:
		codec := h.attributes & codecMask
		room := p.arena[len(p.arena):]
		payload, err := p.codecs.expand(room, codec, b[batchHeader:])
		if err != nil {
			if int(codec) < len(codecNames) {
				return codecNames[codec] + ": " + err.Error()
			}
			return err.Error()
		}
		if codec != codecNone {
			p.used += len(payload)
			if cap(payload) <= cap(room) {
				p.arena = p.arena[:len(p.arena)+len(payload)]
			} else {
				p.arena = payload // It did not fit: the larger memory replaces the smaller.
			}
		}
		if payload == nil {
			payload = []byte{} // Nil means that no batch is begun.
		}
		p.payload, p.left = payload, h.count
	}
	return ""
}

// enter notes the producers whose aborted transactions begin up to last.
func (p *parser) enter(last int64) {
	for len(p.aborted) > 0 && p.aborted[0].first <= last {
		if p.dead == nil {
			p.dead = map[int64]struct{}{}
		}
		p.dead[p.aborted[0].producer] = struct{}{}
		p.aborted = p.aborted[1:]
	}
}

// finish moves the position behind the batch.
func (p *parser) finish() {
	p.offset = max(p.offset, p.batch.last+1)
	p.payload, p.left = nil, 0
}

// abandon gives up the rest of the batch.
func (p *parser) abandon(reason string) *badBatch {
	bad := &badBatch{first: p.offset, next: p.batch.last + 1, reason: reason}
	p.finish()
	return bad
}

// record takes one record:
//
//	length varint, attributes int8, time delta varint, offset delta varint,
//	key length varint (-1: null), key, value length varint (-1: null), value, headers (not read)
func (p *parser) record(dst []stream.Record) (_ []stream.Record, reason string) {
	size, n := binary.Varint(p.payload)
	if n <= 0 || size < 1 || size > int64(len(p.payload)-n) {
		return dst, fmt.Sprintf("a record's length is %d of %d bytes", size, len(p.payload))
	}
	b := p.payload[n+1 : n+int(size)]
	timeDelta, n1 := binary.Varint(b)
	if n1 <= 0 {
		return dst, "a record's time delta is cut off"
	}
	offsetDelta, n2 := binary.Varint(b[n1:])
	if n2 <= 0 || offsetDelta < 0 || offsetDelta > p.batch.last-p.batch.base {
		return dst, fmt.Sprintf("a record's offset delta is %d of %d", offsetDelta, p.batch.last-p.batch.base)
	}
	key, b, ok := varBytes(b[n1+n2:])
	if !ok {
		return dst, "a record's key is cut off"
	}
	value, _, ok := varBytes(b)
	if !ok {
		return dst, "a record's value is cut off"
	}
	p.payload = p.payload[n+int(size):]
	p.left--
	offset := p.batch.base + offsetDelta
	if offset < p.offset {
		return dst, "" // The request began inside the batch.
	}
	p.offset = offset + 1
	time := p.batch.maxTime
	if p.batch.attributes&logAppendTime == 0 {
		time = p.batch.baseTime + timeDelta
	}
	return append(dst, stream.Record{Offset: offset, Time: max(time, stream.NoTime), Key: key, Value: value}), ""
}

// varBytes takes a length and as many bytes; nil for length -1.
func varBytes(b []byte) (v, rest []byte, ok bool) {
	size, n := binary.Varint(b)
	if n <= 0 || size < -1 || size > int64(len(b)-n) {
		return nil, nil, false
	}
	if size < 0 {
		return nil, b[n:], true
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}

// isAbort says whether the payload of a control batch is the marker of an abort: its key is version and type, each an
// int16, and type 0 is an abort.
func isAbort(b []byte) bool {
	var p parser
	p.batch = header{last: 1 << 31}
	p.payload = b
	recs, reason := p.record(make([]stream.Record, 0, 1))
	return reason == "" && len(recs) == 1 && len(recs[0].Key) >= 4 && binary.BigEndian.Uint16(recs[0].Key[2:]) == 0
}
