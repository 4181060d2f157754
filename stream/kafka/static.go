package kafka

import (
	"context"
	"maps"
	"slices"
	"time"

	"phasor/stream"
)

// Static returns a Source that owns the given partitions of each topic, or all of a topic for which none are named; new
// partitions of such a topic are taken up when they appear. If a topic is created again, its owners are ended and started
// with the new id. Nothing keeps another process from reading the same partitions.
func (c *Client) Static(parts map[string][]int) stream.Source {
	return &staticSource{c: c, parts: maps.Clone(parts)}
}

type staticSource struct {
	c     *Client
	parts map[string][]int
}

func (s *staticSource) Run(ctx context.Context, f own) error {
	parent := ctx
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	o := newOwners(s.c, f, fail)
	defer o.wg.Wait()
	running := map[partitionKey]*owner{}
	var b backoff
	var since time.Time
	for ctx.Err() == nil {
		wait := s.c.cfg.Watch
		for _, topic := range slices.Sorted(maps.Keys(s.parts)) {
			if err := s.take(ctx, o, running, topic, since); err != nil && ctx.Err() == nil {
				wait = min(wait, b.next())
				s.c.retrying(stream.PartitionID{Topic: topic, TopicID: stream.NoTopicID, Partition: -1}, err, wait)
			}
		}
		if wait == s.c.cfg.Watch {
			b.reset()
		}
		if sleep(ctx, wait) != nil {
			break
		}
		since = time.Now()
	}
	o.wg.Wait()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// take starts the owners of a topic that do not run yet.
func (s *staticSource) take(ctx context.Context, o *owners, running map[partitionKey]*owner, topic string, since time.Time) error {
	info, err := s.c.topics.get(ctx, topic, since)
	if err == nil {
		err = info.err()
	}
	if err != nil {
		return err
	}
	wanted := s.parts[topic]
	if len(wanted) == 0 {
		wanted = make([]int, len(info.leaders))
		for p := range wanted {
			wanted[p] = p
		}
	}
	var started []stream.PartitionID
	for _, p := range wanted {
		if p >= len(info.leaders) {
			return missingPartition(topic, p, len(info.leaders))
		}
		id := stream.PartitionID{Topic: topic, TopicID: info.id, Partition: p}
		key := partitionKey{topic, p}
		if w := running[key]; w != nil {
			if w.id == id || !known(id.TopicID) {
				continue
			}
			w.cancel() // The next owner waits for it.
		}
		running[key] = o.start(ctx, &partition{c: s.c, id: id})
		started = append(started, id)
	}
	if len(started) > 0 {
		s.c.cfg.Hooks.assigned(started)
	}
	return nil
}
