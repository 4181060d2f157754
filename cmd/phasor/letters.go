package main

import (
	"bytes"
	"strconv"

	"phasor/stream"
	"phasor/stream/decode"
	"phasor/stream/kafka"
)

// letter is a rejected record as it is written to the dead-letter topic: key, value and time as they were, and in headers
// where it came from and why it was rejected. Topic, partition and offset name it, also if it is written twice: no state is
// past a rejected record before its letter has been written or given up, so that a crash loses none.
func letter(sketch string, id stream.PartitionID, r *stream.Record, reason decode.Reason) kafka.Message {
	return kafka.Message{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value), Time: r.Time, Partition: kafka.AnyPartition,
		Headers: append(origin(sketch, id, r.Offset), kafka.Header{Key: "phasor.reason", Value: []byte(reason.String())})}
}

func origin(sketch string, id stream.PartitionID, offset int64) []kafka.Header {
	return []kafka.Header{
		{Key: "phasor.sketch", Value: []byte(sketch)},
		{Key: "phasor.topic", Value: []byte(id.Topic)},
		{Key: "phasor.partition", Value: strconv.AppendInt(nil, int64(id.Partition), 10)},
		{Key: "phasor.offset", Value: strconv.AppendInt(nil, offset, 10)},
	}
}
