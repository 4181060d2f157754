package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/heartbeat"

	"phasor/stream"
)

// Group returns a Source that is a member of a consumer group while it runs; group "" is the configured one. Where a
// partition is continued is the owner's business: offsets are committed to the group, for the tools that show lag, but
// never read from it.
//
// At every rebalance each partition of this member is taken away and, if it stays, given back. The owners have half of
// the session to return; one that does not is reported lost, keeps running until it returns, and delays the next owner
// of its partition in this process.
func (c *Client) Group(topics []string, group string) stream.Source {
	if group == "" {
		group = c.cfg.Group
	}
	topics = slices.Compact(slices.Sorted(slices.Values(topics)))
	return &groupSource{c: c, topics: topics, group: group}
}

type groupSource struct {
	c      *Client
	topics []string
	group  string
}

// member is one run of a groupSource.
type member struct {
	*groupSource
	owners   *owners
	balancer *sticky
	conns    conns
	timeout  time.Duration // Of a request to the coordinator.
	active   atomic.Int32  // Generations being served.
	serving  sync.Mutex    // One at a time.
	seen     map[string]topicShape

	coordinator atomic.Int32 // The broker that was found last, anyBroker if none is known.
}

// topicShape is what must not change in the course of a generation.
type topicShape struct {
	id         string
	partitions int
}

func (g *groupSource) Run(ctx context.Context, f own) error {
	parent := ctx
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	// A heartbeat's timeout, the revocation and a heartbeat's interval together stay within the session.
	timeout := max(g.c.cfg.Session/4, 250*time.Millisecond)
	m := &member{groupSource: g, owners: newOwners(g.c, f, fail), balancer: &sticky{}, timeout: timeout,
		conns: conns{timeout: min(timeout, g.c.cfg.DialTimeout)}, seen: map[string]topicShape{}}
	m.coordinator.Store(anyBroker)
	defer m.owners.wg.Wait()
	if len(g.topics) == 0 {
		return errors.New("kafka: a group without topics: nothing would be read; name at least one")
	}
	if !m.await(ctx) {
		return nil
	}
	dialer := &kafka.Dialer{ClientID: g.c.cfg.ClientID, Timeout: g.c.cfg.DialTimeout, DialFunc: m.conns.dial, TLS: g.c.tls}
	if g.c.sasl != nil {
		dialer.SASLMechanism = g.c.sasl
	}
	cg, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                g.group,
		Brokers:           g.c.cfg.Brokers,
		Dialer:            dialer,
		Topics:            g.topics,
		GroupBalancers:    []kafka.GroupBalancer{m.balancer, kafka.RangeGroupBalancer{}},
		HeartbeatInterval: g.c.cfg.Heartbeat,
		SessionTimeout:    g.c.cfg.Session,
		RebalanceTimeout:  g.c.cfg.Session,
		JoinGroupBackoff:  min(time.Second, g.c.cfg.Session/4),
		Timeout:           timeout,
	})
	if err != nil {
		return fmt.Errorf("kafka: group %s: %w", g.group, err)
	}
	for ctx.Err() == nil {
		gen, err := cg.Next(ctx)
		if err == nil {
			m.active.Add(1)
			m.owners.wg.Add(1)
			gen.Start(func(gctx context.Context) {
				defer m.owners.wg.Done()
				defer m.active.Add(-1)
				m.serve(ctx, gctx, gen)
			})
		} else if errors.Is(err, kafka.InvalidSessionTimeout) {
			fail(fmt.Errorf("kafka: group %s: %w: kafka.session is %v: choose one between the brokers' group.min.session.timeout.ms (6s by default) and group.max.session.timeout.ms",
				g.group, err, g.c.cfg.Session))
		} else if ctx.Err() == nil {
			g.c.cfg.Hooks.groupRetry(g.group, err)
		}
	}
	m.leave(cg)
	m.owners.wg.Wait()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// await waits until all topics exist, because a group joined before rebalances without end. It says false if ctx ended.
func (m *member) await(ctx context.Context) bool {
	var b backoff
	for ctx.Err() == nil {
		missing := false
		for _, topic := range m.topics {
			if _, err := m.shape(ctx, topic); err != nil {
				missing = true
				m.c.cfg.Hooks.groupRetry(m.group, fmt.Errorf("topic %s: %w", topic, err))
			}
		}
		if !missing {
			return true
		}
		if sleep(ctx, b.next()) != nil {
			break
		}
	}
	return false
}

// shape asks what a topic is now; the error is the topic's too.
func (m *member) shape(ctx context.Context, topic string) (topicShape, error) {
	info, err := m.c.topics.get(ctx, topic, time.Now())
	if err == nil {
		err = info.err()
	}
	if err != nil {
		return topicShape{}, err
	}
	s := topicShape{info.id, len(info.leaders)}
	if _, ok := m.seen[topic]; !ok {
		m.seen[topic] = s
	}
	return s, nil
}

