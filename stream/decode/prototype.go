package decode

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxProtoDepth bounds messages in messages, as the readers of C++ and Java do.
const maxProtoDepth = 100

// protoMessage reads one message type at one place of the tree of paths.
type protoMessage struct {
	node   int32 // -1: the message is only checked
	dense  []*protoField
	sparse map[protowire.Number]*protoField
	// defaults are the wanted fields that have a value where they are not written.
	defaults []*protoField
	// zeros are the channels of those of them that are nothing but a number.
	zeros []int32
	kind  protoKind
}

// protoKind is what a message stands for.
type protoKind uint8

const (
	protoPlain protoKind = iota
	protoTimestamp
)

// protoField reads one field.
type protoField struct {
	node     int32
	kind     protoreflect.Kind
	utf8     bool
	list     bool
	entry    *protoEntry   // of maps
	message  *protoMessage // of a message that is not repeated, or of elements that are not wanted
	elements []protoElement
	enum     map[int32][]byte // the names of its numbers
	oneof    []int32          // the nodes of the other fields of its oneof
	double   bool             // it is a double that is nothing but the channel only
	only     int32
}

// protoElement is one element of a list, or one value of a map.
type protoElement struct {
	node    int32 // -1: not wanted
	message *protoMessage
}

// protoEntry are the entries of a map: the key's and the value's fields, and the
// wanted keys as texts.
type protoEntry struct {
	key, value *protoField
	keys       []string
	elements   []protoElement
}

func (m *protoMessage) field(n protowire.Number) *protoField {
	if int64(n) < int64(len(m.dense)) {
		return m.dense[n]
	}
	return m.sparse[n]
}

// protoCompiler makes protoMessages. The tree of paths is that of s, and is only read.
type protoCompiler struct {
	s       *scanner
	skipped map[protoreflect.FullName]*protoMessage
	reached map[int32]bool
	numeric map[int32]bool
}

func newProtoCompiler(s *scanner) *protoCompiler {
	return &protoCompiler{s: s, skipped: map[protoreflect.FullName]*protoMessage{}, reached: map[int32]bool{}, numeric: map[int32]bool{}}
}

// wrappers are the messages that stand for their field value.
var wrappers = map[protoreflect.FullName]bool{
	"google.protobuf.DoubleValue": true, "google.protobuf.FloatValue": true, "google.protobuf.Int64Value": true, "google.protobuf.UInt64Value": true,
	"google.protobuf.Int32Value": true, "google.protobuf.UInt32Value": true, "google.protobuf.BoolValue": true, "google.protobuf.StringValue": true,
	"google.protobuf.BytesValue": true,
}

func (c *protoCompiler) message(md protoreflect.MessageDescriptor, n int32) (*protoMessage, error) {
	if md.IsPlaceholder() {
		return nil, fmt.Errorf("the message %s is not in the file: write it with protoc --include_imports", md.FullName())
	}
	if !c.s.wanted(n) {
		n = -1
	}
	if n < 0 {
		if m, ok := c.skipped[md.FullName()]; ok {
			return m, nil
		}
	}
	m := &protoMessage{node: n}
	if n < 0 {
		c.skipped[md.FullName()] = m
	} else {
		c.reached[n] = true
		if md.FullName() == "google.protobuf.Timestamp" {
			m.kind = protoTimestamp
		}
	}
	fields := md.Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		at := c.kid(n, fd)
		if at < 0 && n >= 0 && wrappers[md.FullName()] {
			at = n
		}
		f, err := c.field(fd, at)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", md.FullName(), fd.Name(), err)
		}
		if o := fd.ContainingOneof(); o != nil && n >= 0 {
			for j := range o.Fields().Len() {
				other := o.Fields().Get(j)
				if k := c.kid(n, other); other.Number() != fd.Number() && k >= 0 {
					f.oneof = append(f.oneof, k)
				}
			}
		}
		if number := fd.Number(); number < 64 {
			for int(number) >= len(m.dense) {
				m.dense = append(m.dense, nil)
			}
			m.dense[number] = f
		} else {
			if m.sparse == nil {
				m.sparse = map[protowire.Number]*protoField{}
			}
			m.sparse[number] = f
		}
		if f.node >= 0 && (fd.IsList() || !fd.HasPresence() && !fd.IsMap()) {
			if nd := &c.s.nodes[f.node]; nd.plain() && numericKind(f.kind) && !f.list && len(nd.kids) == 0 && !nd.array {
				m.zeros = append(m.zeros, nd.only)
			} else {
				m.defaults = append(m.defaults, f)
			}
		}
		f.double = f.kind == protoreflect.DoubleKind && !f.list && len(f.oneof) == 0 && f.node >= 0 && c.s.nodes[f.node].plain() && !c.s.nodes[f.node].array
		if f.double {
			f.only = c.s.nodes[f.node].only
		}
	}
	return m, nil
}

