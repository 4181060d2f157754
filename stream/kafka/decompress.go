package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

var codecNames = [...]string{"none", "gzip", "snappy", "lz4", "zstd"}

// errTooLarge: a batch expands beyond the limit.
var errTooLarge = errors.New("expands beyond fetch.decompression_limit")

// decompressor expands the payloads of batches to at most limit bytes. It is for one goroutine. The zero value with a
// limit is ready; what a codec needs is made at its first use.
type decompressor struct {
	limit  int
	source bytes.Reader
	gzip   *gzip.Reader
	lz4    *lz4.Reader
	zstd   *zstd.Decoder
}

// expand returns the expanded src, in the memory of dst if its capacity suffices; dst is empty. With codec none it
// returns src.
func (d *decompressor) expand(dst []byte, codec uint16, src []byte) ([]byte, error) {
	switch codec {
	case codecNone:
		return src, nil
	case codecGzip:
		d.source.Reset(src)
		if d.gzip == nil {
			d.gzip = new(gzip.Reader)
		}
		if err := d.gzip.Reset(&d.source); err != nil {
			return nil, unexpectedEOF(err)
		}
		return d.drain(dst, d.gzip)
	case codecSnappy:
		if bytes.HasPrefix(src, xerialMagic) {
			return d.xerial(dst, src)
		}
		return d.snappy(dst, src)
	case codecLZ4:
		d.source.Reset(src)
		if d.lz4 == nil {
			d.lz4 = lz4.NewReader(nil)
		}
		d.lz4.Reset(&d.source)
		return d.drain(dst, d.lz4)
	case codecZstd:
		return d.zstandard(dst, src)
	}
	return nil, fmt.Errorf("codec %d is not known", codec)
}

// reserve returns dst with room for n more bytes. What was reserved doubles, so that many small pieces do not each copy
// all before them, and stays within the limit unless n itself is more.
func (d *decompressor) reserve(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	grown := make([]byte, len(dst), max(len(dst)+n, min(2*cap(dst), d.limit+1)))
	copy(grown, dst)
	return grown
}

// drain reads r to its end, but no more than the limit. Dst is empty; only its capacity counts.
func (d *decompressor) drain(dst []byte, r io.Reader) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = d.reserve(dst, min(64<<10, d.limit+1-len(dst)))
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), d.limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > d.limit:
			return nil, errTooLarge
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return nil, err
		}
	}
}

// leastWindow is what zstd's own levels use up to: a limit below it must not refuse small batches for their window.
const leastWindow = 8 << 20

// zstandard leaves the growth of unknown sizes to the decoder, which stops at the larger of the limit and leastWindow.
func (d *decompressor) zstandard(dst, src []byte) ([]byte, error) {
	if d.zstd == nil {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(uint64(max(d.limit, leastWindow))))
		if err != nil {
			return nil, err
		}
		d.zstd = z
	}
	out, err := d.zstd.DecodeAll(src, dst)
	if len(out) > d.limit || errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return nil, errTooLarge
	}
	return out, err
}

// snappy appends one raw block, whose length stands at its front.
func (d *decompressor) snappy(dst, src []byte) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	switch {
	case err != nil:
		return nil, err
	case n > d.limit-len(dst):
		return nil, errTooLarge
	}
	dst = d.reserve(dst, n)
	end := len(dst) + n
	if _, err := s2.Decode(dst[len(dst):end:end], src); err != nil {
		return nil, err
	}
	return dst[:end], nil
}

// xerialMagic begins the framing of the Java client: magic, version and compatible version, then blocks, each with its
// length in front.
var xerialMagic = []byte("\x82SNAPPY\x00")

const xerialHeader = 16

func (d *decompressor) xerial(dst, src []byte) ([]byte, error) {
	if len(src) < xerialHeader {
		return nil, io.ErrUnexpectedEOF
	}
	for src = src[xerialHeader:]; len(src) > 0; {
		if len(src) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := int(int32(binary.BigEndian.Uint32(src)))
		src = src[4:]
		if n < 0 || n > len(src) {
			return nil, io.ErrUnexpectedEOF
		}
		var err error
		if dst, err = d.snappy(dst, src[:n]); err != nil {
			return nil, err
		}
		src = src[n:]
	}
	return dst, nil
}

func (d *decompressor) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}
