package decode

import (
	"context"
	"encoding/binary"

	"phasor/stream"
)

// Avro says where the schemas of Avro records are: in a file, for records that
// are nothing but a value, or in a registry, for records that begin with a zero
// byte and the four bytes of a schema's number, the highest first.
type Avro struct {
	// Schema is a file with the schema of all records, or the schema itself.
	Schema string `yaml:"schema" json:"schema,omitempty"`
	// Registry is the URL of a schema registry.
	Registry string `yaml:"registry" json:"registry,omitempty"`
	// User and the password, which PasswordFile or the environment variable
	// RegistryPasswordVariable hold, are shown to the registry.
	User         string `yaml:"user" json:"user,omitempty"`
	PasswordFile string `yaml:"password_file" json:"password_file,omitempty"`
	// CA is a PEM file of the authorities that are trusted, Cert and Key are those
	// that show the registry who this client is.
	CA   string `yaml:"ca" json:"ca,omitempty"`
	Cert string `yaml:"cert" json:"cert,omitempty"`
	Key  string `yaml:"key" json:"key,omitempty"`

	loaded *avroSource `yaml:"-"`
}

// avroDecoder reads Avro's binary encoding.
type avroDecoder struct {
	avroReader
	policy
	maxBytes int
	fixed    *avroType // of a file
	source   *registry // nil: there is fixed

	types map[uint32]*avroType // by number; nil: there is none
	last  uint32
	of    *avroType // of last
}

// maxAvroTypes bounds the schemas that a decoder keeps ready beyond those of the
// records that it is given.
const maxAvroTypes = 256

func newAvro(c Config) (Decoder, error) {
	d := len(c.Channels)
	a := &avroDecoder{policy: newPolicy(d, c.Missing == "last"), maxBytes: c.MaxBytes}
	a.scanner = newTyped(c)
	source := c.Avro.loaded
	if source.schema != nil {
		var err error
		a.fixed, err = compileAvro(source.schema, a.scanner)
		return a, err
	}
	a.source, a.types = source.registry, map[uint32]*avroType{}
	return a, nil
}

// newTyped returns the tree of what c asks for.
func newTyped(c Config) *scanner {
	s := newScanner(c, len(c.Channels))
	s.channels(c)
	s.typedFields(c)
	s.compile()
	return s
}

func (a *avroDecoder) Decode(x []float64, rec *stream.Record) Result {
	if r := envelope(rec, a.maxBytes); r != Accepted {
		return reject(r)
	}
	b, t := rec.Value, a.fixed
	if a.source != nil {
		number, ok := schemaNumber(b)
		if !ok {
			return reject(Decode)
		}
		if t = a.of; t == nil || number != a.last {
			if t = a.typeOf(number); t == nil {
				return reject(Decode)
			}
			a.last, a.of = number, t
		}
		b = b[5:]
	}
	a.start(x[:a.d])
	if a.value(b, 0, t, 0) != len(b) {
		return reject(Decode)
	}
	return a.conclude(&a.policy, a.x, rec, a.scanner.complete(), a.shape)
}

// schemaNumber is the number behind a zero byte.
func schemaNumber(b []byte) (uint32, bool) {
	if len(b) < 5 || b[0] != 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[1:]), true
}

// typeOf is the type of a number, nil if there is none. It waits for the registry
// if Prepare was not called for the record.
func (a *avroDecoder) typeOf(number uint32) *avroType {
	t, ok := a.types[number]
	if !ok {
		a.source.await(number)
		t = a.learn(context.Background(), number)
	}
	return t
}

// learn takes the type of a number that the registry has told.
func (a *avroDecoder) learn(ctx context.Context, number uint32) *avroType {
	var t *avroType
	if schema, err := a.source.schema(ctx, number); err == nil && schema != nil {
		if t, err = compileAvro(schema, a.scanner); err != nil {
			t = nil
		}
	}
	a.types[number] = t
	return t
}

// prepare implements preparer: afterwards no record of these needs the registry.
func (a *avroDecoder) prepare(ctx context.Context, records []stream.Record) error {
	if a.source == nil {
		return nil
	}
	last, known := uint32(0), false
	for i := range records {
		number, ok := schemaNumber(records[i].Value)
		if !ok || known && number == last || len(records[i].Value) > a.maxBytes {
			continue
		}
		last, known = number, true
		if _, ok := a.types[number]; ok {
			continue
		}
		if _, err := a.source.schema(ctx, number); err != nil {
			return err
		}
		if len(a.types) >= maxAvroTypes {
			a.shed(records)
		}
		a.learn(ctx, number)
	}
	return nil
}

// shed forgets the types that none of the records needs.
func (a *avroDecoder) shed(records []stream.Record) {
	needed := map[uint32]bool{}
	for i := range records {
		if number, ok := schemaNumber(records[i].Value); ok {
			needed[number] = true
		}
	}
	for number := range a.types {
		if !needed[number] {
			delete(a.types, number)
		}
	}
}

func (a *avroDecoder) State() []byte { return a.appendState(nil, 'a', a.d) }

func (a *avroDecoder) Restore(state []byte) error {
	return a.policy.restoreWhole(state, 'a', a.d)
}
