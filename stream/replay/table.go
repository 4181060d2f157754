package replay

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"phasor/stream"
	"phasor/stream/decode"
)

// Options says how a file is read. The zero value finds out everything from
// the file.
type Options struct {
	// Decode is how rows become vectors. Without Channels, they are all fields
	// that hold numbers in the first rows. Without Time.Field, a field named
	// time, timestamp, datetime, date, ts or t that holds times is the time;
	// without Time.Unit its unit is told from the digits. Format is implied,
	// except that NDJSON files may be in the format tags.
	Decode decode.Config
	// NoTime takes no field as the time unless one is named.
	NoTime bool
	// Header says whether a csv file begins with a row of names: "yes", "no",
	// or "auto" (the default): it does if no cell of the row is a number or
	// time. With Decode.CSV.Header and "auto" it does not.
	Header string
}

// Table is a feed of the rows of a file.
type Table struct {
	lines   *lines
	closer  io.Closer
	typed   typedFile // in place of lines
	ahead   [][]byte  // rows read to find out about the file
	starts  []int
	blanks  bool // cells are separated by runs of blanks
	config  decode.Config
	names   []string
	decoder decode.Decoder
	x       []float64
	record  stream.Record
	row     []byte
	done    error
}

// OpenCSV opens a file of delimited rows; "-" is standard input.
//
// The delimiter is Decode.CSV.Delimiter; if that is empty, the one of comma,
// semicolon, tab and bar that splits the first rows alike, else runs of blanks.
// "blank" asks for runs of blanks. A decimal comma is told from the cells. Without
// Decode.CSV.Nulls, NA, N/A, n/a, null, NULL and None are missing values.
// Quoted cells may span lines, rows of blanks are skipped.
func OpenCSV(path string, opt Options) (*Table, error) {
	return open(path, opt, NewCSV)
}

// OpenNDJSON opens a file of one JSON value a line; "-" is standard input.
func OpenNDJSON(path string, opt Options) (*Table, error) {
	return open(path, opt, NewNDJSON)
}

