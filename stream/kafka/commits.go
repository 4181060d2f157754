package kafka

import (
	"context"
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// commits tells the coordinator what the owners of one generation have done. Those that come while a request is under way
// go together in the next one. The connection is not that of kafka-go's group, whose heartbeats would wait behind a slow
// commit and cost the membership.
type commits struct {
	m          *member
	generation int32
	memberID   string
	sending    chan struct{} // Holds a token while a request is under way.

	mu   sync.Mutex
	next *commitBatch // What the next request takes, nil if nothing waits.
}

// commitBatch is one request. Its errors may be looked at when done is closed.
type commitBatch struct {
	offsets map[partitionKey]int64
	done    chan struct{}
	err     error                  // Of the request,
	refused map[partitionKey]error // and of the partitions that it was answered for.
}

func (m *member) newCommits(gen *kafka.Generation) *commits {
	return &commits{m: m, generation: gen.ID, memberID: gen.MemberID, sending: make(chan struct{}, 1)}
}

// commit commits one offset and returns when the broker has answered or ctx ends. It is refused once another generation
// began.
func (c *commits) commit(ctx context.Context, p partitionKey, next int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := c.join(p, next)
	select {
	case <-b.done:
	case <-ctx.Done():
		return ctx.Err()
	case c.sending <- struct{}{}:
		if c.take(b) {
			b.refused, b.err = c.send(ctx, b.offsets)
			close(b.done)
		}
		<-c.sending
	}
	err := b.err // Whoever had the token before has closed done.
	if err == nil {
		err = b.refused[p]
	}
	if err != nil {
		return fmt.Errorf("kafka: group %s: committing offset %d of %s/%d: %w", c.m.group, next, p.topic, p.partition, err)
	}
	return nil
}

func (c *commits) join(p partitionKey, next int64) *commitBatch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = &commitBatch{offsets: map[partitionKey]int64{}, done: make(chan struct{})}
	}
	c.next.offsets[p] = next
	return c.next
}

// take closes a batch to others and says whether the caller is to send it.
func (c *commits) take(b *commitBatch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != b {
		return false
	}
	c.next = nil
	return true
}

func (c *commits) send(ctx context.Context, offsets map[partitionKey]int64) (refused map[partitionKey]error, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.m.timeout)
	defer cancel()
	broker, err := c.m.findCoordinator(ctx)
	if err != nil {
		return nil, err
	}
	topics := map[string][]offsetcommit.RequestPartition{}
	for p, next := range offsets {
		topics[p.topic] = append(topics[p.topic], offsetcommit.RequestPartition{PartitionIndex: int32(p.partition), CommittedOffset: next})
	}
	req := &offsetcommit.Request{GroupID: c.m.group, GenerationID: c.generation, MemberID: c.memberID, RetentionTimeMs: -1}
	for topic, partitions := range topics {
		req.Topics = append(req.Topics, offsetcommit.RequestTopic{Name: topic, Partitions: partitions})
	}
	r, err := c.m.c.send(ctx, &call{broker: broker, highest: 2, message: req})
	if err != nil {
		c.m.coordinator.Store(anyBroker)
		return nil, err
	}
	refused = map[partitionKey]error{}
	for _, t := range r.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if err := codeError(p.ErrorCode); err != nil {
				refused[partitionKey{t.Name, int(p.PartitionIndex)}] = err
				c.m.coordinator.Store(anyBroker) // It may be another broker by now.
			}
		}
	}
	return refused, nil
}

// findCoordinator returns the broker that coordinates the group, as it was found last.
func (m *member) findCoordinator(ctx context.Context) (int32, error) {
	if id := m.coordinator.Load(); id != anyBroker {
		return id, nil
	}
	r, err := m.c.do(ctx, anyBroker, &findcoordinator.Request{Key: m.group})
	if err != nil {
		return anyBroker, err
	}
	found := r.(*findcoordinator.Response)
	if err := codeError(found.ErrorCode); err != nil {
		return anyBroker, err
	}
	m.coordinator.Store(found.NodeID)
	return found.NodeID, nil
}
