package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	_ "github.com/segmentio/kafka-go/protocol/fetch" // Registers Fetch, so that its version is negotiated.
)

const (
	minFetchVersion = 4 // The first with record batches of format 2 and isolation.
	maxFetchVersion = 11
)

// fetchCall is one Fetch of one partition, and after it the response. A call whose round trip returned an error is given
// up: the connection may still write into it.
type fetchCall struct {
	topic     string
	partition int32
	broker    int32
	offset    int64
	maxWait   time.Duration
	minBytes  int32
	maxBytes  int32
	committed bool
	limit     int
	clientID  string
	topicID   [16]byte // Zero if it is not known.

	asked    bool // The broker was asked whether it speaks fetchByIDVersion,
	byID     bool // and does.
	version  int16
	request  []byte
	response []byte // After the correlation id; valid until the call is used again.
}

func (m *fetchCall) ApiKey() protocol.ApiKey { return protocol.Fetch }

func (m *fetchCall) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return route(cluster, m.broker)
}

func (m *fetchCall) Required(versions map[protocol.ApiKey]int16) bool {
	m.version = min(versions[protocol.Fetch], maxFetchVersion)
	return true
}

func (m *fetchCall) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if m.version < minFetchVersion {
		return nil, fmt.Errorf("kafka: the broker speaks Fetch up to version %d, version %d is needed: use Kafka 0.11 or later", m.version, minFetchVersion)
	}
	if m.topicID != [16]byte{} && !m.asked {
		if err := m.ask(rw); err != nil {
			return nil, err
		}
	}
	if m.byID {
		m.version = fetchByIDVersion
		m.request = m.appendRequestByID(m.request[:0])
	} else {
		m.request = m.appendRequest(m.request[:0])
	}
	res, err := exchange(rw, m.request, m.response, m.limit)
	if err != nil {
		return nil, err
	}
	m.response = res
	return m, nil
}

func (m *fetchCall) appendRequest(b []byte) []byte {
	be := binary.BigEndian
	v := m.version
	b = append(b, 0, 0, 0, 0)
	b = be.AppendUint16(b, uint16(protocol.Fetch))
	b = be.AppendUint16(b, uint16(v))
	b = be.AppendUint32(b, uint32(m.offset)) // The correlation id: anything that the next request would not have.
	b = be.AppendUint16(b, uint16(len(m.clientID)))
	b = append(b, m.clientID...)
	b = be.AppendUint32(b, 0xffffffff) // Not a replica.
	b = be.AppendUint32(b, uint32(m.maxWait.Milliseconds()))
	b = be.AppendUint32(b, uint32(m.minBytes))
	// The partition's own limit, below, is the one that counts: the embedded broker leaves out which transactions were
	// aborted when it stops at this one.
	b = be.AppendUint32(b, uint32(m.limit))
	if m.committed {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	if v >= 7 {
		b = be.AppendUint32(b, 0)          // No session.
		b = be.AppendUint32(b, 0xffffffff) // Nor one to be opened.
	}
	b = be.AppendUint32(b, 1) // One topic.
	b = be.AppendUint16(b, uint16(len(m.topic)))
	b = append(b, m.topic...)
	b = be.AppendUint32(b, 1) // One partition.
	b = be.AppendUint32(b, uint32(m.partition))
	if v >= 9 {
		b = be.AppendUint32(b, 0xffffffff) // Any leader epoch.
	}
	b = be.AppendUint64(b, uint64(m.offset))
	if v >= 5 {
		b = be.AppendUint64(b, 0xffffffffffffffff) // No log start of our own.
	}
	b = be.AppendUint32(b, uint32(m.maxBytes))
	if v >= 7 {
		b = be.AppendUint32(b, 0) // Nothing forgotten.
	}
	if v >= 11 {
		b = be.AppendUint16(b, 0) // No rack.
	}
	return b
}

// fetched is a parsed Fetch response. Batches and aborted point into the call's buffer.
type fetched struct {
	code     int16 // Of the partition.
	high     int64
	stable   int64
	logStart int64 // -1 before version 5.
	aborted  []abortedTransaction
	batches  []byte
}

type abortedTransaction struct{ producer, first int64 }

// parse reads the response into f, whose slices it reuses.
func (m *fetchCall) parse(f *fetched) error {
	f.code, f.logStart, f.aborted, f.batches = 0, -1, f.aborted[:0], nil
	if m.version == fetchByIDVersion {
		return m.parseByID(f)
	}
	w := &wire{b: m.response}
	w.int32() // Throttle time: the broker mutes the connection by itself.
	if m.version >= 7 {
		if f.code = w.int16(); f.code != 0 {
			return w.err("Fetch")
		}
		w.int32() // Session.
	}
	topics := w.array(6)
	name := w.string()
	partitions := w.array(26)
	if w.bad || topics != 1 || partitions != 1 || name != m.topic || w.int32() != m.partition {
		return fmt.Errorf("kafka: Fetch: %w: not the one partition that was asked for", errWire)
	}
	f.code = w.int16()
	f.high, f.stable = w.int64(), w.int64()
	if m.version >= 5 {
		f.logStart = w.int64()
	}
	for n := w.array(16); n > 0; n-- {
		f.aborted = append(f.aborted, abortedTransaction{w.int64(), w.int64()})
	}
	if m.version >= 11 {
		w.int32() // Preferred replica: we named no rack.
	}
	f.batches = w.take(max(int(w.int32()), 0))
	return w.err("Fetch")
}

// fetch sends m to broker. It tries once.
func (c *Client) fetch(ctx context.Context, m *fetchCall) error {
	ctx, cancel := context.WithTimeout(ctx, m.maxWait+c.cfg.RequestTimeout)
	defer cancel()
	_, err := c.transport.RoundTrip(ctx, c.addr, m)
	if err != nil {
		return fmt.Errorf("%v request: %w", protocol.Fetch, err)
	}
	return nil
}
