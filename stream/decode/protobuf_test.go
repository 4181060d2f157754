package decode

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"phasor/stream"
)

// allProto has every kind of field.
const allProto = `double d = 1; float f = 2; int32 i32 = 3; int64 i64 = 4; uint32 u32 = 5; uint64 u64 = 6; sint32 s32 = 7; sint64 s64 = 8;
	fixed32 x32 = 9; fixed64 x64 = 10; sfixed32 y32 = 11; sfixed64 y64 = 12; bool b = 13; string s = 14; bytes by = 15; E e = 16;
	optional double od = 17; repeated double rd = 18; repeated sint32 ri = 19 unpacked; M m = 20; map<string,double> md = 21; map<int32,M> mm = 22;
	oneof:o double oa = 23; oneof:o M ob = 24; DoubleValue w = 25; Timestamp ts = 26; repeated M rm = 100; repeated string rs = 101; map<bool,int64> mb = 102;
	M self = 103; map<sint64,float> ms = 104; map<fixed32,uint64> mx = 105; repeated E re = 106; StringValue ws = 107`

const allProtoPaths = "d f i32 i64 u32 u64 s32 s64 x32 x64 y32 y64 b s e od rd[0] rd[2] ri[1] m.d m.m.d m.od md.a md.b mm.5.d mm.5.od mm.0.rd[0] oa ob.d ob.od w rm[1].d rm[0].md.a rs[0] mb.true mb.false self.i32 ms.-3 mx.7 re[1] ws m.rd[1]"

// recursive is a file whose message M has the fields, some of which are M.
func recursive(fields string) protoreflect.MessageDescriptor {
	return messageIn(protoFile("M", fields), "M")
}

func protoConfig(fields string, p ...string) Config {
	return Config{Format: "protobuf", Channels: paths(p...), Protobuf: protoSection(recursive(fields))}
}

// fill sets fields of a message at random, and of those in it.
func fill(rng *rand.Rand, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	scalar := func(fd protoreflect.FieldDescriptor) protoreflect.Value {
		n := int64(rng.IntN(9)) - 4
		if rng.IntN(4) == 0 {
			n = int64(rng.Uint64())
		}
		switch fd.Kind() {
		case protoreflect.BoolKind:
			return protoreflect.ValueOfBool(n&1 == 0)
		case protoreflect.EnumKind:
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n % 7))
		case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
			return protoreflect.ValueOfInt32(int32(n))
		case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
			return protoreflect.ValueOfUint32(uint32(n))
		case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
			return protoreflect.ValueOfInt64(n)
		case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
			return protoreflect.ValueOfUint64(uint64(n))
		case protoreflect.FloatKind:
			return protoreflect.ValueOfFloat32(float32(n) / 8)
		case protoreflect.DoubleKind:
			return protoreflect.ValueOfFloat64([]float64{float64(n) / 8, math.NaN(), math.Inf(1), 0}[max(0, rng.IntN(12)-8)])
		case protoreflect.StringKind:
			return protoreflect.ValueOfString([]string{"", "2.5", "a", "b", "NaN"}[rng.IntN(5)])
		default:
			return protoreflect.ValueOfBytes([]byte("x"))
		}
	}
	for i := range fields.Len() {
		fd := fields.Get(i)
		if rng.IntN(3) == 0 || fd.Message() != nil && !fd.IsMap() && depth > 1 {
			continue
		}
		switch {
		case fd.IsMap():
			for range rng.IntN(4) {
				v := m.Mutable(fd).Map().NewValue()
				if fd.MapValue().Message() != nil {
					if depth > 1 {
						continue
					}
					fill(rng, v.Message(), depth+1)
				} else {
					v = scalar(fd.MapValue())
				}
				key := scalar(fd.MapKey())
				if fd.MapKey().Kind() == protoreflect.Int32Kind && rng.IntN(2) == 0 {
					key = protoreflect.ValueOfInt32(5)
				}
				m.Mutable(fd).Map().Set(key.MapKey(), v)
			}
		case fd.IsList():
			for range rng.IntN(4) {
				if fd.Message() != nil {
					fill(rng, m.Mutable(fd).List().AppendMutable().Message(), depth+1)
				} else {
					m.Mutable(fd).List().Append(scalar(fd))
				}
			}
		case fd.Message() != nil:
			fill(rng, m.Mutable(fd).Message(), depth+1)
		default:
			m.Set(fd, scalar(fd))
		}
	}
}

