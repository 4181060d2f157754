package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"phasor/stream"
)

const testLimit = 64 << 20

func newParser() *parser { return &parser{committed: true, codecs: decompressor{limit: testLimit}} }

// batchOf makes a batch of n records with values of the given size.
func batchOf(base int64, n, size, codec int, xerial bool) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var payload []byte
	for i := range n {
		v := make([]byte, size)
		for j := range v {
			v[j] = "0123456789.,"[rng.IntN(12)]
		}
		payload = appendRecord(payload, int64(i), []byte("key"), v)
	}
	return rawBatch{base: base, span: n, count: n, codec: codec, xerial: xerial, payload: payload}.bytes()
}

// parseAll scans and parses a response as the reader does, and returns the number of records.
func parseAll(t testing.TB, p *parser, response []byte, records []stream.Record) (int, []stream.Record) {
	s := scan(response, 0, 1<<40, testLimit)
	if s.bad != nil || s.good != len(response) {
		t.Fatalf("scan: %+v", s)
	}
	p.reset(response[:s.good], nil, 0)
	n := 0
	for !p.done() {
		var bad *badBatch
		if records, bad = p.next(records); bad != nil {
			t.Fatal(bad.reason)
		}
		n += len(records)
	}
	return n, records
}

func eachCodec(f func(name string, codec int, xerial bool)) {
	for codec, name := range codecNames {
		f(name, codec, false)
	}
	f("snappy xerial", codecSnappy, true)
}

// Allocations are per response at most: what a codec needs to begin a stream, never per record.
func TestParseDoesNotAllocatePerRecord(t *testing.T) {
	const batches, each = 10, 1000
	eachCodec(func(name string, codec int, xerial bool) {
		var response []byte
		for i := range batches {
			response = append(response, batchOf(int64(i*each), each, 50, codec, xerial)...)
		}
		p := newParser()
		defer p.codecs.close()
		n, records := parseAll(t, p, response, nil)
		if n != batches*each {
			t.Fatalf("%s: %d records", name, n)
		}
		allocs := testing.AllocsPerRun(5, func() { _, records = parseAll(t, p, response, records) })
		limit := 0.0
		if codec == codecGzip || codec == codecLZ4 || raced && codec == codecZstd { // Under the race detector pools drop what they hold.
			limit = batches * 20
		}
		if allocs > limit {
			t.Errorf("%s: %v allocations for %d records in %d batches, at most %v expected", name, allocs, n, batches, limit)
		}
	})
}

