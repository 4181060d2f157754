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
	zstd   *zstd.Decoder // Of batches up to probe.
	large  *zstd.Decoder // Of the others.
}

// probe is how much of a batch is expanded before the rest is measured: only what is known to fit gets more memory.
const probe = 8 << 20

// expand returns the expanded src, in the memory of dst if its capacity suffices; dst is empty. With codec none it
// returns src.
func (d *decompressor) expand(dst []byte, codec uint16, src []byte) ([]byte, error) {
	switch codec {
	case codecNone:
		return src, nil
	case codecGzip:
		if d.gzip == nil {
			d.gzip = new(gzip.Reader)
		}
		return d.drain(dst, func() (io.Reader, error) {
			d.source.Reset(src)
			return d.gzip, unexpectedEOF(d.gzip.Reset(&d.source))
		})
	case codecSnappy:
		if bytes.HasPrefix(src, xerialMagic) {
			return d.xerial(dst, src)
		}
		return d.snappy(dst, src)
	case codecLZ4:
		if d.lz4 == nil {
			d.lz4 = lz4.NewReader(nil)
		}
		return d.drain(dst, func() (io.Reader, error) {
			d.source.Reset(src)
			d.lz4.Reset(&d.source)
			return d.lz4, nil
		})
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

// drain reads what open opens to its end, but no more than the limit. Dst is empty; only its capacity counts. Beyond the
// probe the rest is measured, and read again into memory of its size if that is within the limit.
func (d *decompressor) drain(dst []byte, open func() (io.Reader, error)) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	most := min(max(probe, cap(dst)), d.limit)
	for len(dst) < most {
		if len(dst) == cap(dst) {
			dst = d.reserve(dst, min(64<<10, d.limit+1-len(dst)))
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), most)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return nil, err
		}
	}
	rest, err := io.Copy(io.Discard, io.LimitReader(r, int64(d.limit-len(dst))+1))
	switch {
	case err != nil:
		return nil, err
	case rest == 0:
		return dst, nil
	case rest > int64(d.limit-len(dst)):
		return nil, errTooLarge
	}
	dst = make([]byte, len(dst)+int(rest))
	if r, err = open(); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(r, dst)
	return dst, err
}

// leastWindow is what zstd's own levels use up to: a limit below it must not refuse small batches for their window.
const leastWindow = 8 << 20

// zstandard leaves the growth of unknown sizes to the decoder, which stops at the probe.
func (d *decompressor) zstandard(dst, src []byte) (out []byte, err error) {
	if d.zstd == nil {
		if d.zstd, err = newZstd(max(probe, leastWindow)); err != nil {
			return nil, err
		}
	}
	out, err = d.zstd.DecodeAll(src, dst)
	if !errors.Is(err, zstd.ErrDecoderSizeExceeded) && !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		if len(out) > d.limit {
			return nil, errTooLarge
		}
		return out, err
	}
	if d.limit <= probe {
		return nil, errTooLarge
	}
	if d.large == nil {
		if d.large, err = newZstd(d.limit); err != nil {
			return nil, err
		}
	}
	out, err = d.drain(dst, func() (io.Reader, error) {
		d.source.Reset(src)
		return d.large, d.large.Reset(&d.source)
	})
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return nil, errTooLarge
	}
	return out, err
}

func newZstd(most int) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(uint64(most)))
}

// snappyRatio is more than any snappy block expands by: a copy of 64 bytes takes 3.
const snappyRatio = 32

// snappy appends one raw block, whose length stands at its front.
func (d *decompressor) snappy(dst, src []byte) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	switch {
	case err != nil:
		return nil, err
	case n > d.limit-len(dst):
		return nil, errTooLarge
	case n/snappyRatio > len(src):
		return nil, fmt.Errorf("a block of %d bytes says that it expands to %d", len(src), n)
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
	for _, z := range []*zstd.Decoder{d.zstd, d.large} {
		if z != nil {
			z.Close()
		}
	}
}
