package decode

import (
	"fmt"
	"slices"
	"strconv"

	"phasor/stream"
)

// csvDecoder reads one row a record. Spaces around cells are dropped, quotes
// are doubled within quotes, and one line end may follow the row.
type csvDecoder struct {
	sink
	policy
	d, maxBytes int
	delimiter   byte
	columns     []target
	width       int // cells of a row; 0: at least len(columns)
	null        []string
	scratch     []byte
}

// columnOf returns the position of a column, or an error.
func (c Config) columnOf(path string) (int, error) {
	if len(c.CSV.Header) > 0 {
		if k := slices.Index(c.CSV.Header, path); k >= 0 {
			return k, nil
		}
		return 0, fmt.Errorf("no column %q in the header: it has %q", path, c.CSV.Header)
	}
	if k := elementIndex(path); k >= 0 {
		return k, nil
	}
	return 0, fmt.Errorf("column %q is no number from 0: without csv.header columns are named by position; list the header to name them", path)
}

// positional says that the columns are the channels in order.
func (c Config) positional() bool {
	if len(c.CSV.Header) > 0 || c.Time.Field != "" || len(c.Where) > 0 || c.Window.field() {
		return false
	}
	for _, ch := range c.Channels {
		if ch.Path != "" {
			return false
		}
	}
	return true
}

func (c Config) validateCSV() error {
	d, p := c.CSV.Delimiter, c.CSV.Decimal
	if len(d) != 1 || d[0] >= 0x7f || d[0] < 0x20 && d[0] != '\t' || d[0] == '"' || d[0] >= '0' && d[0] <= '9' || d[0] == '-' || d[0] == '+' {
		return fmt.Errorf("decode: csv.delimiter is %q: use one character such as \",\", \";\", \"|\" or a tab", d)
	}
	if p != "." && p != "," {
		return fmt.Errorf("decode: csv.decimal is %q: use \".\" or \",\"", p)
	}
	if p == d {
		return fmt.Errorf("decode: csv.decimal and csv.delimiter are both %q: rows cannot be split; set csv.delimiter to the character between the cells", d)
	}
	for k, name := range c.CSV.Header {
		if j := slices.Index(c.CSV.Header, name); j < k && name != "" {
			return fmt.Errorf("decode: csv.header names %q twice, as columns %d and %d: rename one", name, j, k)
		}
	}
	if c.positional() {
		return nil
	}
	for k, ch := range c.Channels {
		if len(c.CSV.Header) == 0 && ch.Path == "" {
			return fmt.Errorf("decode: channel %q has no path and csv.header is not set: list the header, or give every channel the number of its column", ch.Name)
		}
		if _, err := c.columnOf(c.path(k)); err != nil {
			return fmt.Errorf("decode: channel %q: %w", ch.Name, err)
		}
	}
	if c.Time.Field != "" {
		if _, err := c.columnOf(c.Time.Field); err != nil {
			return fmt.Errorf("decode: time field: %w", err)
		}
	}
	if c.Window.field() {
		if _, err := c.columnOf(c.Window.Key); err != nil {
			return fmt.Errorf("decode: window.key: %w", err)
		}
	}
	for _, key := range c.whereKeys() {
		if _, err := c.columnOf(key); err != nil {
			return fmt.Errorf("decode: where: %w", err)
		}
	}
	return nil
}

func newCSV(c Config) (Decoder, error) {
	d := len(c.Channels)
	v := &csvDecoder{
		sink: newSink(c, d), policy: newPolicy(d, c.Missing == "last"), d: d, maxBytes: c.MaxBytes,
		delimiter: c.CSV.Delimiter[0], width: len(c.CSV.Header), null: slices.Clone(c.CSV.Nulls),
	}
	v.decimal = c.CSV.Decimal[0]
	at := func(path string) *target {
		k, err := c.columnOf(path)
		if err != nil {
			panic(err) // Config.Validate has resolved it.
		}
		for len(v.columns) <= k {
			v.columns = append(v.columns, target{})
		}
		return &v.columns[k]
	}
	positional := c.positional()
	if positional {
		v.width = d
		c.CSV.Header = nil
	}
	for k := range c.Channels {
		path := c.path(k)
		if positional {
			path = strconv.Itoa(k)
		}
		t := at(path)
		t.channels = append(t.channels, int32(k))
	}
	if c.Time.Field != "" {
		v.timeField(at(c.Time.Field))
	}
	if c.Window.field() {
		t := at(c.Window.Key)
		t.wishes = append(t.wishes, wish{keepKey, 1})
	}
	for w, key := range c.whereKeys() {
		t := at(key)
		t.where = append(t.where, uint8(w))
	}
	for k := range v.columns {
		v.columns[k].settle()
	}
	return v, nil
}