func open(path string, opt Options, read func(io.Reader, string, Options) (*Table, error)) (*Table, error) {
	if path == "-" {
		return read(os.Stdin, "standard input", opt)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	t, err := read(f, filepath.Base(path), opt)
	if err != nil {
		f.Close() // The error that matters is err: nothing was written.
		return nil, err
	}
	t.closer = f
	return t, nil
}

// NewCSV reads delimited rows from r. The name stands in errors.
func NewCSV(r io.Reader, name string, opt Options) (*Table, error) {
	if f := opt.Decode.Format; f != "" && f != "csv" {
		return nil, fmt.Errorf("replay: %s: format %s for a csv file: leave it empty", name, f)
	}
	if !slices.Contains([]string{"", "auto", "yes", "no"}, opt.Header) {
		return nil, fmt.Errorf("replay: %s: header is %q: use yes, no or auto", name, opt.Header)
	}
	opt.Decode.Format = "csv"
	t := &Table{lines: newLines(r, name, maxBytes(opt), true)}
	if err := t.lookAhead(); err != nil {
		return nil, err
	}
	if err := t.sniffCSV(opt); err != nil {
		return nil, err
	}
	return t, t.start()
}

// NewNDJSON reads one JSON value a line from r. The name stands in errors.
func NewNDJSON(r io.Reader, name string, opt Options) (*Table, error) {
	switch opt.Decode.Format {
	case "":
		opt.Decode.Format = "json"
	case "json", "tags":
	default:
		return nil, fmt.Errorf("replay: %s: format %s for a file of JSON lines: use json or tags", name, opt.Decode.Format)
	}
	t := &Table{lines: newLines(r, name, maxBytes(opt), false)}
	if err := t.lookAhead(); err != nil {
		return nil, err
	}
	if err := t.sniffJSON(opt); err != nil {
		return nil, err
	}
	return t, t.start()
}

func maxBytes(opt Options) int {
	if opt.Decode.MaxBytes > 0 {
		return opt.Decode.MaxBytes
	}
	return decode.DefaultMaxBytes
}

// start makes the decoder of t.config.
func (t *Table) start() error {
	d, err := decode.New(t.config)
	if err != nil {
		return fmt.Errorf("replay: %s: %w", t.lines.source, err)
	}
	t.decoder = d
	t.names = t.config.Names()
	t.x = make([]float64, len(t.names))
	return nil
}

// lookAhead keeps the first rows. Rows that are too long end it early and are
// reported when reading comes to them.
func (t *Table) lookAhead() error {
	for range 100 {
		row, err := t.lines.next()
		if bad, ok := err.(*RowError); ok {
			t.ahead = append(t.ahead, nil)
			t.starts = append(t.starts, bad.Line)
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("replay: %s: %w", t.lines.source, err)
		}
		t.ahead = append(t.ahead, slices.Clone(row))
		t.starts = append(t.starts, t.lines.start)
		// A slow pipe is not waited for.
		if len(t.ahead)*len(row) > 1<<20 || len(t.ahead) > 1 && t.lines.r.Buffered() == 0 {
			break
		}
	}
	return nil
}

// Config is how the rows are decoded, with what was found out.
func (t *Table) Config() decode.Config { return t.config }

// Channels implements Feed.
func (t *Table) Channels() []string { return t.names }

// Close closes the file, if one was opened for the table.
func (t *Table) Close() error {
	if t.typed != nil && t.done == nil {
		t.typed.close() // It was only read.
	}
	if t.done == nil {
		t.done = fmt.Errorf("replay: %s: %w", t.lines.source, os.ErrClosed)
	}
	if c := t.closer; c != nil {
		t.closer = nil
		return c.Close()
	}
	return nil
}

// Next implements Feed. Rows that Where filters out are skipped silently, as are
// the records of a tags file that do not complete a tick; the last tick of such a
// file is not returned, for nothing completes it.
func (t *Table) Next() ([]float64, int64, error) {
	for {
		row, line, err := t.raw()
		if err != nil {
			return nil, -1, err
		}
		if t.blanks {
			row = t.joinBlanks(row)
		}
		t.record = stream.Record{Time: -1, Value: row}
		r := t.decoder.Decode(t.x, &t.record)
		if r.Emitted {
			return t.x, r.Time, nil
		}
		if r.Reason == decode.Accepted || r.Reason == decode.Filtered {
			continue
		}
		bad := &RowError{Source: t.lines.source, Line: line, Row: t.typed != nil, Reason: r.Reason}
		if r.Channel >= 0 {
			bad.Column = t.names[r.Channel]
		}
		return nil, -1, bad
	}
}

// raw returns the next row's bytes and its line.
func (t *Table) raw() ([]byte, int, error) {
	if t.done != nil {
		return nil, 0, t.done
	}
	if len(t.ahead) > 0 {
		row, line := t.ahead[0], t.starts[0]
		t.ahead, t.starts = t.ahead[1:], t.starts[1:]
		if row == nil {
			return nil, 0, &RowError{Source: t.lines.source, Line: line, Reason: decode.Oversize}
		}
		return row, line, nil
	}
	if t.typed != nil {
		row, err := t.typed.next()
		if err == nil {
			return row, int(t.typed.at()), nil
		}
		if err != io.EOF {
			err = fmt.Errorf("replay: %s row %d: %w", t.lines.source, t.typed.at(), err)
		}
		t.end(err)
		return nil, 0, err
	}
	row, err := t.lines.next()
	if err == nil {
		return row, t.lines.start, nil
	}
	if _, ok := err.(*RowError); ok {
		return nil, 0, err
	}
	if err != io.EOF {
		err = fmt.Errorf("replay: %s line %d: %w", t.lines.source, t.lines.line+1, err)
	}
	t.end(err)
	return nil, 0, err
}

// end closes the file, of which err is the last that is heard.
func (t *Table) end(err error) {
	t.done = err
	if t.typed != nil {
		t.typed.close() // It was only read: closing can lose nothing.
	}
	if t.closer != nil {
		t.closer.Close()
		t.closer = nil
	}
}

// joinBlanks makes every run of blanks one tab.
func (t *Table) joinBlanks(row []byte) []byte {
	t.row = appendJoined(t.row[:0], row)
	return t.row
}

func appendJoined(dst, row []byte) []byte {
	gap := false
	for _, c := range row {
		if c == ' ' || c == '\t' {
			gap = len(dst) > 0
			continue
		}
		if gap {
			dst = append(dst, '\t')
			gap = false
		}
		dst = append(dst, c)
	}
	return dst
}
