package replay

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"phasor/stream/decode"
)

// Kinds of files whose fields have types.
const (
	KindParquet = "parquet"
	KindAvro    = "avro" // an object container file
)

// typedFile is a file whose fields have types.
type typedFile interface {
	// fields are those that have one place in each row.
	fields() ([]decode.Field, error)
	// rows returns how the rows that next returns become the vectors of c, whose
	// paths are those of the file.
	rows(c decode.Config) (decode.Config, error)
	// first returns the first row without moving on.
	first() ([]byte, error)
	// next returns a row that stays valid until the next call.
	next() ([]byte, error)
	// at is the number of the row that next returned, from 1.
	at() int64
	close() error
}

// KindOf tells by its first bytes whether a file is of one of the kinds with types;
// "" is any other.
func KindOf(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("replay: %w", err)
	}
	if !st.Mode().IsRegular() { // A pipe can be opened and read once only.
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("replay: %w", err)
	}
	defer f.Close() // It was only read.
	var head [4]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return "", nil // It is too short.
	}
	switch string(head[:]) {
	case "PAR1":
		return KindParquet, nil
	case ocfMagic:
		return KindAvro, nil
	}
	return "", nil
}

// OpenTyped opens a file of one of the kinds with types; "-" is standard input, which
// holds Avro. Without Channels, all fields that hold one number are channels, and a
// field named as Options says that holds times is the time. Format is implied.
// Standard input is not read by seeking, and so holds no Parquet.
func OpenTyped(path, kind string, opt Options) (*Table, error) {
	if path == "-" {
		if kind != KindAvro {
			return nil, fmt.Errorf("replay: standard input: a Parquet file has its index at its end: save it to a file and name that")
		}
		return NewAvro(os.Stdin, "standard input", opt)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	name := filepath.Base(path)
	var t *Table
	if kind == KindAvro {
		t, err = NewAvro(f, name, opt)
	} else {
		var st os.FileInfo
		if st, err = f.Stat(); err == nil {
			t, err = NewParquet(f, st.Size(), name, opt)
		}
	}
	if err != nil {
		f.Close() // The error that matters is err: nothing was written.
		return nil, err
	}
	t.closer = f
	return t, nil
}

// NewAvro reads an Avro object container file from r. The name stands in errors.
func NewAvro(r io.Reader, name string, opt Options) (*Table, error) {
	f, err := newOCF(r)
	if err != nil {
		return nil, fmt.Errorf("replay: %s: %w", name, err)
	}
	return newTyped(f, name, opt)
}

// NewParquet reads a Parquet file. The name stands in errors.
func NewParquet(r io.ReaderAt, size int64, name string, opt Options) (*Table, error) {
	f, err := newParquet(r, size)
	if err != nil {
		return nil, fmt.Errorf("replay: %s: %w", name, err)
	}
	return newTyped(f, name, opt)
}

func newTyped(f typedFile, name string, opt Options) (*Table, error) {
	bad := func(format string, a ...any) (*Table, error) {
		return nil, fmt.Errorf("replay: %s: %w", name, fmt.Errorf(format, a...))
	}
	c := opt.Decode
	switch c.Format {
	case "tags", "log", "float32", "float64":
		return bad("format %s for a file of fields with types: describe them as json, avro or protobuf", c.Format)
	}
	c.CSV, c.Avro, c.Protobuf, c.Format = decode.CSV{}, decode.Avro{}, decode.Protobuf{}, ""
	fields, err := f.fields()
	if err != nil {
		return bad("%w", err)
	}
	names := make([]string, len(fields))
	for k, field := range fields {
		names[k] = unescapePath(field.Path)
	}
	names = plainNames(names)
	for i, ch := range c.Channels { // A channel that has the name of a field is that field.
		if k := slices.Index(names, ch.Name); ch.Path == "" && k >= 0 {
			c.Channels[i].Path = fields[k].Path
		}
	}
	t := &Table{lines: &lines{r: bufio.NewReader(strings.NewReader("")), source: name}, typed: f, config: c}
	t.chooseTime(fields, names, opt)
	if len(c.Channels) == 0 {
		for k, field := range fields {
			if _, filter := c.Where[field.Path]; !filter && field.Number && field.Path != t.config.Time.Field {
				t.config.Channels = append(t.config.Channels, decode.Channel{Name: names[k], Path: field.Path})
			}
		}
	}
	if n := len(t.config.Channels); n == 0 {
		return bad("none of its %d fields holds a number: name the channels", len(fields))
	} else if n > maxFound && len(c.Channels) == 0 {
		return bad("%d fields hold numbers: name those that are channels", n)
	}
	rows, err := f.rows(t.config)
	if err != nil {
		return bad("%w", err)
	}
	if t.decoder, err = decode.New(rows); err != nil {
		return bad("%w", err)
	}
	t.names = t.config.Names()
	t.x = make([]float64, len(t.names))
	return t, nil
}

// chooseTime sets the time field that is not given, and the unit that its type does
// not tell.
func (t *Table) chooseTime(fields []decode.Field, names []string, opt Options) {
	c := &t.config
	known := func(path string) bool {
		k := slices.IndexFunc(fields, func(f decode.Field) bool { return f.Path == path })
		return k >= 0 && fields[k].Time
	}
	if c.Time.Field == "" && !opt.NoTime {
		for _, want := range timeNames {
			for k, f := range fields {
				if c.Time.Field != "" || !strings.EqualFold(names[k], want) || t.taken(f.Path) {
					continue
				}
				if f.Time {
					c.Time.Field = f.Path
				} else if unit := t.guessUnit(f.Path); unit != "" {
					c.Time.Field = f.Path
					if c.Time.Unit == "" {
						c.Time.Unit = unit
					}
				}
			}
		}
	}
	if c.Time.Field != "" && c.Time.Unit == "" && !known(c.Time.Field) {
		c.Time.Unit = t.guessUnit(c.Time.Field)
	}
}

// guessUnit tells the unit of a field from the first row, "" if it is no time.
func (t *Table) guessUnit(path string) string {
	rows, err := t.typed.rows(decode.Config{Channels: []decode.Channel{{Name: "x", Path: path}}})
	if err != nil {
		return ""
	}
	row, err := t.typed.first()
	if err != nil {
		return ""
	}
	text, ok := decode.AvroText(rows.Avro.Schema, rows.Channels[0].Path, row)
	if !ok {
		return ""
	}
	return sniffUnit(text)
}

// unescapePath is the name that EscapePath was given, if it was one.
func unescapePath(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '\\' && i+1 < len(path) {
			i++
		}
		b.WriteByte(path[i])
	}
	return b.String()
}