// kid is the node of a field below that of its message: by its name, or by the
// name that it has in JSON.
func (c *protoCompiler) kid(n int32, fd protoreflect.FieldDescriptor) int32 {
	if k := c.s.kid(n, string(fd.Name())); k >= 0 {
		return k
	}
	return c.s.kid(n, fd.JSONName())
}

func (c *protoCompiler) field(fd protoreflect.FieldDescriptor, n int32) (*protoField, error) {
	if !c.s.wanted(n) {
		n = -1
	}
	f := &protoField{node: n, kind: fd.Kind(), utf8: enforcesUTF8(fd), list: fd.IsList()}
	if n >= 0 {
		c.reached[n] = true
		if numericKind(fd.Kind()) || fd.Kind() == protoreflect.BoolKind && c.s.booleans || fd.Kind() == protoreflect.StringKind && c.s.numericStrings {
			c.numeric[n] = !fd.IsList()
		}
	}
	if fd.Kind() == protoreflect.EnumKind {
		f.enum = map[int32][]byte{}
		for i := range fd.Enum().Values().Len() {
			v := fd.Enum().Values().Get(i)
			if _, ok := f.enum[int32(v.Number())]; !ok {
				f.enum[int32(v.Number())] = []byte(v.Name())
			}
		}
	}
	if fd.IsMap() {
		return f, c.mapping(f, fd)
	}
	if fd.Message() != nil {
		at := n
		if f.list {
			at = -1
		}
		var err error
		if f.message, err = c.message(fd.Message(), at); err != nil {
			return nil, err
		}
	}
	if !f.list || n < 0 {
		return f, nil
	}
	for _, kid := range c.s.nodes[n].elements {
		e, err := c.element(fd, kid)
		if err != nil {
			return nil, err
		}
		f.elements = append(f.elements, e)
	}
	return f, nil
}

// element is a value of a field's type at node n.
func (c *protoCompiler) element(fd protoreflect.FieldDescriptor, n int32) (e protoElement, err error) {
	if !c.s.wanted(n) {
		n = -1
	}
	e.node = n
	if n >= 0 {
		c.reached[n] = true
		c.numeric[n] = c.numeric[n] || numericKind(fd.Kind()) || fd.Kind() == protoreflect.BoolKind && c.s.booleans || fd.Kind() == protoreflect.StringKind && c.s.numericStrings
	}
	if fd.Message() != nil {
		e.message, err = c.message(fd.Message(), n)
	}
	return e, err
}

func (c *protoCompiler) mapping(f *protoField, fd protoreflect.FieldDescriptor) (err error) {
	m := &protoEntry{}
	if m.key, err = c.field(fd.MapKey(), -1); err != nil {
		return err
	}
	if m.value, err = c.field(fd.MapValue(), -1); err != nil {
		return err
	}
	f.entry = m
	if f.node < 0 {
		return nil
	}
	nd := &c.s.nodes[f.node]
	for i, name := range nd.names {
		e, err := c.element(fd.MapValue(), nd.kids[i])
		if err != nil {
			return err
		}
		m.keys, m.elements = append(m.keys, name), append(m.elements, e)
	}
	return nil
}

// numericKind reports whether values of a kind are numbers.
func numericKind(k protoreflect.Kind) bool {
	switch k {
	case protoreflect.BoolKind, protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	}
	return true
}

// enforcesUTF8 reports whether a field's texts must be UTF-8.
func enforcesUTF8(fd protoreflect.FieldDescriptor) bool {
	if fd.Kind() != protoreflect.StringKind {
		return false
	}
	if f, ok := fd.(interface{ EnforceUTF8() bool }); ok {
		return f.EnforceUTF8()
	}
	return fd.ParentFile().Syntax() != protoreflect.Proto2
}
