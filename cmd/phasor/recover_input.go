package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"phasor/stream/replay"
)

// rowReader reads rows of numbers in which some may be missing, NaN.
type rowReader struct {
	path  string
	names []string // wanted, in this order
	next  func() ([]float64, error)
	row   int
	close func() error
}

// openRows opens a file of rows that have the names; columns and fields of other names are left out.
func openRows(e *env, path, format string, names []string) (*rowReader, error) {
	in, source, shut, err := openInput(e, path)
	if err != nil {
		return nil, err
	}
	r := &rowReader{path: source, names: names, close: shut}
	if isJSON(path, format) {
		r.next = r.jsonRows(in)
		return r, nil
	}
	next, err := r.csvRows(in)
	if err != nil {
		return nil, errors.Join(err, shut())
	}
	r.next = next
	return r, nil
}

func openInput(e *env, path string) (in io.Reader, source string, shut func() error, err error) {
	if path == "-" {
		return e.stdin, "standard input", func() error { return nil }, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", nil, err
	}
	return replay.Inflate(f), path, f.Close, nil
}

// isJSON says whether a file holds lines of JSON, by the format or its name.
func isJSON(path, format string) bool {
	if format != "auto" {
		return format != "csv"
	}
	name := strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch filepath.Ext(name) {
	case ".json", ".jsonl", ".ndjson":
		return true
	}
	return false
}

// csvRows reads rows under a line of names, or without one if those that calibrate gives to columns without names are
// wanted.
func (r *rowReader) csvRows(in io.Reader) (func() ([]float64, error), error) {
	rest := bufio.NewReader(in)
	first, err := rest.ReadString('\n')
	if err != nil && (err != io.EOF || first == "") {
		return nil, fmt.Errorf("%s: a first row of names is wanted: %w", r.path, noEOF(err))
	}
	first = strings.TrimPrefix(first, "\ufeff")
	h, err := r.header(first)
	if err != nil {
		return nil, err
	}
	lines := io.Reader(rest)
	if h.data {
		lines = io.MultiReader(strings.NewReader(first), rest)
	}
	c := csv.NewReader(lines)
	c.ReuseRecord = true
	c.Comma, c.FieldsPerRecord = h.delimiter, h.width
	read := c.Read
	if h.width == 1 { // Here an empty line is an empty cell, which package csv takes for none.
		read = singleCells(lines)
	}
	return func() ([]float64, error) {
		cells, err := read()
		if err != nil {
			return nil, err
		}
		x := make([]float64, len(h.at))
		for k, i := range h.at {
			if x[k] = math.NaN(); i >= 0 {
				if x[k], err = cell(h.point(cells[i])); err != nil {
					return nil, fmt.Errorf("column %q: %w", r.names[k], err)
				}
			}
		}
		return x, nil
	}, nil
}

// header is what the first line of a CSV file says.
type header struct {
	delimiter rune
	width     int   // cells of a row
	at        []int // column of each wanted name, -1 if there is none
	data      bool  // the line is a row already
}

// header finds the wanted names in a first line: by the delimiter that finds most of them, and as calibrate would name
// the columns.
func (r *rowReader) header(line string) (header, error) {
	var best header
	most, broken := 0, error(nil)
	for _, d := range ",;\t|" {
		c := csv.NewReader(strings.NewReader(line))
		c.Comma = d
		cells, err := c.Read()
		if err != nil {
			broken = err
			continue
		}
		data := true
		for i, s := range cells {
			cells[i] = strings.TrimSpace(s)
			_, err := cell(header{delimiter: d}.point(s))
			data = data && err == nil
		}
		if data {
			clear(cells)
		}
		h, found := header{delimiter: d, width: len(cells), data: data}, 0
		columns := replay.ChannelNames(cells)
		for _, n := range r.names {
			i := slices.Index(columns, n)
			if h.at = append(h.at, i); i >= 0 {
				found++
			}
		}
		if found > most {
			best, most = h, found
		}
	}
	switch {
	case most > 0:
		return best, nil
	case broken != nil:
		return best, fmt.Errorf("%s: a first row of names is wanted: %w", r.path, noEOF(broken))
	}
	return best, fmt.Errorf("%s: none of its columns is called %s: give a first row of names", r.path, someOf(r.names))
}

// point returns a cell with a decimal point for a decimal comma, which there may be where cells are not separated by
// commas.
func (h header) point(s string) string {
	if h.delimiter != ',' && strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
		return strings.Replace(s, ",", ".", 1)
	}
	return s
}

// singleCells reads lines of one cell each.
func singleCells(in io.Reader) func() ([]string, error) {
	lines := bufio.NewScanner(in)
	return func() ([]string, error) {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		return []string{strings.Trim(lines.Text(), " \t\r\"")}, nil
	}
}

// someOf shows at most a few names.
func someOf(names []string) string {
	if len(names) > 4 {
		return fmt.Sprintf("%s, … (%d in all)", strings.Join(names[:4], ", "), len(names))
	}
	return strings.Join(names, ", ")
}

// cell is a number, or NaN for what stands for a missing one.
func cell(s string) (float64, error) {
	s = strings.TrimSpace(s)
	switch strings.ToLower(s) {
	case "", "nan", "null", "na":
		return math.NaN(), nil
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%.40q is no number: leave the cell empty if it is missing", s)
	}
	return x, nil
}

// jsonRows reads objects; a name with dots is a path if no field has it as a whole.
func (r *rowReader) jsonRows(in io.Reader) func() ([]float64, error) {
	d := json.NewDecoder(bufio.NewReader(in))
	return func() ([]float64, error) {
		var o map[string]any
		if err := d.Decode(&o); err != nil {
			return nil, err
		}
		x, found := make([]float64, len(r.names)), false
		for k, n := range r.names {
			v, ok := field(o, n)
			found = found || ok
			switch v := v.(type) {
			case float64:
				x[k] = v
			case nil:
				x[k] = math.NaN()
			default:
				return nil, fmt.Errorf("field %q is no number: leave it out or give null if it is missing", n)
			}
		}
		if !found {
			return nil, fmt.Errorf("the object has none of the fields %s", someOf(r.names))
		}
		return x, nil
	}
}

func field(o map[string]any, name string) (any, bool) {
	if v, ok := o[name]; ok {
		return v, true
	}
	head, rest, dotted := strings.Cut(name, ".")
	inner, ok := o[head].(map[string]any)
	if !dotted || !ok {
		return nil, false
	}
	return field(inner, rest)
}

// each calls use for every row.
func (r *rowReader) each(e *env, use func(x []float64) error) (err error) {
	defer func() { err = errors.Join(err, r.close()) }()
	for {
		x, err := r.next()
		if err == io.EOF {
			return nil
		}
		r.row++
		if err == nil {
			err = use(x)
		}
		if err != nil {
			return fmt.Errorf("%s: row %d: %w", r.path, r.row, err)
		}
		if err := e.ctx.Err(); err != nil {
			return err
		}
	}
}

func noEOF(err error) error {
	if err == io.EOF {
		return errors.New("the file is empty")
	}
	return err
}
