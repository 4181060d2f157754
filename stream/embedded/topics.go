package embedded

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrClosed is returned by the methods of a broker that was closed.
var ErrClosed = errors.New("embedded: the broker is closed")

// CreateTopic creates a topic; it is an error if it exists.
func (b *Broker) CreateTopic(topic string, partitions int) error {
	if err := validTopic(topic, partitions); err != nil {
		return err
	}
	return b.administer("create topic", topic, func() error { return b.cluster.CreateTopic(topic, int32(partitions), nil) })
}

// DeleteTopic deletes a topic and its records. A topic that is created again
// under its name has another id.
func (b *Broker) DeleteTopic(topic string) error {
	return b.administer("delete topic", topic, func() error { return b.cluster.DeleteTopic(topic) })
}

// DeleteRecords deletes the records before an offset, as retention does.
func (b *Broker) DeleteRecords(topic string, partition int, before int64) error {
	return b.administer("delete records of", topic, func() error { return b.cluster.DeleteRecords(topic, int32(partition), before) })
}

// Range returns the first offset of a partition's log and the one after its
// last record.
func (b *Broker) Range(topic string, partition int) (start, end int64, err error) {
	err = b.administer("range of", topic, func() error {
		p := b.cluster.PartitionInfo(topic, int32(partition))
		if p == nil {
			return fmt.Errorf("no partition %d", partition)
		}
		start, end = p.LogStartOffset, p.HighWatermark
		return nil
	})
	return start, end, err
}

// administer runs what the cluster's own loop has to do, which would wait for
// ever once it is closed.
func (b *Broker) administer(what, topic string, do func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	if err := do(); err != nil {
		return fmt.Errorf("embedded: %s %q: %w", what, topic, err)
	}
	return nil
}

// topicName is Kafka's rule, but for the length and the names "." and "..".
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

func validTopic(topic string, partitions int) error {
	if !topicName.MatchString(topic) || len(topic) > 249 || topic == "." || topic == ".." {
		return fmt.Errorf("embedded: topic %q: use 1 to 249 letters, digits, '.', '_' and '-'", topic)
	}
	if partitions < 1 || partitions > 10_000 {
		return fmt.Errorf("embedded: topic %q with %d partitions: use 1 to 10000", topic, partitions)
	}
	return nil
}