// A batch of millions of records comes in pieces of bounded size.
func TestManyRecordsComeInPieces(t *testing.T) {
	const n = 3*mostRecords + 17
	var payload []byte
	for i := range n {
		payload = appendRecord(payload, int64(i), nil, nil)
	}
	b := rawBatch{span: n, count: n, codec: codecZstd, payload: payload}.bytes()
	p := newParser()
	defer p.codecs.close()
	p.reset(b, nil, 0)
	var records []stream.Record
	total := 0
	for !p.done() {
		var bad *badBatch
		if records, bad = p.next(records); bad != nil {
			t.Fatal(bad.reason)
		}
		if len(records) > mostRecords {
			t.Fatalf("%d records at once", len(records))
		}
		for _, r := range records {
			if r.Offset != int64(total) {
				t.Fatalf("offset %d, want %d", r.Offset, total)
			}
			total++
		}
		if p.offset != int64(total) {
			t.Fatalf("position %d after %d records", p.offset, total)
		}
	}
	if total != n {
		t.Fatalf("%d records of %d", total, n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func bomb(t testing.TB, codec int, xerial bool, size int64) []byte {
	var buf bytes.Buffer
	var w io.WriteCloser
	switch {
	case codec == codecGzip: // Members follow each other, and are one stream to a reader.
		w := gzip.NewWriter(&buf)
		io.CopyN(w, zeros{}, size/16)
		w.Close()
		return bytes.Repeat(buf.Bytes(), 16)
	case codec == codecLZ4:
		w = lz4.NewWriter(&buf)
	case codec == codecZstd:
		w, _ = zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
	case xerial:
		const part = 1 << 20
		block := s2.EncodeSnappy(nil, make([]byte, part))
		buf.Write(xerialMagic)
		buf.Write(make([]byte, 8))
		for range size / part {
			buf.Write(binary.BigEndian.AppendUint32(nil, uint32(len(block))))
			buf.Write(block)
		}
		return buf.Bytes()
	default: // One block that says how long it is; what follows does not matter.
		return append(binary.AppendUvarint(nil, uint64(size)), make([]byte, 1000)...)
	}
	if _, err := io.CopyN(w, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return buf.Bytes()
}

// 1 GiB of zeros in each codec is refused with memory in the order of the limit.
func TestBombsAreRefused(t *testing.T) {
	const size, limit = 1 << 30, 16 << 20
	eachCodec(func(name string, codec int, xerial bool) {
		if codec == codecNone {
			return
		}
		b := rawBatch{span: 1 << 20, count: 1 << 20, codec: codec, raw: bomb(t, codec, xerial, size)}.bytes()
		p := &parser{codecs: decompressor{limit: limit}}
		defer p.codecs.close()
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p.reset(b, nil, 0)
		recs, bad := p.next(nil)
		runtime.ReadMemStats(&after)
		if bad == nil || !strings.Contains(bad.reason, "decompression_limit") || len(recs) != 0 || bad.next != 1<<20 {
			t.Errorf("%s: bomb of %d bytes gave %d records and %+v", name, len(b), len(recs), bad)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 6*limit {
			t.Errorf("%s: %d MiB allocated in all to refuse a bomb, limit %d MiB", name, used>>20, limit>>20)
		}
		t.Logf("%s: %d bytes, %d MiB allocated in all", name, len(b), (after.TotalAlloc-before.TotalAlloc)>>20)
	})
}

// Every codec returns what was put in, at sizes around the limit and around the size from which on it is measured first.
func TestDecompressionLimit(t *testing.T) {
	eachCodec(func(name string, codec int, xerial bool) {
		if codec == codecNone {
			return
		}
		for _, c := range [][2]int{{1, 1 << 20}, {1000, 1 << 20}, {1<<20 - 1, 1 << 20}, {1 << 20, 1 << 20}, {1<<20 + 1, 1 << 20}, {probe - 1, 12 << 20}, {probe, 12 << 20},
			{probe + 1, 12 << 20}, {probe, probe}, {probe + 1, probe}, {12<<20 - 1, 12 << 20}, {12 << 20, 12 << 20}, {12<<20 + 1, 12 << 20}} {
			size, limit := c[0], c[1]
			d := decompressor{limit: limit}
			in := bytes.Repeat([]byte("phasor"), size/6+1)[:size]
			out, err := d.expand(make([]byte, 0, 100), uint16(codec), compress(codec, xerial, in))
			if size <= limit && (err != nil || !bytes.Equal(in, out)) || size > limit && err != errTooLarge {
				t.Errorf("%s: %d bytes with limit %d: %d bytes, %v", name, size, limit, len(out), err)
			}
			d.close()
		}
	})
}

// Any byte of a batch can be flipped without a record that was not there: what comes before the checksum moves or hides
// the batch, what comes after is noticed.
func TestFlippedBits(t *testing.T) {
	b := rawBatch{base: 100, span: 3, deltas: deltas(3)}.bytes()
	for i := range len(b) * 8 {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		s := scan(c, 100, 103, testLimit)
		if i/8 >= 16 && (s.good != 0 || s.bad == nil) {
			t.Fatalf("bit %d of byte %d: accepted", i%8, i/8)
		}
	}
}

func FuzzParse(f *testing.F) {
	eachCodec(func(_ string, codec int, xerial bool) {
		f.Add(batchOf(5, 3, 20, codec, xerial), int64(0), int64(0))
		f.Add(append(batchOf(0, 2, 5, codec, xerial), batchOf(2, 2, 5, codec, xerial)...), int64(1), int64(1))
	})
	f.Add(append(rawBatch{span: 2, deltas: deltas(2), attrs: transactional, pid: 1}.bytes(), marker(2, 1, false).bytes()...), int64(0), int64(1))
	f.Add(rawBatch{span: 9}.bytes(), int64(3), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, offset, aborted int64) {
		// Checksums would stop the fuzzer at the door, so they are made right.
		for rest := b; len(rest) >= batchHeader; {
			size := lengthEnd + int64(int32(binary.BigEndian.Uint32(rest[8:])))
			if size < batchHeader || size > int64(len(rest)) {
				break
			}
			seal(rest[:size])
			rest = rest[size:]
		}
		offset &= 1<<40 - 1
		s := scan(b, offset, 1<<41, 1<<20)
		if s.good < 0 || s.good > len(b) || s.next < offset {
			t.Fatalf("scan: %+v of %d bytes from %d", s, len(b), offset)
		}
		if s.bad != nil && s.bad.next < s.bad.first {
			t.Fatalf("scan: bad batch %+v", s.bad)
		}
		p := &parser{committed: true, codecs: decompressor{limit: 1 << 20}}
		defer p.codecs.close()
		p.reset(b[:s.good], []abortedTransaction{{aborted, aborted}}, offset)
		var records []stream.Record
		for position := offset; !p.done(); {
			var bad *badBatch
			records, bad = p.next(records)
			for _, r := range records {
				if r.Offset < position {
					t.Fatalf("offset %d at position %d", r.Offset, position)
				}
				position = r.Offset + 1
			}
			if p.offset < position || bad != nil && (bad.first < position || bad.next != p.offset && bad.next > bad.first) {
				t.Fatalf("position %d after records up to %d, bad %+v", p.offset, position, bad)
			}
			position = p.offset
		}
		if p.offset > max(s.next, offset) {
			t.Fatalf("parsed to %d, scanned to %d", p.offset, s.next)
		}
	})
}

func FuzzFetchResponse(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, int16(11))
	f.Add(make([]byte, 80), int16(4))
	f.Add(slices.Concat(make([]byte, 11), []byte{2}, make([]byte, 16), []byte{2}, make([]byte, 30), []byte{1, 0, 0, 0, 0, 3, 7, 7, 0, 0, 0}), int16(9))
	f.Fuzz(func(t *testing.T, b []byte, version int16) {
		m := &fetchCall{topic: "t", version: minFetchVersion + (version&0x7fff)%10, response: b}
		var v fetched
		if err := m.parse(&v); err == nil && len(v.batches) > len(b) {
			t.Fatal("more batches than bytes")
		}
		meta := &metadataCall{topics: map[string]*topicInfo{}}
		_ = meta.parse(b) // It must return, with whatever it makes of this.
	})
}

func BenchmarkParse(b *testing.B) {
	eachCodec(func(name string, codec int, xerial bool) {
		for _, size := range []int{16, 100} {
			b.Run(fmt.Sprintf("%s/value=%d", strings.ReplaceAll(name, " ", "-"), size), func(b *testing.B) {
				var response []byte
				const batches, each = 16, 1000
				for i := range batches {
					response = append(response, batchOf(int64(i*each), each, size, codec, xerial)...)
				}
				p := newParser()
				defer p.codecs.close()
				_, records := parseAll(b, p, response, nil)
				b.ReportAllocs()
				b.SetBytes(batches * each * int64(size))
				for b.Loop() {
					_, records = parseAll(b, p, response, records)
				}
				b.ReportMetric(float64(b.N)*batches*each/b.Elapsed().Seconds(), "records/s")
			})
		}
	})
}

// A small block that says it is large gets no memory for it.
func TestSnappyClaimsAreNotBelieved(t *testing.T) {
	block := append(binary.AppendUvarint(nil, 32<<20), 0, 'x')
	d := decompressor{limit: 64 << 20}
	defer d.close()
	for name, src := range map[string][]byte{"raw": block, "xerial": append(append(append([]byte{}, xerialMagic...), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, byte(len(block))), block...)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out, err := d.expand(nil, codecSnappy, src)
		runtime.ReadMemStats(&after)
		if err == nil || len(out) > 0 || after.TotalAlloc-before.TotalAlloc > 1<<20 {
			t.Errorf("%s: %d bytes, %v, %d allocated", name, len(out), err, after.TotalAlloc-before.TotalAlloc)
		}
	}
}
