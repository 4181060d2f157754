package decode

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoReader reads messages as they come over the wire: fields in any order, the
// last of equal ones counts, parts of a message are merged, lists go on, and what
// is not known is passed over.
type protoReader struct {
	*scanner
	states []protoState // by node
}

// protoState is what has been read of a node's value in this record.
type protoState struct {
	record  uint64
	count   int   // of a list's elements
	seconds int64 // of a timestamp
	nanos   int64
}

// state returns that of node n, new if the record has not met it.
func (p *protoReader) state(n int32) *protoState {
	s := &p.states[n]
	if s.record != p.record {
		*s = protoState{record: p.record}
	}
	return s
}

// begun sets what a message's fields are where they are not written, unless the
// record has met the message before.
func (p *protoReader) begun(m *protoMessage) {
	if m.node < 0 {
		return
	}
	nd := &p.nodes[m.node]
	if nd.seen == p.record {
		return
	}
	nd.seen = p.record
	p.container(&nd.target)
	p.misshapen(nd)
	if m.kind == protoTimestamp {
		*p.state(m.node) = protoState{record: p.record}
		if nd.time {
			p.timestamp(0, true)
			p.known = true
		}
	}
	for _, k := range m.zeros {
		p.x[k], p.status[k] = 0, present
	}
	for _, f := range m.defaults {
		p.nodes[f.node].seen = p.record
		if f.list {
			*p.state(f.node) = protoState{record: p.record}
			p.container(&p.nodes[f.node].target)
			p.shaped(&p.nodes[f.node], 0)
			continue
		}
		p.zero(f, f.node)
	}
}

// zero sets a scalar to the value that it has where it is not written.
func (p *protoReader) zero(f *protoField, n int32) {
	nd := &p.nodes[n]
	p.misshapen(nd)
	switch f.kind {
	case protoreflect.BoolKind:
		p.truth(&nd.target, false)
	case protoreflect.StringKind:
		p.text(&nd.target, nil)
	case protoreflect.BytesKind:
		p.opaque(&nd.target, nil)
	case protoreflect.EnumKind:
		p.enum(f, &nd.target, 0)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		p.float(&nd.target, 0, 64)
	default:
		p.integer(&nd.target, 0)
	}
}

// enum takes the number of an enum. Its text is its name, if it has one.
func (p *protoReader) enum(f *protoField, t *target, v int32) {
	if t.plain() {
		p.put(t, float64(v))
		return
	}
	name, ok := f.enum[v]
	if !ok {
		p.integer(t, int64(v))
		return
	}
	for _, k := range t.channels {
		p.x[k], p.status[k] = float64(v), present
	}
	if t.time {
		p.timeHow = wrong
	}
	p.compare(t, name)
}

// read reads the fields of a message, which may be a part of one. It returns false
// if the bytes are no message.
func (p *protoReader) read(b []byte, m *protoMessage, depth int) bool {
	_, ok := p.fields(b, m, 0, depth)
	return ok
}

// fields reads up to the end of b or, in a group, up to the tag that ends it.
func (p *protoReader) fields(b []byte, m *protoMessage, group protowire.Number, depth int) (rest []byte, ok bool) {
	if depth--; depth < 0 {
		return nil, false
	}
	for len(b) > 0 {
		number, wire, n := protowire.Number(b[0]>>3), protowire.Type(b[0]&7), 1
		if b[0] >= 0x80 || number == 0 {
			number, wire, n = protowire.ConsumeTag(b)
			if n < 0 || number > protowire.MaxValidNumber {
				return nil, false
			}
		} else if wire == protowire.Fixed64Type && len(b) >= 9 && int(number) < len(m.dense) {
			if f := m.dense[number]; f != nil && f.double {
				p.x[f.only], p.status[f.only] = math.Float64frombits(binary.LittleEndian.Uint64(b[1:])), present
				b = b[9:]
				continue
			}
		}
		if wire == protowire.EndGroupType {
			return b[n:], number == group
		}
		b = b[n:]
		if f := m.field(number); f != nil {
			if n = p.field(b, number, wire, m, f, depth); n >= 0 {
				b = b[n:]
				continue
			} else if n == wireBad {
				return nil, false
			}
		}
		if n = protowire.ConsumeFieldValue(number, wire, b); n < 0 {
			return nil, false
		}
		b = b[n:]
	}
	return nil, group == 0
}

// What field returns beside the bytes that it has read.
const (
	wireBad   = -1 // they are no such field
	wireOther = -2 // they are of another wire type than the field, and so unknown
)

