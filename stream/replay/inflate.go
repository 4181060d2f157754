package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow bounds the memory that a file can ask for.
const maxZstdWindow = 128 << 20

// Inflate returns what r holds, decompressed as it is read if it begins as a file
// of gzip or zstd does, whatever its name is.
func Inflate(r io.Reader) io.Reader { return &inflater{r: bufio.NewReaderSize(r, 64<<10)} }

// inflater looks at the first bytes when it is first read.
type inflater struct {
	r    *bufio.Reader
	from io.Reader
}

func (f *inflater) Read(p []byte) (int, error) {
	if f.from == nil {
		f.from = f.r
		var err error
		switch {
		case f.begins("\x1f\x8b"):
			f.from, err = gzip.NewReader(f.r)
		case f.begins("\x28\xb5\x2f\xfd"):
			f.from, err = zstd.NewReader(f.r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		}
		if err != nil {
			f.from = failed{fmt.Errorf("decompressing: %w", err)}
		}
	}
	n, err := f.from.Read(p)
	if err != nil && err != io.EOF && f.from != io.Reader(f.r) {
		err = fmt.Errorf("decompressing: %w", err)
	}
	return n, err
}

// begins compares no more bytes than it has to, for a pipe may be slow.
func (f *inflater) begins(magic string) bool {
	for k := range magic {
		if head, _ := f.r.Peek(k + 1); !bytes.HasPrefix(head, []byte(magic[:k+1])) {
			return false
		}
	}
	return true
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
