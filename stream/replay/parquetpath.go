package replay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"phasor/stream/decode"
)

// parquetPick is one path: a leaf, and at each repeated level on the way to it which
// element is meant.
type parquetPick struct {
	leaf    *parquet.Column
	index   int // of leaf
	choices []parquetChoice
	write   func(b []byte, v parquet.Value) []byte
	schema  string
}

// parquetChoice is an element of a list, or the entry of a map whose key, of the leaf
// keys, is a text.
type parquetChoice struct {
	element int
	key     string
	keys    int // -1: none
}

// maxParquetLists bounds the lists in lists.
const maxParquetLists = 16

// find resolves a path.
func (f *parquetFile) find(path string) (p parquetPick, err error) {
	names, err := decode.SplitPath(path)
	if err != nil {
		return p, err
	}
	at := f.file.Root()
	absent := func() (parquetPick, error) {
		var have []string
		for _, kid := range at.Columns() {
			if have = append(have, kid.Name()); len(have) == 20 {
				have = append(have, "…")
				break
			}
		}
		where := "the file"
		if len(at.Path()) > 0 {
			where = strings.Join(at.Path(), ".")
		}
		return p, fmt.Errorf("the path %q is not in the file: %s has %s", path, where, strings.Join(have, ", "))
	}
	for len(names) > 0 || !at.Leaf() {
		list := parquetRepeated(at)
		switch {
		case list != nil && len(names) > 0 && !(names[0] == list.Name() && !parquetAnnotated(at)):
			if key, value := list.Column("key"), list.Column("value"); key != nil && value != nil && len(list.Columns()) == 2 && key.Leaf() {
				p.choices = append(p.choices, parquetChoice{key: names[0], keys: key.Index()})
				at = value
			} else {
				k, err := strconv.Atoi(names[0])
				if err != nil || k < 0 {
					return p, fmt.Errorf("the path %q: %s is a list: name an element, as in values[0]", path, strings.Join(at.Path(), "."))
				}
				p.choices = append(p.choices, parquetChoice{element: k, keys: -1})
				if at = list; at != f.file.Root() && !list.Leaf() && len(list.Columns()) == 1 && list.Name() != "array" && !strings.HasSuffix(list.Name(), "_tuple") {
					at = list.Columns()[0]
				}
			}
		case len(names) > 0 && at.Column(names[0]) != nil:
			at = at.Column(names[0])
			if at.Repeated() {
				if names = names[1:]; len(names) == 0 {
					return p, fmt.Errorf("the path %q: it is a list: name an element, as in values[0]", path)
				}
				k, err := strconv.Atoi(names[0])
				if err != nil || k < 0 {
					return p, fmt.Errorf("the path %q: %s is a list: name an element, as in values[0]", path, strings.Join(at.Path(), "."))
				}
				p.choices = append(p.choices, parquetChoice{element: k, keys: -1})
			}
		default:
			return absent()
		}
		names = names[1:]
	}
	p.leaf, p.index = at, at.Index()
	if p.schema, p.write = parquetType(at); p.schema == "" || len(p.choices) > maxParquetLists || len(p.choices) != at.MaxRepetitionLevel() {
		return p, fmt.Errorf("the path %q: %s has a type that cannot be read", path, at.String())
	}
	return p, nil
}

// parquetRepeated is the repeated column of a list or a map, nil if c is none.
func parquetRepeated(c *parquet.Column) *parquet.Column {
	if kids := c.Columns(); len(c.Path()) > 0 && len(kids) == 1 && kids[0].Repeated() {
		return kids[0]
	}
	return nil
}

// parquetAnnotated reports whether a group is declared to be a list or a map.
func parquetAnnotated(c *parquet.Column) bool {
	l := c.Type().LogicalType()
	if l == nil {
		return false
	}
	switch l.Value.(type) {
	case *format.ListType, *format.MapType:
		return true
	}
	return false
}

// value is what the row has on a path.
func (f *parquetFile) value(p *parquetPick) (parquet.Value, bool) {
	values := f.cursors[p.index].row
	if len(p.choices) == 0 {
		return values[0], true
	}
	var want [maxParquetLists]int
	for level, choice := range p.choices {
		if want[level] = choice.element; choice.keys < 0 {
			continue
		}
		k, ok := lastAt(f.cursors[choice.keys].row, want[:level], level+1, func(v parquet.Value) bool { return parquetKey(v) == choice.key })
		if !ok {
			return parquet.Value{}, false
		}
		want[level] = k
	}
	for at := (walk{}); at.next(values); {
		if at.is(want[:len(p.choices)]) {
			return values[at.k], true
		}
	}
	return parquet.Value{}, false
}

// parquetKey is the key of a map as paths write it.
func parquetKey(v parquet.Value) string {
	if k := v.Kind(); k == parquet.ByteArray || k == parquet.FixedLenByteArray {
		return string(v.ByteArray())
	}
	return v.String()
}

// walk goes over the values of a row, and counts the elements on each level.
type walk struct {
	k, begun int
	index    [maxParquetLists]int
}

func (w *walk) next(values []parquet.Value) bool {
	if w.begun == len(values) {
		return false
	}
	w.k = w.begun
	w.begun++
	if w.k > 0 {
		if r := values[w.k].RepetitionLevel(); r > 0 && r <= len(w.index) {
			w.index[r-1]++
			clear(w.index[r:])
		}
	}
	return true
}

func (w *walk) is(want []int) bool {
	for level, k := range want {
		if w.index[level] != k {
			return false
		}
	}
	return true
}

// lastAt returns the index, on a level, of the last value below a prefix of indexes
// for which is holds.
func lastAt(values []parquet.Value, prefix []int, level int, is func(parquet.Value) bool) (k int, ok bool) {
	for at := (walk{}); at.next(values); {
		if v := values[at.k]; at.is(prefix) && !v.IsNull() && is(v) {
			k, ok = at.index[level-1], true
		}
	}
	return k, ok
}
