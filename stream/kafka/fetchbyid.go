package kafka

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
)

// fetchByIDVersion is the first version of Fetch that names a topic by its id (KIP-516, Kafka 3.1), and the only one of
// those that is spoken here. A topic that was created anew between two fetches is another one to it, whereas one that is
// named would give its records as if nothing had happened.
const fetchByIDVersion = 13

// rawTopicID is the inverse of topicID; ok is false if id is none.
func rawTopicID(id string) (raw [16]byte, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != len(raw) {
		return raw, false
	}
	return [16]byte(b), true
}

// ask finds out whether the broker speaks that version: the transport tells only of those that kafka-go speaks too.
func (m *fetchCall) ask(rw io.ReadWriter) error {
	reply, err := protocol.RoundTrip(rw, 0, 1, m.clientID, &apiversions.Request{})
	if err != nil {
		return err
	}
	m.asked = true
	for _, k := range reply.(*apiversions.Response).ApiKeys {
		if protocol.ApiKey(k.ApiKey) == protocol.Fetch {
			m.byID = k.MinVersion <= fetchByIDVersion && fetchByIDVersion <= k.MaxVersion
		}
	}
	return nil
}

func (m *fetchCall) appendRequestByID(b []byte) []byte {
	be := binary.BigEndian
	const one = 2 // A compact array's length is one larger.
	b = append(b, 0, 0, 0, 0)
	b = be.AppendUint16(b, uint16(protocol.Fetch))
	b = be.AppendUint16(b, fetchByIDVersion)
	b = be.AppendUint32(b, uint32(m.offset)) // The correlation id: anything that the next request would not have.
	b = be.AppendUint16(b, uint16(len(m.clientID)))
	b = append(b, m.clientID...)
	b = append(b, 0)                   // No tags.
	b = be.AppendUint32(b, 0xffffffff) // Not a replica.
	b = be.AppendUint32(b, uint32(m.maxWait.Milliseconds()))
	b = be.AppendUint32(b, uint32(m.minBytes))
	b = be.AppendUint32(b, uint32(m.limit)) // As in appendRequest.
	if m.committed {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = be.AppendUint32(b, 0)          // No session.
	b = be.AppendUint32(b, 0xffffffff) // Nor one to be opened.
	b = append(b, one)                 // One topic.
	b = append(b, m.topicID[:]...)
	b = append(b, one) // One partition.
	b = be.AppendUint32(b, uint32(m.partition))
	b = be.AppendUint32(b, 0xffffffff) // Any leader epoch.
	b = be.AppendUint64(b, uint64(m.offset))
	b = be.AppendUint32(b, 0xffffffff)         // No epoch fetched last: the log is not compared.
	b = be.AppendUint64(b, 0xffffffffffffffff) // No log start of our own.
	b = be.AppendUint32(b, uint32(m.maxBytes))
	b = append(b, 0, 0) // No tags of the partition and of the topic.
	b = append(b, 1)    // Nothing forgotten.
	b = append(b, 1)    // No rack.
	return append(b, 0) // No tags.
}

// parseByID reads the response of that version into f.
func (m *fetchCall) parseByID(f *fetched) error {
	w := &wire{b: m.response}
	w.tags()
	w.int32() // Throttle time: the broker mutes the connection by itself.
	if f.code = w.int16(); f.code != 0 {
		return w.err("Fetch")
	}
	w.int32() // Session.
	topics := w.compactArray(17)
	id := w.take(16)
	partitions := w.compactArray(35)
	if w.bad || topics != 1 || partitions != 1 || [16]byte(id) != m.topicID || w.int32() != m.partition {
		return fmt.Errorf("kafka: Fetch: %w: not the one partition that was asked for", errWire)
	}
	f.code = w.int16()
	f.high, f.stable, f.logStart = w.int64(), w.int64(), w.int64()
	for n := w.compactArray(17); n > 0; n-- {
		f.aborted = append(f.aborted, abortedTransaction{w.int64(), w.int64()})
		w.tags()
	}
	w.int32() // Preferred replica: we named no rack.
	f.batches = w.take(max(w.uvarint()-1, 0))
	return w.err("Fetch")
}
