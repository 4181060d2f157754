package decode

import (
	"fmt"

	"github.com/hamba/avro/v2"
)

// Field is a scalar of a schema that has one place in each record.
type Field struct {
	Path   string
	Number bool // It is a number by its type, and no time.
	Time   bool // Its type says that it is a time.
}

// AvroFields lists the scalars of a schema, in their order.
func AvroFields(schema string) ([]Field, error) {
	s, err := parseAvro(schema, &avro.SchemaCache{})
	if err != nil {
		return nil, fmt.Errorf("decode: the schema is no Avro schema: %w", err)
	}
	var fields []Field
	at := map[string]int{}
	for _, leaf := range avroLeaves(s, "", map[string]bool{}) {
		k, ok := at[leaf.path]
		if !ok {
			k = len(fields)
			at[leaf.path] = k
			fields = append(fields, Field{Path: leaf.path, Number: true, Time: true})
		}
		fields[k].Number = fields[k].Number && leaf.number
		fields[k].Time = fields[k].Time && leaf.time
	}
	return fields, nil
}

// AvroValues finds where values end that follow each other without a border.
type AvroValues struct {
	reader avroReader
	of     *avroType
}

// NewAvroValues returns the AvroValues of a schema.
func NewAvroValues(schema string) (*AvroValues, error) {
	s, err := parseAvro(schema, &avro.SchemaCache{})
	if err != nil {
		return nil, fmt.Errorf("decode: the schema is no Avro schema: %w", err)
	}
	v := &AvroValues{reader: avroReader{scanner: &scanner{nodes: make([]node, 1)}}}
	if v.of, err = compileAvro(s, v.reader.scanner); err != nil {
		return nil, fmt.Errorf("decode: the schema cannot be read: %w", err)
	}
	return v, nil
}

// Size returns the number of bytes of the value with which b begins, -1 if there is
// none.
func (v *AvroValues) Size(b []byte) int { return v.reader.skip(b, 0, v.of, 0) }

// AvroText returns what a value holds at a path as a text, as Where compares it.
func AvroText(schema, path string, value []byte) (string, bool) {
	s, err := parseAvro(schema, &avro.SchemaCache{})
	if err != nil {
		return "", false
	}
	c := Config{Window: Window{Lags: 2, Key: path}}
	if _, err := parsePath(path); err != nil {
		return "", false
	}
	a := avroReader{scanner: newTyped(c)}
	t, err := compileAvro(s, a.scanner)
	if err != nil {
		return "", false
	}
	a.start(nil)
	if a.value(value, 0, t, 0) < 0 {
		return "", false
	}
	text, ok := a.keyText()
	return string(text), ok
}
