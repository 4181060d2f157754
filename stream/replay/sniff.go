package replay

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"phasor/stream/decode"
)

var timeNames = []string{"time", "timestamp", "datetime", "date", "ts", "t"}

// nulls are the words for a missing value that programs write, beside NaN, which
// is a number: of a column of numbers, one of them must not make a column of
// words, which is left out.
var nulls = []string{"NA", "N/A", "n/a", "null", "NULL", "None"}

// maxFound bounds the channels that are found without being named.
const maxFound = 1024

// sniffCSV completes opt from the rows ahead and drops the header from them.
func (t *Table) sniffCSV(opt Options) error {
	c := opt.Decode
	var rows [][]byte
	for _, row := range t.ahead {
		if row != nil {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 && len(c.CSV.Header) == 0 {
		return fmt.Errorf("replay: %s: no rows to find the columns from: name them as csv.header, or give a file with a header", t.lines.source)
	}
	switch {
	case c.CSV.Delimiter == "":
		c.CSV.Delimiter = sniffDelimiter(rows)
		t.blanks = c.CSV.Delimiter == ""
	case c.CSV.Delimiter == "blank":
		t.blanks = true
	}
	if t.blanks {
		c.CSV.Delimiter = "\t"
		for i, row := range rows {
			rows[i] = appendJoined(nil, row)
		}
	}
	if len(c.CSV.Delimiter) != 1 {
		return fmt.Errorf("replay: %s: delimiter %q: use one character, or blank for runs of blanks", t.lines.source, c.CSV.Delimiter)
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		cells[i] = splitCells(row, c.CSV.Delimiter[0])
	}
	if c.CSV.Decimal == "" {
		c.CSV.Decimal = sniffDecimal(cells, c.CSV.Delimiter)
	}
	t.dropHeader(&c, &cells, opt.Header)

	if len(c.CSV.Nulls) == 0 {
		c.CSV.Nulls = slices.Clone(nulls)
	}
	columns := make([]column, len(c.CSV.Header))
	for k, name := range c.CSV.Header {
		columns[k] = column{name: name, path: name}
		for _, row := range cells {
			if k < len(row) && row[k] != "" && !slices.Contains(c.CSV.Nulls, row[k]) {
				columns[k].add(row[k], c.CSV.Decimal)
			}
		}
	}
	t.config = c
	return t.choose(columns, opt)
}

// dropHeader sets the names of the columns.
func (t *Table) dropHeader(c *decode.Config, cells *[][]string, mode string) {
	rows := *cells
	has := mode == "yes"
	if (mode == "" || mode == "auto") && len(c.CSV.Header) == 0 {
		has = true
		for _, cell := range rows[0] {
			var k column
			k.add(cell, c.CSV.Decimal)
			has = has && (cell == "" || k.numbers == 0 && k.unit == "")
		}
	}
	if has && len(rows) > 0 {
		for i, row := range t.ahead {
			if row != nil {
				t.ahead, t.starts = slices.Delete(t.ahead, i, i+1), slices.Delete(t.starts, i, i+1)
				break
			}
		}
		if len(c.CSV.Header) == 0 {
			c.CSV.Header = rows[0]
		}
		*cells = rows[1:]
	}
	if len(c.CSV.Header) == 0 {
		for k := range rows[0] {
			c.CSV.Header = append(c.CSV.Header, fmt.Sprintf("column%d", k+1))
		}
	}
	c.CSV.Header = plainNames(c.CSV.Header)
}

// column is what the first rows hold in one field.
type column struct {
	name, path    string
	numbers, rest int
	unit          string // of the first cell as a time, "" if it is none
	mixed         bool
}

func (k *column) add(cell, decimal string) {
	first := k.numbers+k.rest == 0
	unit := sniffUnit(cell)
	if first {
		k.unit = unit
	} else if (unit == "") != (k.unit == "") {
		k.mixed = true
	}
	if decimal == "," {
		cell = strings.Replace(cell, ",", ".", 1)
	}
	if _, ok := decode.ParseNumber([]byte(cell)); ok {
		k.numbers++
	} else {
		k.rest++
	}
}

// sniffUnit tells the unit of a time: of numbers by their magnitude, which is
// unambiguous from 1973 to 5138.
func sniffUnit(cell string) string {
	for _, u := range []string{"rfc3339", "datetime"} {
		if _, ok := decode.ParseTime([]byte(cell), u); ok {
			return u
		}
	}
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case err != nil || !(v >= 1e8):
		return ""
	case v < 1e11:
		return "s"
	case v < 1e14:
		return "ms"
	case v < 1e17:
		return "us"
	case v < 1e19:
		return "ns"
	}
	return ""
}

// choose sets the time field and the channels that are not given.
func (t *Table) choose(columns []column, opt Options) error {
	c := &t.config
	if c.Time.Field == "" && !opt.NoTime {
		for _, want := range timeNames {
			for _, k := range columns {
				if strings.EqualFold(k.name, want) && k.unit != "" && !k.mixed && c.Time.Field == "" && !t.taken(k.path) {
					c.Time.Field = k.path
					if c.Time.Unit == "" {
						c.Time.Unit = k.unit
					}
				}
			}
		}
	}
	if c.Time.Field != "" && c.Time.Unit == "" {
		for _, k := range columns {
			if k.path == c.Time.Field {
				c.Time.Unit = k.unit
			}
		}
	}
	if len(c.Channels) > 0 {
		return nil
	}
	for _, k := range columns {
		if _, filter := c.Where[k.path]; !filter && k.numbers > 0 && k.rest == 0 && k.path != c.Time.Field {
			c.Channels = append(c.Channels, decode.Channel{Name: k.name, Path: k.path})
		}
	}
	if len(c.Channels) == 0 && len(t.ahead) > 0 && bytes.HasPrefix(bytes.TrimSpace(t.ahead[0]), []byte("{")) {
		return fmt.Errorf("replay: %s: these are no rows but, as it seems, lines of JSON: say so with --format json", t.lines.source)
	}
	if len(c.Channels) == 0 {
		return fmt.Errorf("replay: %s: none of the %d columns holds numbers only in the first rows: name the channels", t.lines.source, len(columns))
	}
	if len(c.Channels) > maxFound {
		return fmt.Errorf("replay: %s: %d columns hold numbers: name those that are channels", t.lines.source, len(c.Channels))
	}
	return nil
}

func (t *Table) taken(path string) bool {
	for _, ch := range t.config.Channels {
		if ch.Path == path || ch.Path == "" && ch.Name == path {
			return true
		}
	}
	return false
}

// sniffDelimiter prefers the character that gives the same number of cells in
// the most rows, if these are more than half; otherwise there is none, "".
func sniffDelimiter(rows [][]byte) string {
	best, score := "", 0
	for _, d := range []string{",", ";", "\t", "|"} {
		counts := map[int]int{}
		for _, row := range rows {
			counts[len(splitCells(row, d[0]))]++
		}
		for cells, n := range counts {
			// Decimal commas split alike too, so that more cells alone must not win.
			if cells > 1 && (n > score || n == score && best == "," && d != ",") {
				best, score = d, n
			}
		}
	}
	if 2*score <= len(rows) {
		return ""
	}
	return best
}

// sniffDecimal compares how many cells are numbers with a point and with a comma.
func sniffDecimal(cells [][]string, delimiter string) string {
	if delimiter == "," {
		return "."
	}
	points, commas := 0, 0
	for _, row := range cells {
		for _, cell := range row {
			if strings.Count(cell, ",") != 1 {
				if strings.Contains(cell, ".") {
					points++
				}
			} else if _, ok := decode.ParseNumber([]byte(strings.Replace(cell, ",", ".", 1))); ok {
				commas++
			}
		}
	}
	if commas > points {
		return ","
	}
	return "."
}

// splitCells splits a row without judging it.
func splitCells(row []byte, delimiter byte) []string {
	var cells []string
	var cell []byte
	quoted := false
	for i := 0; i < len(row); i++ {
		switch c := row[i]; {
		case c == '"' && quoted && i+1 < len(row) && row[i+1] == '"':
			cell = append(cell, '"')
			i++
		case c == '"':
			quoted = !quoted
		case c == delimiter && !quoted:
			cells = append(cells, strings.TrimSpace(string(cell)))
			cell = cell[:0]
		default:
			cell = append(cell, c)
		}
	}
	return append(cells, strings.TrimSpace(string(cell)))
}

// ChannelNames returns the names that columns or fields of the given names have
// as channels.
func ChannelNames(names []string) []string { return plainNames(names) }

// plainNames makes names that are UTF-8 without control characters, not empty
// and different.
func plainNames(in []string) []string {
	out := make([]string, len(in))
	seen := map[string]bool{}
	for k, name := range in {
		name = strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0x7f {
				return '_'
			}
			return r
		}, strings.ToValidUTF8(name, "\ufffd"))
		if name == "" {
			name = fmt.Sprintf("column%d", k+1)
		}
		base := name
		for n := 2; seen[name]; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		seen[name] = true
		out[k] = name
	}
	return out
}