func (v *csvDecoder) Decode(x []float64, rec *stream.Record) Result {
	if why := envelope(rec, v.maxBytes); why != Accepted {
		return reject(why)
	}
	b := rec.Value
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	v.begin(x[:v.d])
	clear(v.status)
	regular, cells, ok := v.row(b)
	if !ok {
		return reject(Decode)
	}
	if v.width > 0 && cells != v.width || cells < len(v.columns) {
		return reject(Dimension)
	}
	return v.conclude(&v.policy, v.x, rec, regular, Accepted)
}

// row reads the cells of b. It returns false for quotes in the wrong place and
// for more than one line.
func (v *csvDecoder) row(b []byte) (regular bool, cells int, ok bool) {
	regular = true
	i := 0
	for {
		i = v.blank(b, i)
		if cells < len(v.columns) {
			if t := &v.columns[cells]; t.only >= 0 {
				f, next := plainNumber(b, i, v.decimal)
				if next >= 0 && f-f == 0 {
					next = v.blank(b, next)
					if next == len(b) || b[next] == v.delimiter {
						v.x[t.only] = f
						v.status[t.only] = present
						cells++
						if next == len(b) {
							return regular, cells, true
						}
						i = next + 1
						continue
					}
				}
				regular = false
			} else if len(t.channels) > 0 {
				regular = false
			}
		}
		cell, next, ok := v.cell(b, i)
		if !ok {
			return false, 0, false
		}
		if cells < len(v.columns) {
			v.take(&v.columns[cells], cell)
		}
		cells++
		if next == len(b) {
			return regular, cells, true
		}
		i = next + 1
	}
}

// blank skips spaces, and tabs unless they delimit.
func (v *csvDecoder) blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') && b[i] != v.delimiter {
		i++
	}
	return i
}

// cell returns the text of the cell that begins at b[i], and the index of the
// delimiter or end behind it.
func (v *csvDecoder) cell(b []byte, i int) (text []byte, next int, ok bool) {
	if i < len(b) && b[i] == '"' {
		return v.quotedCell(b, i+1)
	}
	start, end := i, i
	for ; i < len(b) && b[i] != v.delimiter; i++ {
		switch b[i] {
		case '"', '\n', '\r', 0:
			return nil, 0, false
		case ' ', '\t':
		default:
			end = i + 1
		}
	}
	return b[start:end], i, true
}

func (v *csvDecoder) quotedCell(b []byte, i int) (text []byte, next int, ok bool) {
	start := i
	doubled := false
	for i < len(b) {
		if b[i] != '"' {
			i++
			continue
		}
		if i+1 < len(b) && b[i+1] == '"' {
			doubled = true
			i += 2
			continue
		}
		text = b[start:i]
		i = v.blank(b, i+1)
		if i < len(b) && b[i] != v.delimiter {
			return nil, 0, false
		}
		if doubled {
			v.scratch = v.scratch[:0]
			for j := 0; j < len(text); j++ {
				v.scratch = append(v.scratch, text[j])
				if text[j] == '"' {
					j++
				}
			}
			text = v.scratch
		}
		return text, i, true
	}
	return nil, 0, false
}

// take gives a cell to its purposes. Quotes carry no type: "1.5" is a number.
func (v *csvDecoder) take(t *target, cell []byte) {
	null := v.isNull(cell)
	if null {
		v.sink.null(t)
	} else {
		if len(t.channels) > 0 {
			f, ok := parseCell(cell, v.decimal)
			if !ok && v.booleans {
				if equalFold(cell, "true") {
					f, ok = 1, true
				} else if equalFold(cell, "false") {
					f, ok = 0, true
				}
			}
			how := wrong
			if ok {
				how = present
			}
			v.set(t, f, how)
		}
		if t.time {
			if v.unit.textual() {
				v.timestamp(v.unit.text(cell))
			} else {
				v.timestamp(v.unit.number(cell))
			}
		}
	}
	v.compare(t, cell)
	if null {
		v.unkeep(t)
	}
}

func (v *csvDecoder) isNull(cell []byte) bool {
	if len(cell) == 0 {
		return true
	}
	for _, n := range v.null {
		if string(cell) == n {
			return true
		}
	}
	return false
}

func (v *csvDecoder) State() []byte { return v.appendState(nil, 'c', v.d) }

func (v *csvDecoder) Restore(state []byte) error {
	return v.restoreWhole(state, 'c', v.d)
}