// protoAt is what a path finds in a message, with numeric strings and booleans.
func protoAt(m protoreflect.Message, names []string) (v float64, how uint8) {
	fd := m.Descriptor().Fields().ByName(protoreflect.Name(names[0]))
	if fd == nil {
		return 0, absent
	}
	names = names[1:]
	value := m.Get(fd)
	switch {
	case fd.IsMap():
		found := protoreflect.Value{}
		value.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			if k.String() == names[0] {
				found = v
			}
			return true
		})
		if !found.IsValid() {
			return 0, absent
		}
		value, names, fd = found, names[1:], fd.MapValue()
	case fd.IsList():
		k := elementIndex(names[0])
		if k >= value.List().Len() {
			return 0, absent
		}
		value, names = value.List().Get(k), names[1:]
	case fd.HasPresence() && !m.Has(fd):
		return 0, absent
	}
	if fd.Message() != nil {
		if wrappers[fd.Message().FullName()] {
			names = []string{"value"}
		}
		return protoAt(value.Message(), names)
	}
	switch v := value.Interface().(type) {
	case bool:
		if v {
			return 1, present
		}
		return 0, present
	case protoreflect.EnumNumber:
		return float64(v), present
	case int32:
		return float64(v), present
	case uint32:
		return float64(v), present
	case int64:
		return float64(v), present
	case uint64:
		return float64(v), present
	case float32:
		return float64(v), present
	case float64:
		return v, present
	case string:
		if v == "" {
			return 0, null
		}
		f, ok := ParseNumber([]byte(v))
		if !ok {
			return 0, wrong
		}
		return f, present
	}
	return 0, wrong
}

// agrees compares what the decoder makes of bytes with what the library does.
func agrees(t *testing.T, c Config, p *protoDecoder, b []byte) {
	t.Helper()
	p.start(make([]float64, p.d))
	p.begun(p.message)
	ok := p.read(b, p.message, maxProtoDepth)
	m := dynamicpb.NewMessage(c.Protobuf.loaded.message)
	err, panicked := unmarshal(b, m)
	if panicked {
		return
	}
	if (err == nil) != ok {
		t.Fatalf("%x is accepted: %t, the library says %v", b, ok, err)
	}
	if !ok {
		return
	}
	for k, ch := range c.Channels {
		names, _ := parsePath(c.path(k))
		v, how := protoAt(m, names)
		if how != p.status[k] || how == present && !same(v, p.x[k]) && !(v != v && p.x[k] != p.x[k]) {
			t.Fatalf("%x: %s is %v (%d), the library reads %v (%d)", b, ch.Name, p.x[k], p.status[k], v, how)
		}
	}
}

// unmarshal is the library's. It panics on an entry of a map whose key comes twice,
// the second time with another wire type.
func unmarshal(b []byte, m proto.Message) (err error, panicked bool) {
	defer func() { panicked = recover() != nil }()
	return (proto.UnmarshalOptions{AllowPartial: true, RecursionLimit: maxProtoDepth}).Unmarshal(b, m), false
}

func allProtoConfig() Config {
	c := protoConfig(allProto, strings.Fields(allProtoPaths)...)
	c.NumericStrings, c.Booleans = true, true
	return c
}

