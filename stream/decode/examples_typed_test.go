package decode_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"phasor/stream"
	"phasor/stream/decode"
)

// A plain Avro record becomes its numbers.
func Example_avro() {
	d, err := decode.New(decode.Config{
		Format: "avro",
		Avro: decode.Avro{Schema: `{"type": "record", "name": "Reading", "fields": [
			{"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
			{"name": "temperature", "type": ["null", "double"]}]}`},
		Channels: []decode.Channel{{Name: "temperature"}},
		Time:     decode.Time{Field: "at"},
		Missing:  "last",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float64, 1)
	value := binary.AppendVarint(nil, 1767323045678901)
	value = binary.AppendVarint(value, 1) // The branch of the union.
	value = binary.LittleEndian.AppendUint64(value, math.Float64bits(21.5))
	r := d.Decode(x, &stream.Record{Value: value})
	fmt.Println(r.Time, x)
	value = binary.AppendVarint(binary.AppendVarint(nil, 1767323046678901), 0)
	r = d.Decode(x, &stream.Record{Value: value})
	fmt.Println(r.Time, x, r.Missing)
	// Output:
	// 1767323045678 [21.5]
	// 1767323046678 [21.5] 1
}

// A message becomes its numbers. The file of descriptors is what protoc writes; here
// it is that of google.protobuf.Duration.
func Example_protobuf() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	set := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{protodesc.ToFileDescriptorProto(durationpb.File_google_protobuf_duration_proto)}}
	b, err := proto.Marshal(set)
	if err != nil {
		fmt.Println(err)
		return
	}
	file := filepath.Join(dir, "duration.binpb")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		fmt.Println(err)
		return
	}
	d, err := decode.New(decode.Config{
		Format:   "protobuf",
		Protobuf: decode.Protobuf{Descriptors: file, Message: "google.protobuf.Duration"},
		Channels: []decode.Channel{{Name: "seconds"}, {Name: "nanos"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := proto.Marshal(&durationpb.Duration{Seconds: 90})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float64, 2)
	fmt.Println(d.Decode(x, &stream.Record{Value: value}).Reason, x)
	// Output:
	// accepted [90 0]
}
