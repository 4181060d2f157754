package kafka

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"phasor/stream"
)

// topicInfo is what the cluster says of a topic.
type topicInfo struct {
	id      string  // stream.NoTopicID if the broker does not tell.
	leaders []int32 // By partition; -1 where there is none at the moment.
	code    int16   // Why there is nothing, if there is nothing.
	asked   time.Time
}

func (t *topicInfo) err() error { return codeError(t.code) }

// topicIDVersion is the first version of Metadata that carries topic ids.
const topicIDVersion = 10

// metadataCall asks any broker for topics. It finds out by itself which versions the broker speaks, because the
// transport tells only of those that kafka-go speaks too.
type metadataCall struct {
	names    []string
	clientID string
	topics   map[string]*topicInfo
}

func (m *metadataCall) ApiKey() protocol.ApiKey { return protocol.Metadata }

func (m *metadataCall) Required(map[protocol.ApiKey]int16) bool { return true }

func (m *metadataCall) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	reply, err := protocol.RoundTrip(rw, 0, 1, m.clientID, &apiversions.Request{})
	if err != nil {
		return nil, err
	}
	m.topics = make(map[string]*topicInfo, len(m.names))
	for _, k := range reply.(*apiversions.Response).ApiKeys {
		if protocol.ApiKey(k.ApiKey) != protocol.Metadata {
			continue
		}
		if k.MinVersion <= topicIDVersion && topicIDVersion <= k.MaxVersion {
			return m, m.exchangeWithIDs(rw)
		}
		return m, m.exchangeStock(rw, protocol.Metadata.SelectVersion(k.MinVersion, k.MaxVersion))
	}
	return nil, fmt.Errorf("kafka: the broker does not offer Metadata: %w", errWire)
}

// exchangeStock speaks the versions of kafka-go, which have no ids.
func (m *metadataCall) exchangeStock(rw io.ReadWriter, version int16) error {
	reply, err := protocol.RoundTrip(rw, version, 2, m.clientID, &metadata.Request{TopicNames: m.names})
	if err != nil {
		return err
	}
	for _, t := range reply.(*metadata.Response).Topics {
		info := m.add(t.Name, stream.NoTopicID, t.ErrorCode)
		for _, p := range t.Partitions {
			info.set(p.PartitionIndex, p.LeaderID)
		}
	}
	return nil
}

func (m *metadataCall) exchangeWithIDs(rw io.ReadWriter) error {
	be := binary.BigEndian
	b := make([]byte, 4, 256)
	b = be.AppendUint16(b, uint16(protocol.Metadata))
	b = be.AppendUint16(b, topicIDVersion)
	b = be.AppendUint32(b, 2) // Correlation id.
	b = be.AppendUint16(b, uint16(len(m.clientID)))
	b = append(b, m.clientID...)
	b = append(b, 0) // No tags.
	b = binary.AppendUvarint(b, uint64(len(m.names)+1))
	for _, name := range m.names {
		b = append(b, make([]byte, 16)...) // Asked for by name, so the id is zero.
		b = binary.AppendUvarint(b, uint64(len(name)+1))
		b = append(b, name...)
		b = append(b, 0)
	}
	b = append(b, 0, 0, 0, 0) // No creation, no authorised operations (two of them), no tags.
	res, err := exchange(rw, b, nil, 64<<20)
	if err != nil {
		return err
	}
	return m.parse(res)
}

// parse reads a response of version 10, after its correlation id.
func (m *metadataCall) parse(b []byte) error {
	w := &wire{b: b}
	w.tags()
	w.int32() // Throttle time.
	for n := w.compactArray(8); n > 0; n-- {
		w.int32()
		w.compactString()
		w.int32()
		w.compactString()
		w.tags()
	}
	w.compactString() // Cluster id.
	w.int32()         // Controller.
	for n := w.compactArray(26); n > 0; n-- {
		code := w.int16()
		name := w.compactString()
		info := m.add(name, topicID(w.take(16)), code)
		w.int8() // Internal.
		for n := w.compactArray(18); n > 0; n-- {
			w.int16() // An error of a partition shows in its leader.
			index, leader := w.int32(), w.int32()
			w.int32() // Leader epoch.
			for range 3 {
				w.take(4 * w.compactArray(4)) // Replicas, those in sync, those offline.
			}
			w.tags()
			info.set(index, leader)
		}
		w.int32() // Authorised operations.
		w.tags()
	}
	return w.err("Metadata")
}

func (m *metadataCall) add(name, id string, code int16) *topicInfo {
	info := &topicInfo{id: id, code: code}
	m.topics[name] = info
	return info
}

// set notes the leader of a partition. An index far beyond any real topic is left out rather than allocated for.
func (t *topicInfo) set(index, leader int32) {
	if index < 0 || index > 1<<20 {
		return
	}
	for int(index) >= len(t.leaders) {
		t.leaders = append(t.leaders, -1)
	}
	t.leaders[index] = leader
}

// topicID is the form in which Kafka's own tools print an id.
func topicID(id []byte) string {
	for _, b := range id {
		if b != 0 {
			return base64.RawURLEncoding.EncodeToString(id)
		}
	}
	return stream.NoTopicID
}

// topicCache remembers topics, and asks once where many want to know.
type topicCache struct {
	c      *Client
	asking chan struct{} // Holds a token while a request is under way.

	mu     sync.Mutex
	topics map[string]*topicInfo
}

func (t *topicCache) init(c *Client) {
	t.c, t.asking, t.topics = c, make(chan struct{}, 1), map[string]*topicInfo{}
}

func (t *topicCache) cached(name string, since time.Time) *topicInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	if info := t.topics[name]; info != nil && info.asked.After(since) {
		return info
	}
	return nil
}

// get returns what the cluster said of a topic after since; the zero time accepts anything that is remembered. The
// error is that of the request: the topic's own is in the info.
func (t *topicCache) get(ctx context.Context, name string, since time.Time) (*topicInfo, error) {
	if info := t.cached(name, since); info != nil {
		return info, nil
	}
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if info := t.cached(name, since); info != nil {
		return info, nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.c.cfg.RequestTimeout)
	defer cancel()
	asked := time.Now()
	r, err := t.c.transport.RoundTrip(ctx, t.c.addr, &metadataCall{names: []string{name}, clientID: t.c.cfg.ClientID})
	if err != nil {
		return nil, fmt.Errorf("%v request: %w", protocol.Metadata, err)
	}
	info := r.(*metadataCall).topics[name]
	if info == nil {
		info = &topicInfo{id: stream.NoTopicID, code: int16(kafka.UnknownTopicOrPartition)}
	}
	info.asked = asked
	t.mu.Lock()
	defer t.mu.Unlock()
	if info.code == 0 {
		t.topics[name] = info
	} else {
		delete(t.topics, name)
	}
	return info, nil
}

// leader returns the broker that leads a partition, and the id of its topic.
func (t *topicCache) leader(ctx context.Context, id stream.PartitionID, since time.Time) (broker int32, topicID string, err error) {
	info, err := t.get(ctx, id.Topic, since)
	switch {
	case err != nil:
		return -1, stream.NoTopicID, err
	case info.err() != nil:
		return -1, stream.NoTopicID, info.err()
	case id.Partition < 0 || id.Partition >= len(info.leaders):
		return -1, info.id, kafka.UnknownTopicOrPartition
	case info.leaders[id.Partition] < 0:
		return -1, info.id, kafka.LeaderNotAvailable
	}
	return info.leaders[id.Partition], info.id, nil
}
