package decode

import (
	"encoding/binary"

	"phasor/stream"
)

// Protobuf names the message of the records.
type Protobuf struct {
	// Descriptors is a file that protoc --include_imports --descriptor_set_out or
	// buf build -o wrote, as bytes, text or JSON; or such a text itself.
	Descriptors string `yaml:"descriptors" json:"descriptors,omitempty"`
	// Message is the full name of the records' message, such as plant.v1.Reading.
	Message string `yaml:"message" json:"message,omitempty"`
	// Wire is "plain" (the default), or "confluent": a zero byte, the four bytes of
	// a schema's number and the message's place in that schema come first, and are
	// passed over.
	Wire string `yaml:"wire" json:"wire,omitempty"`

	loaded *protoSource `yaml:"-"`
}

// protoDecoder reads the wire format of one message.
type protoDecoder struct {
	protoReader
	policy
	maxBytes  int
	message   *protoMessage
	confluent bool
}

func newProtobuf(c Config) (Decoder, error) {
	d := len(c.Channels)
	p := &protoDecoder{policy: newPolicy(d, c.Missing == "last"), maxBytes: c.MaxBytes, confluent: c.Protobuf.Wire == "confluent"}
	p.scanner = newTyped(c)
	compiler := newProtoCompiler(p.scanner)
	m, err := compiler.message(c.Protobuf.loaded.message, 0)
	p.message, p.states = m, make([]protoState, len(p.nodes))
	return p, err
}

func (p *protoDecoder) Decode(x []float64, rec *stream.Record) Result {
	if r := envelope(rec, p.maxBytes); r != Accepted {
		return reject(r)
	}
	b := rec.Value
	if p.confluent {
		var ok bool
		if b, ok = behindHeader(b); !ok {
			return reject(Decode)
		}
	}
	p.start(x[:p.d])
	p.begun(p.message)
	if !p.read(b, p.message, maxProtoDepth) {
		return reject(Decode)
	}
	return p.conclude(&p.policy, p.x, rec, p.scanner.complete(), p.shape)
}

// behindHeader passes over a zero byte, a schema's number, and the indexes that
// lead to the message in it: their count and they themselves as zig-zag numbers,
// or one zero for the first message.
func behindHeader(b []byte) ([]byte, bool) {
	if _, ok := schemaNumber(b); !ok {
		return nil, false
	}
	b = b[5:]
	count, n := binary.Varint(b)
	if n <= 0 || count < 0 || count > maxProtoDepth {
		return nil, false
	}
	for b = b[n:]; count > 0; count-- {
		index, n := binary.Varint(b)
		if n <= 0 || index < 0 {
			return nil, false
		}
		b = b[n:]
	}
	return b, true
}

func (p *protoDecoder) State() []byte { return p.appendState(nil, 'p', p.d) }

func (p *protoDecoder) Restore(state []byte) error {
	return p.policy.restoreWhole(state, 'p', p.d)
}
