package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/deletetopics"
)

// Topic is a topic as it is now.
type Topic struct {
	Name       string
	ID         string // stream.NoTopicID if the broker does not tell.
	Partitions int
}

// ErrNoTopic: the topic does not exist, or its existence is hidden from this user.
var ErrNoTopic = errors.New("no such topic")

// Topic asks for a topic. The error wraps ErrNoTopic if there is none. It asks once.
func (c *Client) Topic(ctx context.Context, name string) (Topic, error) {
	info, err := c.topics.get(ctx, name, time.Now())
	if err != nil {
		return Topic{}, c.explain("looking for topic "+name, err)
	}
	switch err := info.err(); {
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return Topic{}, fmt.Errorf("kafka: topic %s: %w: create it, or correct the name", name, ErrNoTopic)
	case err != nil:
		return Topic{}, c.explain("looking for topic "+name, err)
	}
	return Topic{Name: name, ID: info.id, Partitions: len(info.leaders)}, nil
}

func missingPartition(topic string, partition, partitions int) error {
	return fmt.Errorf("kafka: topic %s has %d partitions: partition %d cannot be read", topic, partitions, partition)
}

// CreateTopic makes sure that a topic exists and returns it when its partitions have leaders. A topic that was there
// stays as it is, whatever its number of partitions. Replicas 0 is the broker's default.
func (c *Client) CreateTopic(ctx context.Context, name string, partitions, replicas int, settings map[string]string) (Topic, error) {
	if partitions < 1 {
		return Topic{}, fmt.Errorf("kafka: creating topic %s with %d partitions: at least 1 is needed", name, partitions)
	}
	switch _, err := c.Topic(ctx, name); {
	case err == nil:
		return c.settled(ctx, name) // No right to create topics is needed for one that is there.
	case !errors.Is(err, ErrNoTopic) && !errors.Is(err, ErrAuthorization):
		return Topic{}, err
	}
	if replicas == 0 {
		replicas = -1
	}
	t := createtopics.RequestTopic{Name: name, NumPartitions: int32(partitions), ReplicationFactor: int16(replicas)}
	for k, v := range settings {
		t.Configs = append(t.Configs, createtopics.RequestConfig{Name: k, Value: v})
	}
	err := c.administer(ctx, func() error {
		r, err := c.do(ctx, controller, &createtopics.Request{Topics: []createtopics.RequestTopic{t}, TimeoutMs: int32(c.cfg.RequestTimeout.Milliseconds())})
		if err != nil {
			return err
		}
		for _, t := range r.(*createtopics.Response).Topics {
			if err := codeError(t.ErrorCode); err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
				return withMessage(err, t.ErrorMessage)
			}
		}
		return nil
	})
	if err != nil {
		return Topic{}, c.explain("creating topic "+name, err)
	}
	return c.settled(ctx, name)
}

// settled waits until every partition of a topic has a leader.
func (c *Client) settled(ctx context.Context, name string) (Topic, error) {
	var b backoff
	for {
		info, err := c.topics.get(ctx, name, time.Now())
		if err == nil {
			err = info.err()
		}
		if err == nil && len(info.leaders) > 0 {
			for _, l := range info.leaders {
				if l < 0 {
					err = kafka.LeaderNotAvailable
				}
			}
			if err == nil {
				return Topic{Name: name, ID: info.id, Partitions: len(info.leaders)}, nil
			}
		}
		if sleep(ctx, b.next()) != nil {
			return Topic{}, c.explain("waiting for the leaders of topic "+name, errors.Join(ctx.Err(), err))
		}
	}
}

// DeleteTopic makes sure that a topic does not exist.
func (c *Client) DeleteTopic(ctx context.Context, name string) error {
	switch _, err := c.Topic(ctx, name); {
	case errors.Is(err, ErrNoTopic):
		return nil
	case err != nil:
		return err
	}
	err := c.administer(ctx, func() error {
		r, err := c.do(ctx, controller, &deletetopics.Request{TopicNames: []string{name}, TimeoutMs: int32(c.cfg.RequestTimeout.Milliseconds())})
		if err != nil {
			return err
		}
		for _, t := range r.(*deletetopics.Response).Responses {
			if err := codeError(t.ErrorCode); err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c.explain("deleting topic "+name, err)
	}
	return nil
}

// administer repeats a request to the controller while the cluster says that it may work later.
func (c *Client) administer(ctx context.Context, try func() error) error {
	var b backoff
	for {
		err := try()
		var code kafka.Error
		if err == nil || !errors.As(err, &code) || !code.Temporary() && code != kafka.BrokerNotAvailable {
			return err
		}
		if code == kafka.BrokerNotAvailable {
			c.reconnect()
		}
		if sleep(ctx, b.next()) != nil {
			return errors.Join(ctx.Err(), err)
		}
	}
}

func withMessage(err error, message string) error {
	if message == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, message)
}
