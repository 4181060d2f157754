package replay

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"phasor/stream/decode"
)

// ocfMagic begins an Avro object container file:
//
//	"Obj" 1, a map of names and bytes (avro.schema, avro.codec), 16 bytes of a mark,
//	then blocks: number of records, bytes, the records' bytes as the codec left them, the mark
const ocfMagic = "Obj\x01"

// Bounds of what a file may ask for.
const (
	maxOCFHeader = 16 << 20
	maxOCFBlock  = 64 << 20 // before and after decompression
)

// ocfFile reads the records of an Avro object container file.
type ocfFile struct {
	r      *bufio.Reader
	schema string
	codec  string
	values *decode.AvroValues
	mark   [16]byte
	zstd   *zstd.Decoder

	raw, block []byte
	rest       []byte // of the block
	left       int64  // records in it
	row        int64
	ahead      []byte // the first record, if it was looked at
	peeked     bool
}

func newOCF(r io.Reader) (*ocfFile, error) {
	f := &ocfFile{r: bufio.NewReaderSize(r, 64<<10), codec: "null"}
	var magic [4]byte
	if _, err := io.ReadFull(f.r, magic[:]); err != nil || string(magic[:]) != ocfMagic {
		return nil, errors.New("it is no Avro object container file: it does not begin with Obj and 1")
	}
	left := maxOCFHeader
	text := func() ([]byte, error) {
		n, err := binary.ReadVarint(f.r)
		if err != nil || n < 0 || n > int64(left) {
			return nil, fmt.Errorf("its header is cut or has more than %d bytes", maxOCFHeader)
		}
		left -= int(n)
		b := make([]byte, n)
		_, err = io.ReadFull(f.r, b)
		return b, err
	}
	for {
		n, err := binary.ReadVarint(f.r)
		if err == nil && n < 0 {
			n = -n
			_, err = binary.ReadVarint(f.r)
		}
		if err != nil || n < 0 {
			return nil, errors.New("its header is cut")
		}
		if n == 0 {
			break
		}
		for ; n > 0; n-- {
			name, err := text()
			if err != nil {
				return nil, err
			}
			value, err := text()
			if err != nil {
				return nil, err
			}
			switch string(name) {
			case "avro.schema":
				f.schema = string(value)
			case "avro.codec":
				f.codec = string(value)
			}
		}
	}
	if _, err := io.ReadFull(f.r, f.mark[:]); err != nil {
		return nil, errors.New("its header is cut")
	}
	switch f.codec {
	case "null", "deflate", "snappy":
	case "zstandard":
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxOCFBlock))
		if err != nil {
			return nil, err
		}
		f.zstd = d
	default:
		return nil, fmt.Errorf("its codec %q is not known: write it with null, deflate, snappy or zstandard", f.codec)
	}
	var err error
	f.values, err = decode.NewAvroValues(f.schema)
	return f, err
}

func (f *ocfFile) fields() ([]decode.Field, error) { return decode.AvroFields(f.schema) }

// rows implements typedFile: the records are Avro values of the file's schema.
func (f *ocfFile) rows(c decode.Config) (decode.Config, error) {
	c.Format, c.Avro = "avro", decode.Avro{Schema: f.schema}
	return c, nil
}

// first returns the first record.
func (f *ocfFile) first() ([]byte, error) {
	if !f.peeked {
		b, err := f.read()
		if err != nil {
			return nil, err
		}
		f.ahead, f.peeked = bytes.Clone(b), true
	}
	return f.ahead, nil
}

func (f *ocfFile) next() ([]byte, error) {
	f.row++
	if b := f.ahead; b != nil {
		f.ahead = nil
		return b, nil
	}
	return f.read()
}

func (f *ocfFile) at() int64 { return f.row }

func (f *ocfFile) close() error { return nil }

func (f *ocfFile) read() ([]byte, error) {
	for f.left == 0 {
		if len(f.rest) > 0 {
			return nil, fmt.Errorf("a block has %d bytes behind its last record", len(f.rest))
		}
		if err := f.nextBlock(); err != nil {
			return nil, err
		}
	}
	n := f.values.Size(f.rest)
	if n < 0 {
		return nil, errors.New("a record does not follow the file's schema, so that the ones behind it cannot be found")
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	f.left--
	if b == nil {
		b = []byte{}
	}
	return b, nil
}

func (f *ocfFile) nextBlock() error {
	if _, err := f.r.Peek(1); err == io.EOF {
		return io.EOF
	}
	count, err := binary.ReadVarint(f.r)
	if err != nil {
		return cut(err)
	}
	size, err := binary.ReadVarint(f.r)
	if err != nil {
		return cut(err)
	}
	if count < 0 || size < 0 || size > maxOCFBlock {
		return fmt.Errorf("a block of %d records and %d bytes: at most %d bytes are read", count, size, maxOCFBlock)
	}
	f.raw = grow(f.raw, int(size))
	if _, err := io.ReadFull(f.r, f.raw); err != nil {
		return cut(err)
	}
	var mark [16]byte
	if _, err := io.ReadFull(f.r, mark[:]); err != nil {
		return cut(err)
	}
	if mark != f.mark {
		return errors.New("the mark behind a block is another one: the file is damaged")
	}
	f.left = count
	f.rest, err = f.inflate(f.raw)
	return err
}

func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("the file is cut within a block")
	}
	return err
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		b = make([]byte, n)
	}
	return b[:n]
}

// inflate decompresses a block.
func (f *ocfFile) inflate(b []byte) ([]byte, error) {
	switch f.codec {
	case "deflate":
		var out bytes.Buffer
		out.Grow(len(f.block))
		n, err := io.Copy(&out, io.LimitReader(flate.NewReader(bytes.NewReader(b)), maxOCFBlock+1))
		if err != nil {
			return nil, fmt.Errorf("decompressing: %w", err)
		}
		if n > maxOCFBlock {
			return nil, fmt.Errorf("a block has more than %d bytes", maxOCFBlock)
		}
		f.block = out.Bytes()
		return f.block, nil
	case "snappy":
		if len(b) < 4 {
			return nil, errors.New("a block is cut")
		}
		sum := binary.BigEndian.Uint32(b[len(b)-4:])
		b = b[:len(b)-4]
		if n, err := s2.DecodedLen(b); err != nil || n > maxOCFBlock {
			return nil, fmt.Errorf("a block has more than %d bytes or is damaged", maxOCFBlock)
		}
		out, err := s2.Decode(f.block[:cap(f.block)], b)
		if err != nil {
			return nil, fmt.Errorf("decompressing: %w", err)
		}
		if f.block = out; crc32.ChecksumIEEE(out) != sum {
			return nil, errors.New("the checksum of a block is another one: the file is damaged")
		}
		return out, nil
	case "zstandard":
		out, err := f.zstd.DecodeAll(b, f.block[:0])
		if err != nil {
			return nil, fmt.Errorf("decompressing: %w", err)
		}
		f.block = out
		return out, nil
	}
	return b, nil
}