// Whatever a message holds, and however it is cut into parts that are merged, it is
// read as the library reads it.
func TestProtobufReadsWhatTheLibraryReads(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	c := allProtoConfig()
	p := mustNew(t, c).(*protoDecoder)
	for range rounds(100) {
		var b []byte
		for range 1 + rng.IntN(3) {
			m := dynamicpb.NewMessage(c.Protobuf.loaded.message)
			fill(rng, m, 0)
			part, err := proto.MarshalOptions{}.MarshalAppend(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			b = append(b, part...)
		}
		agrees(t, c, p, b)
		for range 8 {
			changed := bytes.Clone(b)
			for range 1 + rng.IntN(3) {
				if len(changed) > 0 {
					changed[rng.IntN(len(changed))] = byte(rng.Uint32())
				}
			}
			agrees(t, c, p, changed[:len(changed)-rng.IntN(1+min(3, len(changed)))])
		}
	}
}

// The parts of the wire format that the library does not write.
func TestProtobufWire(t *testing.T) {
	c := allProtoConfig()
	tag := func(n protowire.Number, w protowire.Type) []byte { return protowire.AppendTag(nil, n, w) }
	bytesOf := func(n protowire.Number, b ...[]byte) []byte {
		return protowire.AppendBytes(tag(n, protowire.BytesType), slices.Concat(b...))
	}
	varint := func(n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(tag(n, protowire.VarintType), v)
	}
	double := func(n protowire.Number, v float64) []byte {
		return protowire.AppendFixed64(tag(n, protowire.Fixed64Type), math.Float64bits(v))
	}
	nested := func(depth int) []byte {
		b := double(1, 7)
		for range depth {
			b = bytesOf(20, b)
		}
		return b
	}
	group := func(n protowire.Number, b ...[]byte) []byte {
		return slices.Concat(tag(n, protowire.StartGroupType), slices.Concat(b...), tag(n, protowire.EndGroupType))
	}
	for name, b := range map[string][]byte{
		"packed and not":                 slices.Concat(double(18, 1), bytesOf(18, double(18, 2)[2:], double(18, 3)[2:]), bytesOf(19, []byte{2, 4}), varint(19, 6)),
		"packed of no list":              bytesOf(1, double(1, 1)[1:]),
		"packed that is cut":             bytesOf(18, make([]byte, 7)),
		"another wire type":              slices.Concat(varint(1, 5), double(3, 1), varint(14, 4)),
		"the last one counts":            slices.Concat(double(1, 1), double(1, 2), varint(13, 1), varint(13, 0)),
		"merged messages":                slices.Concat(bytesOf(20, double(1, 1), double(18, 1)), bytesOf(20, double(17, 2), double(18, 5))),
		"oneof":                          slices.Concat(double(23, 1), bytesOf(24, double(1, 2), double(17, 1)), double(23, 3), bytesOf(24, varint(3, 1))),
		"oneof of another wire type":     slices.Concat(double(23, 1), varint(24, 1)),
		"map without key":                bytesOf(22, bytesOf(2, double(18, 4))),
		"map without value":              slices.Concat(bytesOf(21, bytesOf(1, []byte("a"))), bytesOf(22, varint(1, 5))),
		"map with the value first":       bytesOf(21, double(2, 4), bytesOf(1, []byte("b"))),
		"map with equal keys":            slices.Concat(bytesOf(22, varint(1, 5), bytesOf(2, double(17, 4))), bytesOf(22, varint(1, 5), bytesOf(2, double(1, 4)))),
		"map with two values":            bytesOf(22, varint(1, 5), bytesOf(2, double(17, 4)), bytesOf(2, double(1, 4))),
		"map with two keys":              bytesOf(22, varint(1, 5), bytesOf(2, double(17, 4)), varint(1, 6)),
		"map with a long key":            bytesOf(22, varint(1, 5+1<<32), bytesOf(2, double(17, 4))),
		"map with more":                  bytesOf(21, bytesOf(1, []byte("a")), double(2, 4), varint(3, 9), varint(1, 9)),
		"map that is cut":                bytesOf(21, bytesOf(1, []byte("a")), []byte{0x11, 1}),
		"no UTF-8":                       bytesOf(14, []byte{0xff}),
		"no UTF-8 in what is not wanted": bytesOf(20, bytesOf(14, []byte{0xff})),
		"no UTF-8 as key":                bytesOf(21, bytesOf(1, []byte{0xff})),
		"unknown":                        slices.Concat(varint(999, 1), group(998, double(1, 1), group(3)), double(1, 3)),
		"group that ends otherwise":      slices.Concat(tag(998, protowire.StartGroupType), tag(997, protowire.EndGroupType)),
		"group that does not end":        tag(998, protowire.StartGroupType),
		"end of no group":                tag(1, protowire.EndGroupType),
		"field 0":                        {0, 0},
		"wire type 6":                    {0x0e, 0},
		"endless varint":                 append([]byte{0x18}, bytes.Repeat([]byte{0xff}, 11)...),
		"long varint":                    append([]byte{0x18}, append(bytes.Repeat([]byte{0xff}, 9), 1)...),
		"wide int32":                     slices.Concat(varint(3, 1<<40+3), varint(7, 1<<40+3), varint(5, 1<<40+3)),
		"wrapper":                        slices.Concat(bytesOf(25), bytesOf(107, bytesOf(1, []byte("1.5")))),
		"wrapper twice":                  slices.Concat(bytesOf(25, double(1, 3)), bytesOf(25)),
		"nested 99":                      nested(98),
		"nested 100":                     nested(99),
		"nested 101":                     nested(100),
		"empty":                          {},
	} {
		t.Run(name, func(t *testing.T) { agrees(t, c, mustNew(t, c).(*protoDecoder), b) })
	}
}

// Groups are the messages of old files, and of new ones with delimited encoding.
func TestProtobufGroups(t *testing.T) {
	f := protoFile("M", "double d = 1; M g = 2")
	f.Syntax = proto.String("proto2")
	outer := f.MessageType[0]
	inner, innermost := protoMessageOf("G", "double d = 1; M g = 2"), protoMessageOf("G", "double d = 1")
	outer.NestedType, inner.NestedType = append(outer.NestedType, inner), append(inner.NestedType, innermost)
	for m, name := range map[*descriptorpb.DescriptorProto]string{outer: ".test.M.G", inner: ".test.M.G.G"} {
		m.Field[1].Type, m.Field[1].TypeName = descriptorpb.FieldDescriptorProto_TYPE_GROUP.Enum(), proto.String(name)
	}
	c := Config{Format: "protobuf", Channels: paths("d", "g.d", "g.g.d"), Protobuf: protoSection(messageIn(f, "M"))}
	one := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(3))
	start, end := protowire.AppendTag(nil, 2, protowire.StartGroupType), protowire.AppendTag(nil, 2, protowire.EndGroupType)
	for _, b := range [][]byte{slices.Concat(start, one, end), slices.Concat(start, start, one, end, end, start, one, end), slices.Concat(start, one), slices.Concat(start, start, end, one),
		slices.Concat(protowire.AppendTag(nil, 2, protowire.BytesType), []byte{byte(len(one))}, one)} {
		agrees(t, c, mustNew(t, c).(*protoDecoder), b)
	}
}

