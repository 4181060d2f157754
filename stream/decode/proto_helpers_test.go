package decode

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// protoFile is a proto3 file that holds a message of simple fields, as in
// "optional double a = 1; repeated int32 b = 2;". Fields of the types Timestamp,
// DoubleValue and StringValue are Google's, those of M are its own inner message,
// E is an enum, and map<K,V> is a map.
func protoFile(name, fields string) *descriptorpb.FileDescriptorProto {
	f := &descriptorpb.FileDescriptorProto{
		Name: proto.String("test.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto"},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("E"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("IDLE"), Number: proto.Int32(0)}, {Name: proto.String("RUN"), Number: proto.Int32(5)}}}},
	}
	m := protoMessageOf(name, fields)
	f.MessageType = append(f.MessageType, m)
	return f
}

func protoMessageOf(name, fields string) *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: proto.String(name)}
	synthetic := []*descriptorpb.OneofDescriptorProto{}
	for _, text := range strings.Split(fields, ";") {
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		fd := &descriptorpb.FieldDescriptorProto{Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
		oneof := ""
		switch {
		case words[0] == "optional":
			fd.Proto3Optional = proto.Bool(true)
			words = words[1:]
		case words[0] == "repeated":
			fd.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			words = words[1:]
		case strings.HasPrefix(words[0], "oneof:"):
			oneof = words[0][6:]
			words = words[1:]
		}
		fd.Name = proto.String(words[1])
		var number int32
		if _, err := fmt.Sscan(words[3], &number); err != nil {
			panic(err)
		}
		fd.Number = proto.Int32(number)
		if len(words) > 4 && words[4] == "unpacked" {
			fd.Options = &descriptorpb.FieldOptions{Packed: proto.Bool(false)}
		}
		if inner, ok := strings.CutPrefix(words[0], "map<"); ok {
			key, value, _ := strings.Cut(strings.TrimSuffix(inner, ">"), ",")
			entry := protoMessageOf(strings.ToUpper(words[1][:1])+words[1][1:]+"Entry", fmt.Sprintf("%s key = 1; %s value = 2", key, value))
			entry.Options = &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}
			m.NestedType = append(m.NestedType, entry)
			fd.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			fd.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
			fd.TypeName = proto.String(".test." + name + "." + entry.GetName())
		} else {
			setProtoType(fd, words[0])
		}
		if oneof != "" {
			at := -1
			for i, o := range m.OneofDecl {
				if o.GetName() == oneof {
					at = i
				}
			}
			if at < 0 {
				at = len(m.OneofDecl)
				m.OneofDecl = append(m.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String(oneof)})
			}
			fd.OneofIndex = proto.Int32(int32(at))
		}
		m.Field = append(m.Field, fd)
	}
	for _, fd := range m.Field {
		if fd.GetProto3Optional() {
			fd.OneofIndex = proto.Int32(int32(len(m.OneofDecl) + len(synthetic)))
			synthetic = append(synthetic, &descriptorpb.OneofDescriptorProto{Name: proto.String("_" + fd.GetName())})
		}
	}
	m.OneofDecl = append(m.OneofDecl, synthetic...)
	return m
}

func setProtoType(fd *descriptorpb.FieldDescriptorProto, typ string) {
	switch typ {
	case "Timestamp", "DoubleValue", "StringValue":
		fd.Type, fd.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String(".google.protobuf."+typ)
	case "E":
		fd.Type, fd.TypeName = descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum(), proto.String(".test.E")
	default:
		if v, ok := descriptorpb.FieldDescriptorProto_Type_value["TYPE_"+strings.ToUpper(typ)]; ok {
			fd.Type = descriptorpb.FieldDescriptorProto_Type(v).Enum()
			return
		}
		fd.Type, fd.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String(".test."+typ)
	}
}

// protoSet is the file with what it imports.
func protoSet(f *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorSet {
	return &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto),
		protodesc.ToFileDescriptorProto(wrapperspb.File_google_protobuf_wrappers_proto), f}}
}

func messageIn(f *descriptorpb.FileDescriptorProto, name string) protoreflect.MessageDescriptor {
	files, err := protodesc.NewFiles(protoSet(f))
	if err != nil {
		panic(err)
	}
	d, err := files.FindDescriptorByName(protoreflect.FullName("test." + name))
	if err != nil {
		panic(err)
	}
	return d.(protoreflect.MessageDescriptor)
}

// protoOf is the section of a message that no file holds.
func protoOf(name, fields string) Protobuf {
	return protoSection(messageIn(protoFile(name, fields), name))
}

func protoSection(md protoreflect.MessageDescriptor) Protobuf {
	return Protobuf{Descriptors: "none", Message: string(md.FullName()), loaded: &protoSource{message: md, sum: describe(md)}}
}
