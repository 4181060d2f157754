package decode

import (
	"errors"
	"fmt"

	"github.com/hamba/avro/v2"
)

// avroKind is how a value is written.
type avroKind uint8

const (
	avroNull avroKind = iota
	avroBoolean
	avroInt
	avroLong
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroFixed
	avroEnum
	avroDecimal // bytes, or fixed with a size
	avroInstant // int or long
	avroArray
	avroMap
	avroUnion
	avroRecord
)

// avroType reads the values of one schema at one place of the tree of paths.
type avroType struct {
	kind    avroKind
	node    int32       // -1: the value is only checked
	empty   bool        // its values take no bytes
	size    int         // of fixed; 0 of decimals as bytes
	long    bool        // of instants
	per     int64       // of instants: so many are a millisecond
	each    int64       // of instants: one is so many milliseconds
	scale   int         // of decimals
	symbols [][]byte    // of enums
	rest    *avroType   // items and values that are not wanted
	kids    []*avroType // fields and branches; of arrays the items that are wanted, nil where none is
	keys    []string    // of maps: the keys that are wanted; kids are their values
}

// Bounds of schemas. Precision is that of the largest float64, and its scale
// that of the smallest.
const (
	maxAvroDepth  = 128
	maxAvroFields = 1 << 16
	maxAvroScale  = 1100
)

var errAvroEndless = errors.New("a record contains itself, so that no value of it exists")

// avroCompiler makes avroTypes. The tree of paths is that of s, and is only read.
type avroCompiler struct {
	s       *scanner
	skipped map[string]*avroType // named types that are not wanted
	inside  map[string]bool      // named types around the one that is compiled
	reached map[int32]bool       // nodes that have a place in the schema
	numeric map[int32]bool       // nodes that may be numbers
	fields  int
}

func newAvroCompiler(s *scanner) *avroCompiler {
	return &avroCompiler{s: s, skipped: map[string]*avroType{}, inside: map[string]bool{}, reached: map[int32]bool{}, numeric: map[int32]bool{}}
}

// compileAvro returns the reader of a schema's values.
func compileAvro(schema avro.Schema, s *scanner) (*avroType, error) {
	return newAvroCompiler(s).compile(schema, 0, 0)
}

func (c *avroCompiler) compile(schema avro.Schema, n int32, depth int) (*avroType, error) {
	if depth > maxAvroDepth {
		return nil, fmt.Errorf("types are nested deeper than %d", maxAvroDepth)
	}
	if c.fields++; c.fields > maxAvroFields {
		return nil, fmt.Errorf("the schema has more than %d fields", maxAvroFields)
	}
	if ref, ok := schema.(*avro.RefSchema); ok {
		schema = ref.Schema()
	}
	if !c.s.wanted(n) {
		n = -1
	}
	if n >= 0 {
		c.reached[n] = true
	}
	t := &avroType{node: n}
	name := ""
	if named, ok := schema.(avro.NamedSchema); ok {
		name = named.FullName()
		if n < 0 {
			if old, ok := c.skipped[name]; ok {
				if old.kind == avroRecord && c.inside[name] {
					return nil, errAvroEndless
				}
				return old, nil
			}
			c.skipped[name] = t
		}
	}
	switch schema := schema.(type) {
	case *avro.NullSchema:
		t.kind, t.empty = avroNull, true
	case *avro.PrimitiveSchema:
		return t, c.primitive(t, schema)
	case *avro.FixedSchema:
		t.kind, t.size = avroFixed, schema.Size()
		t.empty = t.size == 0
		return t, c.logical(t, schema.Logical())
	case *avro.EnumSchema:
		t.kind = avroEnum
		for _, s := range schema.Symbols() {
			t.symbols = append(t.symbols, []byte(s))
		}
	case *avro.RecordSchema:
		t.kind = avroRecord
		return t, c.record(t, schema, name, depth)
	case *avro.UnionSchema:
		t.kind = avroUnion
		return t, c.apart(func() error {
			for _, branch := range schema.Types() {
				kid, err := c.compile(branch, n, depth+1)
				if err != nil {
					return err
				}
				t.kids = append(t.kids, kid)
			}
			return nil
		})
	case *avro.ArraySchema:
		t.kind = avroArray
		return t, c.apart(func() error { return c.array(t, schema, depth) })
	case *avro.MapSchema:
		t.kind = avroMap
		return t, c.apart(func() error { return c.mapping(t, schema, depth) })
	default:
		return nil, fmt.Errorf("the type %s is not known", schema.Type())
	}
	return t, nil
}

// apart compiles what may be left out of a value: there a record may contain
// itself.
func (c *avroCompiler) apart(f func() error) error {
	inside := c.inside
	c.inside = map[string]bool{}
	defer func() { c.inside = inside }()
	return f()
}