func TestProtobufReasonsAndFields(t *testing.T) {
	const fields = `double a = 1; optional double b = 2; int64 t = 3; Timestamp ts = 4; string k = 5; E e = 6; bool on = 7; repeated double v = 8; string when = 9`
	md := recursive(fields)
	message := func(set map[string]any) []byte {
		m := dynamicpb.NewMessage(md)
		for name, v := range set {
			fd := md.Fields().ByName(protoreflect.Name(name))
			switch v := v.(type) {
			case [2]int64:
				ts := m.Mutable(fd).Message()
				ts.Set(ts.Descriptor().Fields().ByNumber(1), protoreflect.ValueOfInt64(v[0]))
				ts.Set(ts.Descriptor().Fields().ByNumber(2), protoreflect.ValueOfInt32(int32(v[1])))
			case []float64:
				for _, x := range v {
					m.Mutable(fd).List().Append(protoreflect.ValueOfFloat64(x))
				}
			default:
				m.Set(fd, protoreflect.ValueOf(v))
			}
		}
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := map[string]any{"a": 1.5, "b": 2.5, "t": int64(17000), "ts": [2]int64{17, 999999999}, "k": "x", "e": protoreflect.EnumNumber(5), "on": true, "when": "1970-01-01T00:00:17Z"}
	with := func(name string, v any) []byte {
		m := map[string]any{}
		for k, old := range good {
			m[k] = old
		}
		if m[name] = v; v == nil {
			delete(m, name)
		}
		return message(m)
	}
	x := make([]float64, 2)
	base := Config{Format: "protobuf", Channels: paths("a", "b"), Protobuf: protoSection(md), MaxBytes: 200}
	timed := func(field, unit string) func(*Config) {
		return func(c *Config) { c.Time = Time{Field: field, Unit: unit} }
	}
	where := func(field, text string) func(*Config) {
		return func(c *Config) { c.Where = map[string]string{field: text} }
	}
	array := func(c *Config) { c.Channels, c.Array = []Channel{{Name: "x"}, {Name: "y"}}, "v" }
	for _, e := range []struct {
		name   string
		change func(*Config)
		value  []byte
		reason Reason
		time   int64
	}{
		{"good", func(*Config) {}, message(good), Accepted, 5},
		{"tombstone", func(*Config) {}, nil, Tombstone, 0},
		{"oversize", func(*Config) {}, make([]byte, 201), Oversize, 0},
		{"decode", func(*Config) {}, []byte{1}, Decode, 0},
		{"implicit", func(*Config) {}, with("a", nil), Accepted, 5},
		{"explicit", func(*Config) {}, with("b", nil), Schema, 0},
		{"NaN", func(*Config) {}, with("a", math.NaN()), Nonfinite, 0},
		{"millis", timed("t", ""), message(good), Accepted, 17000},
		{"no time", timed("t", ""), with("t", nil), Accepted, 0},
		{"seconds", timed("t", "s"), message(good), Accepted, 17000000},
		{"negative time", timed("t", ""), with("t", int64(-1)), Schema, 0},
		{"timestamp", timed("ts", ""), message(good), Accepted, 17999},
		{"timestamp and layout", timed("ts", "auto"), message(good), Accepted, 17999},
		{"empty timestamp", timed("ts", ""), with("ts", [2]int64{}), Accepted, 0},
		{"no timestamp", timed("ts", ""), with("ts", nil), Schema, 0},
		{"negative timestamp", timed("ts", ""), with("ts", [2]int64{-1, 0}), Schema, 0},
		{"wide nanos", timed("ts", ""), with("ts", [2]int64{1, 1e9}), Schema, 0},
		{"seconds of a timestamp", timed("ts.seconds", "s"), message(good), Accepted, 17000},
		{"text", timed("when", "rfc3339"), message(good), Accepted, 17000},
		{"layout", timed("when", "auto"), message(good), Accepted, 17000},
		{"where", where("k", "x"), message(good), Accepted, 5},
		{"where not", where("k", "x"), with("k", "y"), Filtered, 0},
		{"where enum", where("e", "RUN"), message(good), Accepted, 5},
		{"where default enum", where("e", "IDLE"), with("e", nil), Accepted, 5},
		{"where unnamed enum", where("e", "9"), with("e", protoreflect.EnumNumber(9)), Accepted, 5},
		{"where bool", where("on", "true"), message(good), Accepted, 5},
		{"where default bool", where("on", "false"), with("on", nil), Accepted, 5},
		{"array", array, with("v", []float64{1.5, 2.5}), Accepted, 5},
		{"short array", array, with("v", []float64{1.5}), Dimension, 0},
		{"no array", array, message(good), Dimension, 0},
	} {
		c := base
		e.change(&c)
		r := mustNew(t, c).Decode(x, &stream.Record{Value: e.value, Time: 5})
		if r.Reason != e.reason || r.Emitted && (r.Time != e.time || e.name != "implicit" && x[0] != 1.5 || x[1] != 2.5) {
			t.Errorf("%s: %+v %v, want %v %d", e.name, r, x, e.reason, e.time)
		}
	}
	c := base
	c.Missing = "last"
	d := mustNew(t, c)
	d.Decode(x, &stream.Record{Value: message(good)})
	if r := d.Decode(x, &stream.Record{Value: with("b", nil)}); !r.Emitted || r.Missing != 1 || x[1] != 2.5 {
		t.Errorf("missing: last: %+v %v", r, x)
	}
	c = base
	c.Protobuf.Wire = "confluent"
	for _, e := range []struct {
		head   string
		reason Reason
	}{
		{"\x00\x00\x00\x00\x07\x00", Accepted}, {"\x00\x00\x00\x00\x07\x02\x06", Accepted}, {"\x00\x00\x00\x00\x07\x04\x02\x00", Accepted},
		{"", Decode}, {"\x00\x00\x00\x00", Decode}, {"\x00\x00\x00\x00\x07\x01", Decode}, {"\x00\x00\x00\x00\x07\xfe\xff\xff\xff\x0f", Decode},
	} {
		if r := mustNew(t, c).Decode(x, &stream.Record{Value: append([]byte(e.head), message(good)...)}); r.Reason != e.reason {
			t.Errorf("header %x: %v, want %v", e.head, r.Reason, e.reason)
		}
	}
}

func TestProtobufConfigErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, m proto.Message) string {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	set := protoSet(protoFile("R", "double a = 1; string s = 2; Timestamp t = 3; repeated double v = 4"))
	good := write("good", set)
	set.File = set.File[2:]
	known := write("known", set)
	texts := filepath.Join(dir, "texts")
	if err := os.WriteFile(texts, []byte(prototext.Format(set)), 0o600); err != nil {
		t.Fatal(err)
	}
	asJSON := filepath.Join(dir, "json")
	if err := os.WriteFile(asJSON, []byte(protojson.Format(set)), 0o600); err != nil {
		t.Fatal(err)
	}
	set.File[0].Dependency = append(set.File[0].Dependency, "other.proto")
	lone := write("lone", set)
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("syntax"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := func(p Protobuf, names ...string) Config {
		return Config{Format: "protobuf", Channels: paths(names...), Protobuf: p}
	}
	for _, e := range []struct {
		c    Config
		want string
	}{
		{c(Protobuf{}, "a"), "--include_imports"},
		{c(Protobuf{Descriptors: good}, "a"), "protobuf.message"},
		{c(Protobuf{Descriptors: filepath.Join(dir, "absent"), Message: "test.R"}, "a"), "absent"},
		{c(Protobuf{Descriptors: text, Message: "test.R"}, "a"), "no set of file descriptors"},
		{c(Protobuf{Descriptors: lone, Message: "test.R"}, "a"), "--include_imports"},
		{c(Protobuf{Descriptors: good, Message: "R"}, "a"), "it has test.R"},
		{c(Protobuf{Descriptors: good, Message: "test.R", Wire: "x"}, "a"), "confluent"},
		{c(Protobuf{Descriptors: good, Message: "test.R"}, "b"), `which has a, s, t, v[0]`},
		{c(Protobuf{Descriptors: good, Message: "test.R"}, "s"), "numeric_strings"},
		{c(Protobuf{Descriptors: good, Message: "test.R"}, "t"), "no number"},
		{c(Protobuf{Descriptors: good, Message: "test.R"}, "v"), "no number"},
		{Config{Format: "json", Channels: paths("a"), Protobuf: Protobuf{Message: "x"}}, "set format: protobuf"},
	} {
		if err := e.c.Validate(); err == nil || !strings.Contains(err.Error(), e.want) {
			t.Errorf("%+v: %v, want %q", e.c, err, e.want)
		}
	}
	for _, file := range []string{known, texts, asJSON} {
		same := c(Protobuf{Descriptors: file, Message: "test.R"}, "a")
		if err := same.Validate(); err != nil || same.Fingerprint() != c(Protobuf{Descriptors: good, Message: "test.R"}, "a").Fingerprint() {
			t.Errorf("%s: %v", file, err)
		}
	}
	read := c(Protobuf{Descriptors: good, Message: "test.R"}, "a", "v[1]", "t.nanos")
	d := mustNew(t, read)
	if d == nil || read.Fingerprint() == c(Protobuf{Descriptors: good, Message: "test.R", Wire: "confluent"}, "a", "v[1]", "t.nanos").Fingerprint() {
		t.Error("the wire is not in the fingerprint")
	}
}

// FuzzProtobuf: the library and the decoder accept the same bytes, and read the same.
func FuzzProtobuf(f *testing.F) {
	c := allProtoConfig()
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		m := dynamicpb.NewMessage(c.Protobuf.loaded.message)
		fill(rng, m, 0)
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\xc2\x01\x00\x9a\x06\x00"))
	p := mustNew(f, c).(*protoDecoder)
	f.Fuzz(func(t *testing.T, b []byte) { agrees(t, c, p, b) })
}