// serve owns the partitions of a generation from its begin to its end. kafka-go joins the next one when it returns.
func (m *member) serve(ctx, gctx context.Context, gen *kafka.Generation) {
	m.serving.Lock() // kafka-go does not wait for this function if the generation ended before it began.
	defer m.serving.Unlock()
	assigned := map[string][]int{}
	for topic, parts := range gen.Assignments {
		for _, p := range parts {
			assigned[topic] = append(assigned[topic], p.ID)
		}
		slices.Sort(assigned[topic])
	}
	m.balancer.set(gen.ID, assigned)
	octx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopOwners := context.AfterFunc(gctx, cancel) // Owners hear of the end even while topics are looked up.
	defer stopOwners()
	running := m.ownUntilEnd(octx, gen, assigned)
	cancel()
	m.release(gen, running)
}

// ownUntilEnd starts the owners as their topics become known, and returns when ctx ends or a topic changed.
func (m *member) ownUntilEnd(ctx context.Context, gen *kafka.Generation, assigned map[string][]int) (running []*owner) {
	pending := slices.Clone(m.topics)
	commits := m.newCommits(gen)
	begun := time.Now()
	var b backoff
	for first := true; ; first = false {
		changed := false
		var started []stream.PartitionID
		for _, topic := range m.topics {
			s, err := m.shape(ctx, topic)
			if ctx.Err() != nil {
				break
			}
			if err != nil {
				m.c.cfg.Hooks.groupRetry(m.group, fmt.Errorf("topic %s: %w", topic, err))
				continue
			}
			if s != m.seen[topic] {
				m.seen[topic] = s
				changed = true
			}
			// The leader assigns what the coordinator knew, which may be less than there was for a while already.
			if n, left := m.balancer.left(topic, s.partitions); left && time.Since(begun) >= m.c.cfg.Watch {
				m.c.cfg.Hooks.groupRetry(m.group, fmt.Errorf("only %d of the %d partitions of topic %s were assigned, as many as the coordinator knew: joining again", n, s.partitions, topic))
				changed = true
			}
			if i := slices.Index(pending, topic); i >= 0 {
				pending = slices.Delete(pending, i, i+1)
				for _, p := range assigned[topic] {
					id := stream.PartitionID{Topic: topic, TopicID: s.id, Partition: p}
					commit := func(ctx context.Context, next int64) error { return commits.commit(ctx, partitionKey{topic, p}, next) }
					running = append(running, m.owners.start(ctx, &partition{c: m.c, id: id, commit: commit}))
					started = append(started, id)
				}
			}
		}
		if first || len(started) > 0 {
			m.c.cfg.Hooks.assigned(started)
		}
		if changed || ctx.Err() != nil {
			return running
		}
		wait := m.c.cfg.Watch
		if len(pending) > 0 {
			wait = min(wait, b.next())
		}
		if sleep(ctx, wait) != nil {
			return running
		}
	}
}

// release waits for the owners and reports what became of their partitions.
func (m *member) release(gen *kafka.Generation, running []*owner) {
	expelled := make(chan bool, 1)
	m.owners.wg.Go(func() { expelled <- m.expelled(gen) })
	returned, late := stop(running, m.c.cfg.Session/2)
	if <-expelled {
		late, returned = append(late, returned...), nil
	}
	m.c.cfg.Hooks.revoked(returned)
	m.c.cfg.Hooks.lost(late)
}

// expelled asks the coordinator whether it has given this member up, which is how a revocation and a loss differ.
func (m *member) expelled(gen *kafka.Generation) bool {
	ctx, cancel := context.WithTimeout(context.Background(), m.timeout)
	defer cancel()
	m.coordinator.Store(anyBroker) // That it is another one now may be the reason.
	broker, err := m.findCoordinator(ctx)
	if err != nil {
		return false
	}
	// Version 0, because kafka-go reads the fields of the later ones in the wrong order.
	r, err := m.c.send(ctx, &call{broker: broker, highest: 0,
		message: &heartbeat.Request{GroupID: m.group, GenerationID: gen.ID, MemberID: gen.MemberID}})
	if err != nil {
		return false
	}
	code := kafka.Error(r.(*heartbeat.Response).ErrorCode)
	return code == kafka.UnknownMemberId || code == kafka.IllegalGeneration
}

// leave ends the membership. kafka-go cannot be interrupted while it waits for the other members to join; then its
// connections are cut, and it leaves over a new one.
func (m *member) leave(cg *kafka.ConsumerGroup) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		cg.Close()
	}()
	for {
		select {
		case <-done:
			m.conns.close()
			return
		case <-time.After(m.timeout):
			if m.active.Load() == 0 {
				m.conns.cut()
			}
		}
	}
}