func (p *protoReader) field(b []byte, number protowire.Number, wire protowire.Type, m *protoMessage, f *protoField, depth int) int {
	switch {
	case f.entry != nil:
		if wire != protowire.BytesType {
			return wireOther
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 || !p.mapEntry(v, f, depth) {
			return wireBad
		}
		return n
	case f.list:
		return p.list(b, number, wire, f, depth)
	case f.message != nil:
		if len(f.oneof) > 0 && wire == wireOf(f.kind) {
			p.supersede(f)
		}
		return p.submessage(b, number, wire, f, f.message, depth)
	}
	if len(f.oneof) > 0 && wire == wireOf(f.kind) {
		p.supersede(f)
	}
	return p.scalar(b, wire, f, f.node)
}

// supersede forgets the other fields of a oneof.
func (p *protoReader) supersede(f *protoField) {
	for _, n := range f.oneof {
		p.forgetBelow(n)
	}
}

// submessage reads a message that is the value of a field.
func (p *protoReader) submessage(b []byte, number protowire.Number, wire protowire.Type, f *protoField, m *protoMessage, depth int) int {
	if f.kind == protoreflect.GroupKind {
		if wire != protowire.StartGroupType {
			return wireOther
		}
		p.begun(m)
		rest, ok := p.fields(b, m, number, depth)
		if !ok {
			return wireBad
		}
		return len(b) - len(rest)
	}
	if wire != protowire.BytesType {
		return wireOther
	}
	v, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return wireBad
	}
	p.begun(m)
	if !p.read(v, m, depth) {
		return wireBad
	}
	if m.kind == protoTimestamp && m.node >= 0 {
		p.timestampOf(v, m)
	}
	return n
}

// timestampOf takes a google.protobuf.Timestamp, or a part of one, that was read.
func (p *protoReader) timestampOf(b []byte, m *protoMessage) {
	t := &p.nodes[m.node].target
	if !t.time {
		return
	}
	s := p.state(m.node)
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		b = b[n:]
		if wire == protowire.VarintType && number <= 2 {
			v, _ := binary.Uvarint(b)
			if number == 1 {
				s.seconds = int64(v)
			} else {
				s.nanos = int64(int32(v))
			}
		}
		b = b[protowire.ConsumeFieldValue(number, wire, b):]
	}
	ok := s.seconds >= 0 && s.seconds <= maxTime/1000 && s.nanos >= 0 && s.nanos < 1e9
	p.timestamp(s.seconds*1000+s.nanos/1e6, ok)
	p.known = true
}

// wireOf is the wire type of one value of a kind.
func wireOf(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

// scalar reads one value of a field for node n, -1 if it is only checked.
func (p *protoReader) scalar(b []byte, wire protowire.Type, f *protoField, n int32) int {
	if wire != wireOf(f.kind) {
		return wireOther
	}
	var t *target
	if n >= 0 {
		nd := &p.nodes[n]
		nd.seen = p.record
		p.misshapen(nd)
		t = &nd.target
	}
	switch wire {
	case protowire.Fixed64Type:
		if len(b) < 8 {
			return wireBad
		}
		if v := binary.LittleEndian.Uint64(b); t == nil {
		} else if f.kind == protoreflect.DoubleKind {
			p.float(t, math.Float64frombits(v), 64)
		} else if f.kind == protoreflect.Sfixed64Kind {
			p.integer(t, int64(v))
		} else {
			p.natural(t, v)
		}
		return 8
	case protowire.Fixed32Type:
		if len(b) < 4 {
			return wireBad
		}
		if v := binary.LittleEndian.Uint32(b); t == nil {
		} else if f.kind == protoreflect.FloatKind {
			p.float(t, float64(math.Float32frombits(v)), 32)
		} else if f.kind == protoreflect.Sfixed32Kind {
			p.integer(t, int64(int32(v)))
		} else {
			p.integer(t, int64(v))
		}
		return 4
	case protowire.BytesType:
		v, size := protowire.ConsumeBytes(b)
		if size < 0 || f.utf8 && !utf8.Valid(v) {
			return wireBad
		}
		if t != nil && f.kind == protoreflect.StringKind {
			p.text(t, v)
		} else if t != nil {
			p.opaque(t, v)
		}
		return size
	}
	v, size := protowire.ConsumeVarint(b)
	if size < 0 {
		return wireBad
	}
	if t != nil {
		p.varint(f, t, v)
	}
	return size
}

func (p *protoReader) varint(f *protoField, t *target, v uint64) {
	switch f.kind {
	case protoreflect.BoolKind:
		p.truth(t, v != 0)
	case protoreflect.EnumKind:
		p.enum(f, t, int32(v))
	case protoreflect.Int32Kind:
		p.integer(t, int64(int32(v)))
	case protoreflect.Sint32Kind:
		p.integer(t, int64(int32(protowire.DecodeZigZag(v&math.MaxUint32))))
	case protoreflect.Uint32Kind:
		p.integer(t, int64(uint32(v)))
	case protoreflect.Int64Kind:
		p.integer(t, int64(v))
	case protoreflect.Sint64Kind:
		p.integer(t, protowire.DecodeZigZag(v))
	default:
		p.natural(t, v)
	}
}

// list reads an element of a list, or a packed run of them.
func (p *protoReader) list(b []byte, number protowire.Number, wire protowire.Type, f *protoField, depth int) int {
	one := wireOf(f.kind)
	packed := wire == protowire.BytesType && one != protowire.BytesType && one != protowire.StartGroupType
	if wire != one && !packed {
		return wireOther
	}
	var s *protoState
	if f.node >= 0 {
		p.nodes[f.node].seen = p.record
		s = p.state(f.node)
	}
	if !packed {
		n := p.nextElement(b, number, wire, f, s, depth)
		if s != nil && n >= 0 {
			p.listed(f, s)
		}
		return n
	}
	run, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return wireBad
	}
	for len(run) > 0 {
		size := p.nextElement(run, number, one, f, s, depth)
		if size < 0 {
			return wireBad
		}
		run = run[size:]
	}
	if s != nil {
		p.listed(f, s)
	}
	return n
}

