package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"

	"phasor/stream"
)

// partition is a partition that this process owns, whichever way it came by it.
type partition struct {
	c      *Client
	id     stream.PartitionID
	commit func(ctx context.Context, next int64) error // Nil without a group.
}

func (p *partition) ID() stream.PartitionID { return p.id }

func (p *partition) Read(offset int64) stream.Reader { return newReader(p.c, p.id, offset) }

func (p *partition) Commit(ctx context.Context, next int64) error {
	if p.commit == nil {
		return nil
	}
	return p.commit(ctx, next)
}

// Range returns the start of the log and its end: the last stable offset if only committed records are read, else the
// high watermark. It tries until ctx ends.
func (p *partition) Range(ctx context.Context) (start, end int64, err error) {
	err = p.c.persist(ctx, p.id, func(leader int32) error {
		var err error
		if start, err = p.c.listOffset(ctx, leader, p.id, kafka.FirstOffset, false); err != nil {
			return err
		}
		end, err = p.c.listOffset(ctx, leader, p.id, kafka.LastOffset, p.c.cfg.Isolation == readCommitted)
		return err
	})
	return start, end, err
}

// At fetches the one record. A record of an aborted transaction is not there if only committed records are read.
func (p *partition) At(ctx context.Context, offset int64) (stream.Record, bool, error) {
	start, end, err := p.Range(ctx)
	if err != nil || offset < start || offset >= end {
		return stream.Record{}, false, err
	}
	f := newFetcher(p.c, p.id, offset)
	f.maxWait, f.maxBytes = 0, min(f.maxBytes, 64<<10)
	var res response
	switch err := f.next(ctx, &res); {
	case errors.Is(err, stream.ErrRetention), errors.Is(err, stream.ErrTruncated):
		return stream.Record{}, false, nil // It went away since.
	case err != nil:
		return stream.Record{}, false, err
	}
	ps := parser{committed: p.c.cfg.Isolation == readCommitted, codecs: decompressor{limit: p.c.cfg.Fetch.DecompressionLimit}}
	defer ps.codecs.close()
	ps.reset(res.fields.batches, res.fields.aborted, offset)
	recs, bad := ps.next(nil)
	if len(recs) > 0 {
		if recs[0].Offset != offset {
			return stream.Record{}, false, nil
		}
		return recs[0].Clone(), true, nil
	}
	if bad == nil {
		bad = res.bad
	}
	if bad != nil && bad.first <= offset {
		return stream.Record{}, false, &stream.CorruptError{ID: p.id, First: bad.first, Next: bad.next, Reason: bad.reason}
	}
	return stream.Record{}, false, nil
}

// persist calls try with the leader of a partition until it works, ctx ends or the topic turns out to be another one.
func (c *Client) persist(ctx context.Context, id stream.PartitionID, try func(leader int32) error) error {
	var b backoff
	var since time.Time
	for {
		leader, topicID, err := c.topics.leader(ctx, id, since)
		if known(topicID) && known(id.TopicID) && topicID != id.TopicID {
			return &stream.PositionError{ID: id, Err: stream.ErrRecreated, Detail: fmt.Sprintf("topic id was %s, is %s", id.TopicID, topicID)}
		}
		if err == nil {
			err = try(leader)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("kafka: %s: %w (last attempt: %v)", id, ctx.Err(), err)
		}
		since = time.Now()
		wait := b.next()
		c.retrying(id, err, wait)
		if sleep(ctx, wait) != nil {
			return fmt.Errorf("kafka: %s: %w (last attempt: %v)", id, ctx.Err(), err)
		}
	}
}

// listOffset asks the leader for the first or last offset of a partition, once.
func (c *Client) listOffset(ctx context.Context, leader int32, id stream.PartitionID, which int64, committed bool) (int64, error) {
	req := &listoffsets.Request{ReplicaID: -1, Topics: []listoffsets.RequestTopic{{Topic: id.Topic,
		Partitions: []listoffsets.RequestPartition{{Partition: int32(id.Partition), CurrentLeaderEpoch: -1, Timestamp: which}}}}}
	if committed {
		req.IsolationLevel = 1
	}
	r, err := c.do(ctx, leader, req)
	if err != nil {
		return 0, err
	}
	for _, t := range r.(*listoffsets.Response).Topics {
		for _, p := range t.Partitions {
			if t.Topic == id.Topic && int(p.Partition) == id.Partition {
				return p.Offset, codeError(p.ErrorCode)
			}
		}
	}
	return 0, fmt.Errorf("kafka: ListOffsets: %w: %s is not in it", errWire, id)
}
