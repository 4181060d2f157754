package replay

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// sniffJSON completes opt from the rows ahead: the fields of the first object
// that decodes are the columns.
func (t *Table) sniffJSON(opt Options) error {
	t.config = opt.Decode
	if opt.Decode.Format == "tags" || len(opt.Decode.Channels) > 0 && (opt.NoTime || opt.Decode.Time.Field != "" && opt.Decode.Time.Unit != "") {
		return nil
	}
	var columns []column
	for _, row := range t.ahead {
		if json.Valid(row) {
			found := jsonColumns(row)
			if len(columns) == 0 {
				columns = found
			}
			for i, k := range columns {
				for _, f := range found {
					if f.path == k.path && f.rest > 0 {
						columns[i].rest++
					}
				}
			}
		}
	}
	return t.choose(columns, opt)
}

// jsonColumns lists the scalar fields of a JSON value in their order.
func jsonColumns(row []byte) []column {
	dec := json.NewDecoder(bytes.NewReader(row))
	dec.UseNumber()
	var columns []column
	var walk func(name, path string) error
	walk = func(name, path string) error {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		k := column{name: name, path: path}
		switch v := token.(type) {
		case json.Delim:
			for n := 0; dec.More(); n++ {
				kid := strconv.Itoa(n)
				if v == '{' {
					key, err := dec.Token()
					if err != nil {
						return err
					}
					kid = key.(string)
				}
				inner, innerPath := kid, EscapePath(kid)
				if v == '[' {
					innerPath = "[" + kid + "]"
				}
				if path != "" {
					inner = name + "." + kid
					if v == '{' {
						innerPath = "." + innerPath
					}
					innerPath = path + innerPath
				}
				if err := walk(inner, innerPath); err != nil {
					return err
				}
			}
			_, err = dec.Token()
			return err
		case json.Number:
			k.numbers, k.unit = 1, sniffUnit(v.String())
		case string:
			k.rest = 1
			// A number in quotes is a time only where numeric strings are allowed.
			if u := sniffUnit(v); u == "rfc3339" || u == "datetime" {
				k.unit = u
			}
		case bool:
			k.rest = 1
		default: // null tells nothing
		}
		if path == "" {
			k.name, k.path = "value", "$"
		}
		columns = append(columns, k)
		return nil
	}
	if err := walk("", ""); err != nil && err != io.EOF {
		return nil
	}
	names := make([]string, len(columns))
	for i, k := range columns {
		names[i] = k.name
	}
	for i, name := range plainNames(names) {
		columns[i].name = name
	}
	return columns
}

// EscapePath returns the path of one name of a JSON object, whatever the name
// holds.
func EscapePath(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if c := name[i]; c == '.' || c == '[' || c == '\\' || i == 0 && c == '$' {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}
