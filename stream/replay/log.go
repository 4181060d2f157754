package replay

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"phasor/stream/decode"
)

// AutoPattern as the pattern of a log is found out from the first lines.
const AutoPattern = "auto"

// OpenLog opens a file of lines of text; "-" is standard input.
func OpenLog(path string, opt Options) (*Table, error) { return open(path, opt, NewLog) }

// NewLog reads lines of text from r. The name stands in errors.
func NewLog(r io.Reader, name string, opt Options) (*Table, error) {
	if f := opt.Decode.Format; f != "" && f != "log" {
		return nil, fmt.Errorf("replay: %s: format %s for lines of text: use log", name, f)
	}
	opt.Decode.Format = "log"
	t := &Table{lines: newLines(r, name, maxBytes(opt), false), config: opt.Decode}
	if err := t.lookAhead(); err != nil {
		return nil, err
	}
	if t.config.Log.Pattern == AutoPattern {
		t.config.Log.Pattern = sniffPattern(t.ahead)
	}
	return t, t.start()
}

// sniffPattern returns the first of the named patterns that at least nine in
// ten of the rows match, "" if there is none.
func sniffPattern(rows [][]byte) string {
	for _, name := range decode.LogPatterns() {
		if 10*decode.CountMatches(name, rows) >= 9*len(rows) && len(rows) > 0 {
			return name
		}
	}
	return ""
}

// Lines is a feed of the lines of a text as they are: its rows have no
// channels, and it encodes each of them as the line.
type Lines struct {
	lines *lines
	line  []byte
	close io.Closer
}

// NewLines reads lines from r, and closes c, if there is one, with the feed.
func NewLines(r io.Reader, name string, c io.Closer) *Lines {
	return &Lines{lines: newLines(r, name, decode.DefaultMaxBytes, false), close: c}
}

// Channels implements Feed: there are none.
func (l *Lines) Channels() []string { return nil }

// Next implements Feed. Blank lines are skipped.
func (l *Lines) Next() ([]float64, int64, error) {
	row, err := l.lines.next()
	if err != nil {
		if _, bad := err.(*RowError); !bad && err != io.EOF {
			err = fmt.Errorf("replay: %s line %d: %w", l.lines.source, l.lines.line+1, err)
		}
		return nil, -1, err
	}
	l.line = bytes.TrimRight(row, "\r\n")
	return nil, -1, nil
}

// Append implements Encoder: it appends the line that Next has read.
func (l *Lines) Append(dst []byte, _ []float64, _ int64) []byte { return append(dst, l.line...) }

// Config implements Encoder: each line is the message.
func (l *Lines) Config() decode.Config { return decode.Config{Format: "log"} }

// Close closes the file.
func (l *Lines) Close() error {
	c := l.close
	l.close = nil
	if c == nil {
		return nil
	}
	return c.Close()
}

// OpenLines opens a file of lines; "-" is standard input.
func OpenLines(path string) (*Lines, error) {
	if path == "-" {
		return NewLines(os.Stdin, "standard input", nil), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return NewLines(f, filepath.Base(path), f), nil
}

// Verbatim returns the encoder that writes the rows of f as they were read, if
// f is a feed of lines, paced or not.
func Verbatim(f Feed) (Encoder, bool) {
	switch f := f.(type) {
	case *Lines:
		return f, true
	case *paced:
		return Verbatim(f.feed)
	}
	return nil, false
}
