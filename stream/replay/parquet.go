package replay

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"phasor/stream/decode"
)

// parquetFile reads the rows of a Parquet file, of which it reads the columns that
// are asked for only. Each row becomes an Avro record of one field for each of the
// paths, so that types, nulls and times are those of the format avro.
type parquetFile struct {
	file    *parquet.File
	leaves  []*parquet.Column
	cursors []*parquetCursor // by leaf; nil where the leaf is not asked for
	picks   []parquetPick
	group   int
	left    int64 // rows in the group
	row     int64
	bytes   []byte
}

func newParquet(r io.ReaderAt, size int64) (f *parquetFile, err error) {
	defer caught(&err)
	file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(256<<10))
	if err != nil {
		return nil, fmt.Errorf("it is no Parquet file: %w", err)
	}
	f = &parquetFile{file: file}
	f.collect(file.Root())
	return f, nil
}

// caught makes an error of a panic: the library trusts files more than they deserve.
func caught(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("it is no Parquet file that can be read: %v", r)
	}
}

func (f *parquetFile) collect(c *parquet.Column) {
	if c.Leaf() {
		for len(f.leaves) <= c.Index() {
			f.leaves = append(f.leaves, nil)
		}
		f.leaves[c.Index()] = c
	}
	for _, kid := range c.Columns() {
		f.collect(kid)
	}
}

// fields implements typedFile: the leaves that are not within lists and maps.
func (f *parquetFile) fields() ([]decode.Field, error) {
	var fields []decode.Field
	for _, leaf := range f.leaves {
		if leaf == nil || leaf.MaxRepetitionLevel() > 0 {
			continue
		}
		schema, _ := parquetType(leaf)
		if schema == "" {
			continue
		}
		found, err := decode.AvroFields(schema)
		if err != nil || len(found) != 1 {
			return nil, fmt.Errorf("column %s: %w", strings.Join(leaf.Path(), "."), err)
		}
		var path []string
		for _, name := range leaf.Path() {
			path = append(path, EscapePath(name))
		}
		fields = append(fields, decode.Field{Path: strings.Join(path, "."), Number: found[0].Number, Time: found[0].Time})
	}
	return fields, nil
}

// rows implements typedFile.
func (f *parquetFile) rows(c decode.Config) (decode.Config, error) {
	if c.Array != "" {
		return c, fmt.Errorf("array %q in a Parquet file: name the elements as the channels' paths, as in values[0]", c.Array)
	}
	f.restart()
	f.picks = nil
	at := map[string]string{}
	pick := func(path string) (string, error) {
		if field, ok := at[path]; ok {
			return field, nil
		}
		p, err := f.find(path)
		if err != nil {
			return "", err
		}
		field := "f" + strconv.Itoa(len(f.picks))
		at[path] = field
		f.picks = append(f.picks, p)
		return field, nil
	}
	channels := make([]decode.Channel, len(c.Channels))
	for k, ch := range c.Channels {
		path := ch.Path
		if path == "" {
			path = ch.Name
		}
		field, err := pick(path)
		if err != nil {
			return c, fmt.Errorf("channel %q: %w", ch.Name, err)
		}
		channels[k] = decode.Channel{Name: ch.Name, Path: field, Transform: ch.Transform}
	}
	c.Channels = channels
	var err error
	if c.Time.Field != "" {
		if c.Time.Field, err = pick(c.Time.Field); err != nil {
			return c, fmt.Errorf("time field: %w", err)
		}
	}
	if key := c.Window.Key; c.Window.Lags > 0 && key != "" && key != "$key" {
		if c.Window.Key, err = pick(key); err != nil {
			return c, fmt.Errorf("window.key: %w", err)
		}
	}
	where := map[string]string{}
	for path, text := range c.Where {
		field, err := pick(path)
		if err != nil {
			return c, fmt.Errorf("where: %w", err)
		}
		where[field] = text
	}
	if c.Where = where; len(where) == 0 {
		c.Where = nil
	}
	var schema strings.Builder
	schema.WriteString(`{"type":"record","name":"row","fields":[`)
	for k, p := range f.picks {
		if k > 0 {
			schema.WriteByte(',')
		}
		fmt.Fprintf(&schema, `{"name":"f%d","type":["null",%s]}`, k, p.schema)
	}
	schema.WriteString("]}")
	c.Format, c.Avro = "avro", decode.Avro{Schema: schema.String()}
	f.cursors = make([]*parquetCursor, len(f.leaves))
	for _, p := range f.picks {
		f.cursors[p.index] = &parquetCursor{}
		for _, choice := range p.choices {
			if choice.keys >= 0 {
				f.cursors[choice.keys] = &parquetCursor{}
			}
		}
	}
	return c, nil
}

func (f *parquetFile) at() int64 { return f.row }

// first implements typedFile.
func (f *parquetFile) first() ([]byte, error) {
	defer f.restart()
	return f.next()
}

// restart begins with the first row again.
func (f *parquetFile) restart() {
	f.close() // Pages were only read.
	f.group, f.left, f.row = 0, 0, 0
}

func (f *parquetFile) close() error {
	var errs []error
	for _, c := range f.cursors {
		if c != nil {
			errs = append(errs, c.end())
		}
	}
	return errors.Join(errs...)
}

// next implements typedFile.
func (f *parquetFile) next() (row []byte, err error) {
	defer caught(&err)
	f.row++
	groups := f.file.RowGroups()
	for f.left == 0 {
		if f.group == len(groups) {
			return nil, io.EOF
		}
		g := groups[f.group]
		f.group++
		f.left = g.NumRows()
		chunks := g.ColumnChunks()
		for k, c := range f.cursors {
			if c != nil {
				c.begin(chunks[k])
			}
		}
	}
	f.left--
	for k, c := range f.cursors {
		if c != nil {
			if err := c.next(); err != nil {
				return nil, fmt.Errorf("column %s: %w", strings.Join(f.leaves[k].Path(), "."), err)
			}
		}
	}
	b := f.bytes[:0]
	for i := range f.picks {
		p := &f.picks[i]
		if v, ok := f.value(p); ok && !v.IsNull() {
			b = p.write(append(b, 2), v) // The second branch of the union.
		} else {
			b = append(b, 0)
		}
	}
	f.bytes = b
	return b, nil
}
