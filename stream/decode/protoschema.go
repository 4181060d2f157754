package decode

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// The files that addKnown knows.
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// protoSource is what a Protobuf section names, read.
type protoSource struct {
	message protoreflect.MessageDescriptor
	sum     string // of what decides how values are read
}

// InlineDescriptors reports whether Protobuf.Descriptors is the text of descriptors
// and not a file's name.
func InlineDescriptors(s string) bool { return strings.ContainsAny(s, "{\n") }

// InlineSchema reports whether Avro.Schema is the text of a schema and not a file's
// name.
func InlineSchema(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") || strings.HasPrefix(s, `"`)
}

// load reads the descriptors.
func (c Protobuf) load() (*protoSource, error) {
	b, from := []byte(c.Descriptors), "the text"
	if !InlineDescriptors(c.Descriptors) {
		var err error
		if b, err = readBounded(c.Descriptors); err != nil {
			return nil, fmt.Errorf("decode: protobuf.descriptors: %w", err)
		}
		from = c.Descriptors
	}
	set, ok := descriptorsIn(b)
	if !ok {
		return nil, fmt.Errorf("decode: protobuf.descriptors: %s is no set of file descriptors: write it with protoc --include_imports --descriptor_set_out", from)
	}
	addKnown(set)
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, fmt.Errorf("decode: protobuf.descriptors: %s: %w: write it with protoc --include_imports --descriptor_set_out", from, err)
	}
	d, err := files.FindDescriptorByName(protoreflect.FullName(c.Message))
	md, isMessage := d.(protoreflect.MessageDescriptor)
	if err != nil || !isMessage {
		return nil, fmt.Errorf("decode: protobuf.message: %s has no message %q: it has %s", from, c.Message, messagesOf(files))
	}
	sum := sha256.Sum256([]byte(describe(md)))
	return &protoSource{message: md, sum: hex.EncodeToString(sum[:])}, nil
}

// descriptorsIn reads a set of descriptors, as bytes, as text or as JSON.
func descriptorsIn(b []byte) (*descriptorpb.FileDescriptorSet, bool) {
	for _, unmarshal := range []func([]byte, proto.Message) error{
		proto.Unmarshal, prototext.UnmarshalOptions{DiscardUnknown: true}.Unmarshal, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal,
	} {
		var set descriptorpb.FileDescriptorSet
		if err := unmarshal(b, &set); err == nil && len(set.File) > 0 {
			return &set, true
		}
	}
	return nil, false
}

// addKnown adds Google's own files that the others import and that are not there.
func addKnown(set *descriptorpb.FileDescriptorSet) {
	have := map[string]bool{}
	for _, f := range set.File {
		have[f.GetName()] = true
	}
	for i := 0; i < len(set.File); i++ {
		for _, name := range set.File[i].Dependency {
			if have[name] || !strings.HasPrefix(name, "google/protobuf/") {
				continue
			}
			if f, err := protoregistry.GlobalFiles.FindFileByPath(name); err == nil {
				have[name] = true
				set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
			}
		}
	}
}

// messagesOf lists some messages of the files, but for Google's.
func messagesOf(files *protoregistry.Files) string {
	var names []string
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Messages().Len() {
			if n := string(f.Messages().Get(i).FullName()); !strings.HasPrefix(n, "google.protobuf.") {
				names = append(names, n)
			}
		}
		return true
	})
	slices.Sort(names)
	if len(names) > 20 {
		names = append(names[:20], "…")
	}
	return strings.Join(names, ", ")
}

// describe is a text of all that decides how values of a message are read.
func describe(md protoreflect.MessageDescriptor) string {
	var b strings.Builder
	seen := map[protoreflect.FullName]bool{md.FullName(): true}
	todo := []protoreflect.MessageDescriptor{md}
	for len(todo) > 0 {
		m := todo[0]
		todo = todo[1:]
		fmt.Fprintf(&b, "message %s\n", m.FullName())
		var lines []string
		for i := range m.Fields().Len() {
			fd := m.Fields().Get(i)
			line := fmt.Sprintf("%06d %s %q %s %s presence=%t utf8=%t", fd.Number(), fd.Name(), fd.JSONName(), fd.Kind(), fd.Cardinality(), fd.HasPresence(), enforcesUTF8(fd))
			if o := fd.ContainingOneof(); o != nil {
				line += " in " + string(o.Name())
			}
			if e := fd.Enum(); e != nil {
				for j := range e.Values().Len() {
					line += fmt.Sprintf(" %s=%d", e.Values().Get(j).Name(), e.Values().Get(j).Number())
				}
			}
			if inner := fd.Message(); inner != nil {
				line += " " + string(inner.FullName())
				if !seen[inner.FullName()] {
					seen[inner.FullName()] = true
					todo = append(todo, inner)
				}
			}
			lines = append(lines, line)
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return b.String()
}

func (c Config) validateProtobuf() error {
	p := c.Protobuf
	switch {
	case p.Descriptors == "" || p.Message == "":
		return fmt.Errorf("decode: format protobuf: give protobuf.descriptors, a file of protoc --include_imports --descriptor_set_out, and protobuf.message, the full name of the records' message")
	case p.Wire != "" && p.Wire != "plain" && p.Wire != "confluent":
		return fmt.Errorf("decode: protobuf.wire is %q: use plain, or confluent for records that begin with a schema's number", p.Wire)
	}
	if err := c.validatePaths(); err != nil {
		return err
	}
	source := p.loaded
	if source == nil {
		var err error
		if source, err = p.load(); err != nil {
			return err
		}
	}
	s := newTyped(c)
	compiler := newProtoCompiler(s)
	if _, err := compiler.message(source.message, 0); err != nil {
		return fmt.Errorf("decode: protobuf.message: %w", err)
	}
	return c.checkReached(s, compiler.reached, compiler.numeric, p.Message, func() []string { return protoLeaves(source.message, "", nil) })
}

// protoLeaves lists the scalars of a message that have one place in each record.
func protoLeaves(md protoreflect.MessageDescriptor, prefix string, around []protoreflect.FullName) (paths []string) {
	if slices.Contains(around, md.FullName()) || len(around) > maxProtoDepth {
		return nil
	}
	around = append(around, md.FullName())
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		path := prefix + string(fd.Name())
		switch {
		case fd.IsMap():
			paths = append(paths, path+".KEY")
		case fd.IsList():
			paths = append(paths, path+"[0]")
		case fd.Message() != nil && !wrappers[fd.Message().FullName()] && fd.Message().FullName() != "google.protobuf.Timestamp":
			paths = append(paths, protoLeaves(fd.Message(), path+".", around)...)
		default:
			paths = append(paths, path)
		}
	}
	return paths
}
