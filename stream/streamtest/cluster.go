// Package streamtest is a log in memory that misbehaves on request: topics can be created again, truncated, trimmed by
// retention and rewritten, and a group of members hands partitions around, properly or not.
//
//	c := streamtest.New(map[string]int{"press": 2})
//	c.Append("press", 0, streamtest.Values("a", "b")...)
//	err := c.Static("press").Run(ctx, own)
//
// The bytes of a delivered Batch are overwritten when its Reader is read again or closed, so that a consumer that keeps
// them is found out.
package streamtest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"phasor/stream"
)

// Cluster holds topics. Its fields may be set before the first use; its methods are safe for concurrent use.
type Cluster struct {
	MaxBatch int           // Records in a batch at most; 1000 if zero.
	MaxWait  time.Duration // How long a Read waits for records; 5 ms if zero.

	mu      sync.Mutex
	topics  map[string]*topic
	changed chan struct{} // Closed and replaced at each change of a log.
	created int
	commits map[partitionKey]int64
}

type partitionKey struct {
	topic     string
	partition int
}

type topic struct {
	id   string
	logs []*log
}

type log struct {
	start, end int64
	records    []stream.Record // By offset; offsets may be missing.
	failure    error           // Returned by readers if set.
}

// New returns a cluster with the given topics and their numbers of partitions.
func New(topics map[string]int) *Cluster {
	c := &Cluster{topics: map[string]*topic{}, changed: make(chan struct{}), commits: map[partitionKey]int64{}}
	for _, name := range sortedKeys(topics) {
		c.topics[name] = c.newTopic(topics[name])
	}
	return c
}

func (c *Cluster) newTopic(partitions int) *topic {
	c.created++
	t := &topic{id: fmt.Sprintf("id%d", c.created)}
	for range partitions {
		t.logs = append(t.logs, &log{})
	}
	return t
}

// Values makes records with the given values, no keys and no timestamps.
func Values(v ...string) []stream.Record {
	recs := make([]stream.Record, len(v))
	for i := range v {
		recs[i] = stream.Record{Time: stream.NoTime, Value: []byte(v[i])}
	}
	return recs
}

// Append adds copies of records and returns the new end of the log. Their offsets are ignored: they follow the end.
func (c *Cluster) Append(topic string, partition int, recs ...stream.Record) (end int64) {
	c.change(topic, partition, func(l *log) {
		for i := range recs {
			r := recs[i].Clone()
			r.Offset = l.end
			l.records = append(l.records, r)
			l.end++
		}
		end = l.end
	})
	return end
}

// Skip moves the end of the log over n offsets that hold no records, as a transaction marker or compaction does.
func (c *Cluster) Skip(topic string, partition int, n int64) {
	c.change(topic, partition, func(l *log) { l.end += n })
}

// Truncate forgets everything from end on, as an unclean election of a leader does.
func (c *Cluster) Truncate(topic string, partition int, end int64) {
	c.change(topic, partition, func(l *log) {
		l.records = slices.DeleteFunc(l.records, func(r stream.Record) bool { return r.Offset >= end })
		l.end = min(l.end, end)
		l.start = min(l.start, end)
	})
}

// Retain forgets everything before start, as retention does.
func (c *Cluster) Retain(topic string, partition int, start int64) {
	c.change(topic, partition, func(l *log) {
		l.records = slices.DeleteFunc(l.records, func(r stream.Record) bool { return r.Offset < start })
		l.start = max(l.start, start)
		l.end = max(l.end, start)
	})
}

// Remove deletes the record at one offset, as compaction does.
func (c *Cluster) Remove(topic string, partition int, offset int64) {
	c.change(topic, partition, func(l *log) {
		l.records = slices.DeleteFunc(l.records, func(r stream.Record) bool { return r.Offset == offset })
	})
}

// Replace puts another record at an offset that has one.
func (c *Cluster) Replace(topic string, partition int, offset int64, rec stream.Record) {
	c.change(topic, partition, func(l *log) {
		for i := range l.records {
			if l.records[i].Offset == offset {
				l.records[i] = rec.Clone()
				l.records[i].Offset = offset
			}
		}
	})
}

// Fail makes every Read of the partition return err until it is called with nil.
func (c *Cluster) Fail(topic string, partition int, err error) {
	c.change(topic, partition, func(l *log) { l.failure = err })
}

// Recreate deletes a topic and creates it again, empty and with another id.
func (c *Cluster) Recreate(topic string, partitions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.topics[topic] = c.newTopic(partitions)
	c.wake()
}

// Expand adds partitions to a topic. Sources notice at their next rebalance.
func (c *Cluster) Expand(topic string, partitions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := c.topics[topic]; len(t.logs) < partitions; {
		t.logs = append(t.logs, &log{})
	}
	c.wake()
}

// Committed returns the last offset committed for a partition, -1 if none was.
func (c *Cluster) Committed(topic string, partition int) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if next, ok := c.commits[partitionKey{topic, partition}]; ok {
		return next
	}
	return -1
}

// ID returns the identity of a partition as it is now.
func (c *Cluster) ID(topic string, partition int) stream.PartitionID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return stream.PartitionID{Topic: topic, TopicID: c.topics[topic].id, Partition: partition}
}

// Partition returns a partition outside any Source.
func (c *Cluster) Partition(topic string, partition int) stream.Partition {
	return &memoryPartition{c: c, id: c.ID(topic, partition)}
}

func (c *Cluster) change(topic string, partition int, f func(*log)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.topics[topic].logs[partition])
	c.wake()
}

// wake is called with the lock held.
func (c *Cluster) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// log returns the log of id, nil if the topic was created again or has no such partition. The lock is held.
func (c *Cluster) log(id stream.PartitionID) *log {
	t := c.topics[id.Topic]
	if t == nil || t.id != id.TopicID || id.Partition >= len(t.logs) {
		return nil
	}
	return t.logs[id.Partition]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