func (p *protoReader) listed(f *protoField, s *protoState) {
	nd := &p.nodes[f.node]
	if nd.array {
		p.shape = Accepted
	}
	p.shaped(nd, s.count)
}

// nextElement reads one element.
func (p *protoReader) nextElement(b []byte, number protowire.Number, wire protowire.Type, f *protoField, s *protoState, depth int) int {
	e := protoElement{node: -1, message: f.message}
	if s != nil {
		if s.count < len(f.elements) && f.elements[s.count].node >= 0 {
			e = f.elements[s.count]
		}
		s.count++
	}
	if e.message != nil {
		return p.submessage(b, number, wire, f, e.message, depth)
	}
	return p.scalar(b, wire, f, e.node)
}

// mapEntry reads a message of a key, 1, and a value, 2, in any order. Of equal keys
// the last entry counts.
func (p *protoReader) mapEntry(b []byte, f *protoField, depth int) bool {
	m := f.entry
	// The key decides what the value is for, and may come behind it.
	key := []byte(nil)
	switch m.key.kind {
	case protoreflect.StringKind:
	case protoreflect.BoolKind:
		key = textFalse
	default:
		p.digits = append(p.digits[:0], '0')
		key = p.digits
	}
	for rest := b; len(rest) > 0; {
		number, wire, n := protowire.ConsumeTag(rest)
		if n < 0 || number > protowire.MaxValidNumber {
			return false
		}
		rest = rest[n:]
		if number == 1 && wire == wireOf(m.key.kind) {
			if n = p.scalar(rest, wire, m.key, -1); n < 0 {
				return false
			}
			if f.node >= 0 {
				key = p.mapKey(m.key, rest[:n])
			}
		} else if n = protowire.ConsumeFieldValue(number, wire, rest); n < 0 {
			return false
		}
		rest = rest[n:]
	}
	e := protoElement{node: -1, message: m.value.message}
	for k, name := range m.keys {
		if string(key) == name {
			e = m.elements[k]
			break
		}
	}
	if f.node >= 0 {
		nd := &p.nodes[f.node]
		nd.seen = p.record
		p.container(&nd.target)
	}
	if e.node >= 0 {
		p.forgetBelow(e.node)
		if e.message != nil {
			p.begun(e.message)
		} else {
			p.nodes[e.node].seen = p.record
			p.zero(m.value, e.node)
		}
	}
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		b = b[n:]
		if n = wireOther; number == 2 {
			if e.message != nil {
				n = p.submessage(b, number, wire, m.value, e.message, depth)
			} else {
				n = p.scalar(b, wire, m.value, e.node)
			}
		}
		if n == wireOther {
			n = protowire.ConsumeFieldValue(number, wire, b)
		}
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// mapKey is the key of a map as paths write it.
func (p *protoReader) mapKey(f *protoField, b []byte) []byte {
	switch wireOf(f.kind) {
	case protowire.BytesType:
		v, _ := protowire.ConsumeBytes(b)
		return v
	case protowire.Fixed32Type:
		v := binary.LittleEndian.Uint32(b)
		if f.kind == protoreflect.Sfixed32Kind {
			p.digits = strconv.AppendInt(p.digits[:0], int64(int32(v)), 10)
		} else {
			p.digits = strconv.AppendUint(p.digits[:0], uint64(v), 10)
		}
		return p.digits
	case protowire.Fixed64Type:
		v := binary.LittleEndian.Uint64(b)
		if f.kind == protoreflect.Sfixed64Kind {
			p.digits = strconv.AppendInt(p.digits[:0], int64(v), 10)
		} else {
			p.digits = strconv.AppendUint(p.digits[:0], v, 10)
		}
		return p.digits
	}
	v, _ := protowire.ConsumeVarint(b)
	switch f.kind {
	case protoreflect.BoolKind:
		if v != 0 {
			return textTrue
		}
		return textFalse
	case protoreflect.Int32Kind:
		p.digits = strconv.AppendInt(p.digits[:0], int64(int32(v)), 10)
	case protoreflect.Sint32Kind:
		p.digits = strconv.AppendInt(p.digits[:0], int64(int32(protowire.DecodeZigZag(v&math.MaxUint32))), 10)
	case protoreflect.Uint32Kind:
		p.digits = strconv.AppendUint(p.digits[:0], uint64(uint32(v)), 10)
	case protoreflect.Int64Kind:
		p.digits = strconv.AppendInt(p.digits[:0], int64(v), 10)
	case protoreflect.Sint64Kind:
		p.digits = strconv.AppendInt(p.digits[:0], protowire.DecodeZigZag(v), 10)
	default:
		p.digits = strconv.AppendUint(p.digits[:0], v, 10)
	}
	return p.digits
}
