package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"phasor/stream"
)

// fetcher gets the responses of one partition, one after the other, whatever happens to its brokers. It is for one
// goroutine.
type fetcher struct {
	c      *Client
	id     stream.PartitionID
	offset int64

	maxBytes int
	maxWait  time.Duration
	known    time.Time // What was said of the topic before is not believed.
	high     int64     // The highest high watermark seen.
	end      int64     // The end seen last, -1 before.
	progress time.Time // When the position moved last, or had nowhere to move to.
	alarm    time.Time // When the next Stalled is due.
	retries  backoff
}

func newFetcher(c *Client, id stream.PartitionID, offset int64) *fetcher {
	f := &fetcher{c: c, id: id, offset: offset, maxBytes: c.cfg.Fetch.MaxBytes, maxWait: c.cfg.Fetch.MaxWait, end: -1}
	f.moved()
	return f
}

// next fills res with a response that has batches, or says that there are none now. It returns an error that wraps one
// of stream's, or that of ctx; all else it tries again.
func (f *fetcher) next(ctx context.Context, res *response) error {
	for {
		err := f.attempt(ctx, res)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			f.retries.reset()
			if res.next > f.offset || res.bad != nil || f.offset >= res.end {
				f.moved()
			}
			f.watch()
			if f.grow(res) {
				continue
			}
			f.offset = res.next
			return nil
		case isFinal(err):
			return err
		}
		f.known = time.Now()
		f.watch()
		wait := f.retries.next()
		f.c.retrying(f.id, err, wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// isFinal says whether trying again cannot help.
func isFinal(err error) bool {
	return errors.Is(err, stream.ErrTruncated) || errors.Is(err, stream.ErrRetention) || errors.Is(err, stream.ErrRecreated)
}

func (f *fetcher) moved() {
	f.progress = time.Now()
	f.alarm = f.progress.Add(f.c.cfg.Stall)
}

// watch reports and reconnects if the position has not moved for too long although there are records, or nobody knows
// whether there are.
func (f *fetcher) watch() {
	now := time.Now()
	if now.Before(f.alarm) {
		return
	}
	f.alarm = now.Add(f.c.cfg.Stall)
	f.known = now
	f.c.cfg.Hooks.stalled(f.id, f.offset, f.end, now.Sub(f.progress))
	f.c.reconnect()
}

// grow says that the response was too small for one batch and must be asked for again, larger. Brokers since 0.10.1
// (KIP-74) send the first batch whole.
func (f *fetcher) grow(res *response) bool {
	if res.need == 0 {
		f.maxBytes = f.c.cfg.Fetch.MaxBytes
		return false
	}
	f.maxBytes = min(max(2*f.maxBytes, res.need), f.c.cfg.Fetch.BatchLimit)
	return true
}

// attempt asks once.
func (f *fetcher) attempt(ctx context.Context, res *response) error {
	// A topic that was created again answers under its name as if nothing had happened, so its id is looked at now and
	// then, and at once when the log seems to have shrunk.
	if old := time.Now().Add(-f.c.cfg.Watch); f.known.Before(old) {
		f.known = old
	}
	leader, topicID, err := f.c.topics.leader(ctx, f.id, f.known)
	if known(topicID) && known(f.id.TopicID) && topicID != f.id.TopicID {
		return f.recreated(topicID)
	}
	if err != nil {
		return err
	}
	call := res.call
	if call == nil {
		call = &fetchCall{topic: f.id.Topic, partition: int32(f.id.Partition), committed: f.c.cfg.Isolation == readCommitted,
			minBytes: 1, limit: f.c.cfg.Fetch.BatchLimit + 1<<20, clientID: f.c.cfg.ClientID}
		call.topicID, _ = rawTopicID(f.id.TopicID)
	}
	if call.broker != leader {
		call.asked, call.byID = false, false
	}
	res.call = nil // Given up unless the round trip ends well.
	call.broker, call.offset, call.maxBytes, call.maxWait = leader, f.offset, int32(f.maxBytes), f.maxWait
	if cap(call.response) > keepBytes && len(call.response) < cap(call.response)/4 {
		call.response = nil
	}
	started := time.Now()
	if err := f.c.fetch(ctx, call); err != nil {
		return err
	}
	res.call = call
	if err := call.parse(&res.fields); err != nil {
		return err
	}
	f.c.cfg.Hooks.fetched(f.id, len(call.response), time.Since(started))
	return f.accept(ctx, res)
}

func known(topicID string) bool { return topicID != "" && topicID != stream.NoTopicID }

func (f *fetcher) recreated(topicID string) error {
	return &stream.PositionError{ID: f.id, Offset: f.offset, Start: 0, End: max(f.end, 0), Err: stream.ErrRecreated,
		Detail: fmt.Sprintf("topic id was %s, is %s", f.id.TopicID, topicID)}
}

// accept looks at what the broker said and scans the batches.
func (f *fetcher) accept(ctx context.Context, res *response) error {
	v := &res.fields
	switch code := kafka.Error(v.code); code {
	case 0:
	case kafka.OffsetOutOfRange:
		return f.outOfRange(ctx)
	default:
		return code
	}
	if v.high < f.high {
		f.known = time.Now()
	}
	f.high = v.high
	f.end = v.high
	if f.c.cfg.Isolation == readCommitted && v.stable >= 0 {
		f.end = v.stable
	}
	s := scan(v.batches, f.offset, v.high, f.c.cfg.Fetch.BatchLimit)
	v.batches = v.batches[:s.good]
	res.offset, res.next, res.end, res.logStart = f.offset, s.next, f.end, max(v.logStart, 0)
	res.bad, res.need = s.bad, s.need
	if s.bad != nil && f.c.skips(s.bad) {
		res.next = s.bad.next
	}
	return nil
}

// outOfRange finds out on which side of the log the position is.
func (f *fetcher) outOfRange(ctx context.Context) error {
	f.known = time.Now()
	leader, topicID, err := f.c.topics.leader(ctx, f.id, f.known)
	if err != nil {
		return err
	}
	if known(topicID) && known(f.id.TopicID) && topicID != f.id.TopicID {
		return f.recreated(topicID)
	}
	start, err := f.c.listOffset(ctx, leader, f.id, kafka.FirstOffset, false)
	if err != nil {
		return err
	}
	end, err := f.c.listOffset(ctx, leader, f.id, kafka.LastOffset, false)
	if err != nil {
		return err
	}
	e := &stream.PositionError{ID: f.id, Offset: f.offset, Start: start, End: end}
	switch {
	case f.offset < start:
		e.Err = stream.ErrRetention
	case f.offset > end:
		e.Err = stream.ErrTruncated
	default:
		return kafka.OffsetOutOfRange // It is in range now: the log moved in between.
	}
	return e
}
