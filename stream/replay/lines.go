package replay

import (
	"bufio"
	"bytes"
	"io"

	"phasor/stream/decode"
)

// maxQuotedLines bounds the lines that one quoted cell may span, so that a
// single lost quote does not swallow a file.
const maxQuotedLines = 64

// lines reads a text, compressed or not, line by line: without line ends, a byte order mark and
// blank lines, and without ever holding more than max bytes of a line.
type lines struct {
	r      *bufio.Reader
	source string
	max    int
	quoted bool // a line end within quotes belongs to the row
	line   int  // the last line read
	start  int  // the line on which the row began
	buffer []byte
}

func newLines(r io.Reader, source string, max int, quoted bool) *lines {
	return &lines{r: bufio.NewReaderSize(Inflate(r), 64<<10), source: source, max: max, quoted: quoted}
}

// next returns a row that stays valid until the next call. A row that is too
// long is skipped and reported as a *RowError.
func (l *lines) next() ([]byte, error) {
	for {
		l.buffer = l.buffer[:0]
		l.start = l.line + 1
		over, odd := false, false
		for n := 1; ; n++ {
			from := len(l.buffer)
			long, err := l.append()
			if err != nil && (err != io.EOF || len(l.buffer) == 0 && !long) {
				return nil, err
			}
			l.line++
			over = over || long
			if l.quoted && !over && bytes.Count(l.buffer[from:], []byte{'"'})%2 == 1 {
				odd = !odd
			}
			if !odd || over || err == io.EOF || n == maxQuotedLines {
				break
			}
		}
		if over {
			return nil, &RowError{Source: l.source, Line: l.start, Reason: decode.Oversize}
		}
		row := bytes.TrimRight(l.buffer, "\r\n")
		if l.start == 1 {
			row = bytes.TrimPrefix(row, []byte("\xef\xbb\xbf"))
		}
		if len(bytes.TrimLeft(row, " \t")) > 0 {
			return row, nil
		}
	}
}

// append reads one line into the buffer, up to max bytes, and says whether it
// was longer.
func (l *lines) append() (long bool, err error) {
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.buffer)+len(part) > l.max+2 {
			long = true
		}
		if !long {
			l.buffer = append(l.buffer, part...)
		}
		if err != bufio.ErrBufferFull {
			return long, err
		}
	}
}
