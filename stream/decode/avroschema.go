package decode

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hamba/avro/v2"
)

// maxSchemaFile bounds a file of a schema or of descriptors.
const maxSchemaFile = 16 << 20

// avroSource is what an Avro section names, read.
type avroSource struct {
	schema   avro.Schema // of a file
	sum      string      // of what decides how values are read
	registry *registry
}

// parseAvro parses a schema. Names that it does not define are those of the cache,
// to which it adds its own.
func parseAvro(text string, cache *avro.SchemaCache) (schema avro.Schema, err error) {
	defer func() { // The parser is not ours: a schema must not end the program.
		if r := recover(); r != nil {
			schema, err = nil, fmt.Errorf("%v", r)
		}
	}()
	return avro.ParseBytesWithCache([]byte(text), "", cache)
}

// schemaText is the text of the schema and where it came from.
func (c Avro) schemaText() (text, from string, err error) {
	if InlineSchema(c.Schema) {
		return c.Schema, "avro.schema", nil
	}
	b, err := readBounded(c.Schema)
	if err != nil {
		return "", "", fmt.Errorf("decode: avro.schema: %w", err)
	}
	return string(b), "avro.schema " + c.Schema, nil
}

func readBounded(path string) ([]byte, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, err
	} else if st.Size() > maxSchemaFile {
		return nil, fmt.Errorf("%s has %d bytes: at most %d are read", path, st.Size(), maxSchemaFile)
	}
	return os.ReadFile(path)
}

// load reads the schema's file, or prepares to ask the registry.
func (c Avro) load() (*avroSource, error) {
	if c.Schema == "" {
		r, err := newRegistry(c)
		return &avroSource{registry: r}, err
	}
	text, from, err := c.schemaText()
	if err != nil {
		return nil, err
	}
	schema, err := parseAvro(text, &avro.SchemaCache{})
	if err != nil {
		return nil, fmt.Errorf("decode: %s is no Avro schema: %w", from, err)
	}
	sum := sha256.Sum256([]byte(plainSchema(text)))
	return &avroSource{schema: schema, sum: hex.EncodeToString(sum[:])}, nil
}

// plainSchema is a schema without what is for people and for readers of other
// schemas only.
func plainSchema(text string) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return text
	}
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range []string{"doc", "default", "aliases", "order"} {
				delete(v, key)
			}
			for _, inner := range v {
				strip(inner)
			}
		case []any:
			for _, inner := range v {
				strip(inner)
			}
		}
	}
	strip(v)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil { // What was JSON can be written as JSON.
		return text
	}
	return b.String()
}

func (c Config) validateAvro() error {
	a := c.Avro
	if (a.Schema == "") == (a.Registry == "") {
		return fmt.Errorf("decode: format avro: give either avro.schema, a file with the schema of plain records, or avro.registry, the URL of the registry of records that begin with a schema's number")
	}
	if a.Registry == "" && a.User+a.PasswordFile+a.CA+a.Cert+a.Key != "" {
		return fmt.Errorf("decode: avro.schema with the keys of a registry: remove user, password_file, ca, cert and key, or give avro.registry")
	}
	if err := c.validatePaths(); err != nil {
		return err
	}
	if a.Registry != "" {
		return a.checkRegistry()
	}
	source := a.loaded
	if source == nil {
		var err error
		if source, err = a.load(); err != nil {
			return err
		}
	}
	s := newTyped(c)
	compiler := newAvroCompiler(s)
	if _, err := compiler.compile(source.schema, 0, 0); err != nil {
		return fmt.Errorf("decode: avro.schema: %w", err)
	}
	names := func() []string {
		var paths []string
		for _, leaf := range avroLeaves(source.schema, "", map[string]bool{}) {
			if !slices.Contains(paths, leaf.path) {
				paths = append(paths, leaf.path)
			}
		}
		return paths
	}
	return c.checkReached(s, compiler.reached, compiler.numeric, "avro.schema", names)
}

// checkReached says which path does not exist in a schema, or cannot be a number.
func (c Config) checkReached(s *scanner, reached, numeric map[int32]bool, schema string, names func() []string) error {
	absent := func(what, path string) error {
		have := names()
		if len(have) > 20 {
			have = append(have[:20], "…")
		}
		return fmt.Errorf("decode: %s: the path %q is not in %s, which has %s", what, path, schema, strings.Join(have, ", "))
	}
	if c.Array != "" {
		if n := s.at(c.Array); !reached[n] {
			return absent("array", c.Array)
		}
	} else {
		for k, ch := range c.Channels {
			n := s.at(c.path(k))
			if !reached[n] {
				return absent(fmt.Sprintf("channel %q", ch.Name), c.path(k))
			}
			if !numeric[n] {
				return fmt.Errorf("decode: channel %q: %q of %s is no number: name one, or set numeric_strings for texts and booleans for truth values", ch.Name, c.path(k), schema)
			}
		}
	}
	if f := c.Time.Field; f != "" && !reached[s.at(f)] {
		return absent("time field", f)
	}
	if c.Window.field() && !reached[s.at(c.Window.Key)] {
		return absent("window.key", c.Window.Key)
	}
	for _, k := range c.whereKeys() {
		if !reached[s.at(k)] {
			return absent("where", k)
		}
	}
	return nil
}
