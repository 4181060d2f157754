package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
	"golang.org/x/sync/errgroup"

	"phasor/stream"
)

// Message is a record to be written.
type Message struct {
	Key, Value []byte // Nil and empty are kept apart.
	Time       int64  // Unix time in milliseconds; stream.NoTime: now.
	Partition  int    // AnyPartition: by key as Kafka's own client does (murmur2), or in turn without one.
	Headers    []Header
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// AnyPartition leaves the choice of the partition to the Producer.
const AnyPartition = -1

// ProducerConfig says how records are written. The zero value is ready.
type ProducerConfig struct {
	// Compression is none (default), gzip, snappy, lz4 or zstd (Kafka: compression.type).
	Compression string
	// BatchRecords and BatchBytes are when a batch is sent although Flush was not called. Default: 10,000 and 512 KiB;
	// a broker accepts batches of 1 MiB unless told otherwise (message.max.bytes).
	BatchRecords int
	BatchBytes   int
	// Acks is all (default) or leader (Kafka: acks). With leader, records that the leader had alone can be lost.
	Acks string
}

// Producer writes records of one topic in batches. It is for the use of one goroutine.
//
// Delivery is at least once: after a timeout or a cut connection a batch is sent again, and may then be in the log
// twice. kafka-go has no idempotent producer, so this cannot be switched off.
type Producer struct {
	c           *Client
	topic       string
	compression kafka.Compression
	acks        int16
	records     int
	bytes       int

	partitions []int
	murmur     kafka.Murmur2Balancer
	turn       int
	pending    map[int][]Message
	count      int
	size       int
}

// Producer returns a writer for an existing topic.
func (c *Client) Producer(ctx context.Context, topic string, cfg ProducerConfig) (*Producer, error) {
	p := &Producer{c: c, topic: topic, records: cfg.BatchRecords, bytes: cfg.BatchBytes, pending: map[int][]Message{}}
	setDefault(&p.records, 10000)
	setDefault(&p.bytes, 512<<10)
	switch cfg.Acks {
	case "", "all":
		p.acks = -1
	case "leader":
		p.acks = 1
	default:
		return nil, fmt.Errorf("kafka: acks: %q is neither all nor leader", cfg.Acks)
	}
	if cfg.Compression != "" && cfg.Compression != "none" {
		if err := p.compression.UnmarshalText([]byte(cfg.Compression)); err != nil {
			return nil, fmt.Errorf("kafka: compression: %q is none of none, gzip, snappy, lz4, zstd", cfg.Compression)
		}
	}
	t, err := c.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	for i := range t.Partitions {
		p.partitions = append(p.partitions, i)
	}
	return p, nil
}

// Send takes messages into the batches, and writes these when they are full. The messages' bytes must stay as they are
// until they are written: until Flush returns, or forever.
func (p *Producer) Send(ctx context.Context, messages ...Message) error {
	for _, m := range messages {
		part, err := p.choose(&m)
		if err != nil {
			return err
		}
		if m.Time == stream.NoTime {
			m.Time = time.Now().UnixMilli()
		}
		size := len(m.Key) + len(m.Value) + 16
		for _, h := range m.Headers {
			size += len(h.Key) + len(h.Value) + 4
		}
		if p.count > 0 && p.size+size > p.bytes {
			if err := p.Flush(ctx); err != nil {
				return err
			}
		}
		p.pending[part] = append(p.pending[part], m)
		p.count++
		p.size += size
		if p.count >= p.records {
			if err := p.Flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Producer) choose(m *Message) (int, error) {
	switch {
	case m.Partition >= len(p.partitions):
		return 0, missingPartition(p.topic, m.Partition, len(p.partitions))
	case m.Partition >= 0:
		return m.Partition, nil
	case m.Key != nil:
		return p.murmur.Balance(kafka.Message{Key: m.Key}, p.partitions...), nil
	}
	p.turn++
	return p.partitions[p.turn%len(p.partitions)], nil
}

// Flush writes what was sent. It tries until ctx ends, but not what cannot get better: a message that is too large, a
// missing right. After an error some of the records may have been written; all are forgotten.
func (p *Producer) Flush(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for part, recs := range p.pending {
		g.Go(func() error { return p.write(gctx, part, recs) })
	}
	err := g.Wait()
	clear(p.pending)
	p.count, p.size = 0, 0
	return err
}

func (p *Producer) write(ctx context.Context, part int, recs []Message) error {
	id := stream.PartitionID{Topic: p.topic, TopicID: stream.NoTopicID, Partition: part}
	doing := fmt.Sprintf("writing %d records to %s", len(recs), id)
	var b backoff
	var since time.Time
	for {
		leader, _, err := p.c.topics.leader(ctx, id, since)
		if err == nil {
			err = p.writeOnce(ctx, leader, part, recs)
		}
		var code kafka.Error
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, errors.As(err, &code) && !code.Temporary() && code != kafka.BrokerNotAvailable:
			return p.c.explain(doing, err)
		}
		since = time.Now()
		wait := b.next()
		p.c.retrying(id, err, wait)
		if sleep(ctx, wait) != nil {
			return p.c.explain(doing, errors.Join(ctx.Err(), err))
		}
	}
}

func (p *Producer) writeOnce(ctx context.Context, leader int32, part int, recs []Message) error {
	encoded := make([]protocol.Record, len(recs))
	for i := range recs {
		encoded[i] = recs[i].record()
	}
	reply, err := p.c.do(ctx, leader, &produce.Request{Acks: p.acks, Timeout: int32(p.c.cfg.RequestTimeout.Milliseconds()),
		Topics: []produce.RequestTopic{{Topic: p.topic, Partitions: []produce.RequestPartition{{Partition: int32(part),
			RecordSet: protocol.RecordSet{Attributes: protocol.Attributes(p.compression) & codecMask, Records: protocol.NewRecordReader(encoded...)}}}}}})
	if err != nil {
		return err
	}
	for _, t := range reply.(*produce.Response).Topics {
		for _, r := range t.Partitions {
			if err := codeError(r.ErrorCode); err != nil {
				return withMessage(err, r.ErrorMessage)
			}
		}
	}
	return nil
}

// record makes what kafka-go encodes. It is made anew for each attempt, because encoding reads it to its end.
func (m *Message) record() protocol.Record {
	r := protocol.Record{Time: time.UnixMilli(m.Time)}
	if m.Key != nil {
		r.Key = protocol.NewBytes(m.Key)
	}
	if m.Value != nil {
		r.Value = protocol.NewBytes(m.Value)
	}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, protocol.Header{Key: h.Key, Value: h.Value})
	}
	return r
}

// Produce writes messages to a topic and returns when they are in the log: a Producer for one call.
func (c *Client) Produce(ctx context.Context, topic string, messages ...Message) error {
	p, err := c.Producer(ctx, topic, ProducerConfig{})
	if err != nil {
		return err
	}
	if err := p.Send(ctx, messages...); err != nil {
		return err
	}
	return p.Flush(ctx)
}
