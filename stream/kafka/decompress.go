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

// append appends the expanded src to dst, within its capacity if it suffices. With codec none it returns src.
func (d *decompressor) append(dst []byte, codec uint16, src []byte) ([]byte, error) {
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
		if d.zstd == nil {
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(d.limit)), zstd.WithDecoderLowmem(true))
			if err != nil {
				return nil, err
			}
			d.zstd = z
		}
		out, err := d.zstd.DecodeAll(src, dst)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) || err == nil && len(out)-len(dst) > d.limit {
			return nil, errTooLarge
		}
		return out, err
	}
	return nil, fmt.Errorf("codec %d is not known", codec)
}

// drain reads r to its end, but no more than the limit.
func (d *decompressor) drain(dst []byte, r io.Reader) ([]byte, error) {
	base := len(dst)
	for {
		if len(dst) == cap(dst) {
			room := min(max(cap(dst)-base, 64<<10), d.limit+1)
			grown := make([]byte, len(dst), len(dst)+room)
			copy(grown, dst)
			dst = grown
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), base+d.limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst)-base > d.limit:
			return nil, errTooLarge
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return nil, err
		}
	}
}

// snappy expands one raw block, whose length stands at its front.
func (d *decompressor) snappy(dst, src []byte) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	switch {
	case err != nil:
		return nil, err
	case n > d.limit:
		return nil, errTooLarge
	}
	base := len(dst)
	if cap(dst)-base < n {
		grown := make([]byte, base, base+n)
		copy(grown, dst)
		dst = grown
	}
	if _, err := s2.Decode(dst[base:base+n:base+n], src); err != nil {
		return nil, err
	}
	return dst[:base+n], nil
}

// xerialMagic begins the framing of the Java client: magic, version and compatible version, then blocks, each with its
// length in front.
var xerialMagic = []byte("\x82SNAPPY\x00")

const xerialHeader = 16

func (d *decompressor) xerial(dst, src []byte) ([]byte, error) {
	if len(src) < xerialHeader {
		return nil, io.ErrUnexpectedEOF
	}
	base := len(dst)
	for src = src[xerialHeader:]; len(src) > 0; {
		if len(src) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := int(int32(binary.BigEndian.Uint32(src)))
		src = src[4:]
		if n < 0 || n > len(src) {
			return nil, io.ErrUnexpectedEOF
		}
		if size, err := s2.DecodedLen(src[:n]); err == nil && size > d.limit-(len(dst)-base) {
			return nil, errTooLarge
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