func (c *avroCompiler) primitive(t *avroType, schema *avro.PrimitiveSchema) error {
	kinds := map[avro.Type]avroKind{avro.Boolean: avroBoolean, avro.Int: avroInt, avro.Long: avroLong, avro.Float: avroFloat,
		avro.Double: avroDouble, avro.Bytes: avroBytes, avro.String: avroString}
	kind, ok := kinds[schema.Type()]
	if !ok {
		return fmt.Errorf("the type %s is not known", schema.Type())
	}
	t.kind = kind
	if t.node >= 0 && (kind == avroInt || kind == avroLong || kind == avroFloat || kind == avroDouble ||
		kind == avroBoolean && c.s.booleans || kind == avroString && c.s.numericStrings) {
		c.numeric[t.node] = true
	}
	if logical, _ := schema.Prop("logicalType").(string); schema.Logical() == nil && kind == avroLong &&
		(logical == "timestamp-nanos" || logical == "local-timestamp-nanos") {
		t.kind, t.long, t.per, t.each = avroInstant, true, 1e6, 1
		return nil
	}
	return c.logical(t, schema.Logical())
}

func (c *avroCompiler) logical(t *avroType, logical avro.LogicalSchema) error {
	if logical == nil {
		return nil
	}
	integer := t.kind == avroInt || t.kind == avroLong
	switch logical.Type() {
	case avro.Decimal:
		d, ok := logical.(*avro.DecimalLogicalSchema)
		if !ok || t.kind != avroBytes && t.kind != avroFixed {
			return nil
		}
		if d.Scale() < 0 || d.Scale() > maxAvroScale {
			return fmt.Errorf("a decimal of scale %d: at most %d can be a number", d.Scale(), maxAvroScale)
		}
		t.kind, t.scale = avroDecimal, d.Scale()
		if t.node >= 0 {
			c.numeric[t.node] = true
		}
	case avro.Date:
		if integer {
			t.per, t.each = 1, 86400000
		}
	case avro.TimestampMillis, avro.LocalTimestampMillis:
		if integer {
			t.per, t.each = 1, 1
		}
	case avro.TimestampMicros, avro.LocalTimestampMicros:
		if integer {
			t.per, t.each = 1000, 1
		}
	}
	if t.per > 0 {
		t.long, t.kind = t.kind == avroLong, avroInstant
	}
	return nil
}

func (c *avroCompiler) record(t *avroType, schema *avro.RecordSchema, name string, depth int) error {
	if c.inside[name] {
		return errAvroEndless
	}
	c.inside[name] = true
	defer delete(c.inside, name)
	t.empty = true
	for _, f := range schema.Fields() {
		kid, err := c.compile(f.Type(), c.s.kid(t.node, f.Name()), depth+1)
		if err != nil {
			return err
		}
		t.empty = t.empty && kid.empty
		t.kids = append(t.kids, kid)
	}
	return nil
}

func (c *avroCompiler) array(t *avroType, schema *avro.ArraySchema, depth int) (err error) {
	if t.rest, err = c.compile(schema.Items(), -1, depth+1); err != nil || t.node < 0 {
		return err
	}
	for k, n := range c.s.nodes[t.node].elements {
		var kid *avroType
		if n >= 0 {
			if kid, err = c.compile(schema.Items(), n, depth+1); err != nil {
				return fmt.Errorf("element %d: %w", k, err)
			}
		}
		t.kids = append(t.kids, kid)
	}
	return nil
}

func (c *avroCompiler) mapping(t *avroType, schema *avro.MapSchema, depth int) (err error) {
	if t.rest, err = c.compile(schema.Values(), -1, depth+1); err != nil || t.node < 0 {
		return err
	}
	nd := &c.s.nodes[t.node]
	for i, name := range nd.names {
		kid, err := c.compile(schema.Values(), nd.kids[i], depth+1)
		if err != nil {
			return fmt.Errorf("key %q: %w", name, err)
		}
		t.keys, t.kids = append(t.keys, name), append(t.kids, kid)
	}
	return nil
}

// avroLeaf is a scalar of a schema, and the path on which it is found.
type avroLeaf struct {
	path         string
	number, time bool
}

// avroLeaves lists the scalars of a schema that have one place in each record: not
// those of arrays and maps.
func avroLeaves(schema avro.Schema, path string, around map[string]bool) []avroLeaf {
	if ref, ok := schema.(*avro.RefSchema); ok {
		schema = ref.Schema()
	}
	switch schema := schema.(type) {
	case *avro.RecordSchema:
		if around[schema.FullName()] || len(around) > maxAvroDepth {
			return nil
		}
		around[schema.FullName()] = true
		defer delete(around, schema.FullName())
		var leaves []avroLeaf
		for _, f := range schema.Fields() {
			inner := f.Name()
			if path != "" {
				inner = path + "." + inner
			}
			leaves = append(leaves, avroLeaves(f.Type(), inner, around)...)
		}
		return leaves
	case *avro.UnionSchema:
		var leaves []avroLeaf
		for _, branch := range schema.Types() {
			leaves = append(leaves, avroLeaves(branch, path, around)...)
		}
		return leaves
	case *avro.NullSchema, *avro.ArraySchema, *avro.MapSchema:
		return nil
	}
	if path == "" {
		path = "$"
	}
	leaf := avroLeaf{path: path}
	t, err := newAvroCompiler(&scanner{nodes: make([]node, 1)}).compile(schema, -1, 0)
	if err != nil {
		return nil
	}
	switch t.kind {
	case avroInt, avroLong, avroFloat, avroDouble, avroDecimal:
		leaf.number = true
	case avroInstant:
		leaf.time = true
	}
	return []avroLeaf{leaf}
}
