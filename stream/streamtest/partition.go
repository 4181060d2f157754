package streamtest

import (
	"context"
	"fmt"
	"sort"
	"time"

	"phasor/stream"
)

type memoryPartition struct {
	c  *Cluster
	id stream.PartitionID
}

func (p *memoryPartition) ID() stream.PartitionID { return p.id }

func (p *memoryPartition) Range(ctx context.Context) (start, end int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	l := p.c.log(p.id)
	if l == nil {
		return 0, 0, p.recreated(0)
	}
	return l.start, l.end, nil
}

func (p *memoryPartition) At(ctx context.Context, offset int64) (stream.Record, bool, error) {
	if err := ctx.Err(); err != nil {
		return stream.Record{}, false, err
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	l := p.c.log(p.id)
	if l == nil {
		return stream.Record{}, false, p.recreated(offset)
	}
	i := sort.Search(len(l.records), func(i int) bool { return l.records[i].Offset >= offset })
	if i == len(l.records) || l.records[i].Offset != offset {
		return stream.Record{}, false, nil
	}
	return l.records[i].Clone(), true, nil
}

func (p *memoryPartition) Read(offset int64) stream.Reader {
	return &memoryReader{p: p, next: offset}
}

func (p *memoryPartition) Commit(ctx context.Context, next int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.c.commits[partitionKey{p.id.Topic, p.id.Partition}] = next
	return nil
}

// recreated is called with the lock held.
func (p *memoryPartition) recreated(offset int64) error {
	detail := "the topic is gone"
	if t := p.c.topics[p.id.Topic]; t != nil {
		detail = fmt.Sprintf("topic id was %s, is %s", p.id.TopicID, t.id)
	}
	return &stream.PositionError{ID: p.id, Offset: offset, Err: stream.ErrRecreated, Detail: detail}
}

type memoryReader struct {
	p      *memoryPartition
	next   int64
	batch  []stream.Record // What was delivered last, to be overwritten.
	closed bool
}

func (r *memoryReader) Read(ctx context.Context) (stream.Batch, error) {
	r.poison()
	if r.closed {
		return stream.Batch{}, stream.ErrClosed
	}
	c := r.p.c
	wait := c.MaxWait
	if wait == 0 {
		wait = 5 * time.Millisecond
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for expired := false; ; {
		if err := ctx.Err(); err != nil {
			return stream.Batch{}, err
		}
		b, changed, err := r.take()
		if err != nil || b.Next > r.next || expired {
			if err == nil {
				r.next = b.Next
			}
			return b, err
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer.C:
			expired = true
		}
	}
}

// take returns what the log has at the position now, and the channel that tells of the next change.
func (r *memoryReader) take() (stream.Batch, <-chan struct{}, error) {
	c := r.p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.log(r.p.id)
	if l == nil {
		return stream.Batch{}, nil, r.p.recreated(r.next)
	}
	fail := func(err error) (stream.Batch, <-chan struct{}, error) {
		return stream.Batch{}, nil, &stream.PositionError{ID: r.p.id, Offset: r.next, Start: l.start, End: l.end, Err: err}
	}
	switch {
	case l.failure != nil:
		return stream.Batch{}, nil, l.failure
	case r.next > l.end:
		return fail(stream.ErrTruncated)
	case r.next < l.start:
		return fail(stream.ErrRetention)
	}
	most := c.MaxBatch
	if most == 0 {
		most = 1000
	}
	i := sort.Search(len(l.records), func(i int) bool { return l.records[i].Offset >= r.next })
	for ; i < len(l.records) && len(r.batch) < most; i++ {
		r.batch = append(r.batch, l.records[i].Clone())
	}
	next := l.end
	if i < len(l.records) {
		next = r.batch[len(r.batch)-1].Offset + 1
	}
	return stream.Batch{Records: r.batch, Next: next, HighWatermark: l.end, LogStart: l.start}, c.changed, nil
}

func (r *memoryReader) poison() {
	for i := range r.batch {
		for _, b := range [][]byte{r.batch[i].Key, r.batch[i].Value} {
			for j := range b {
				b[j] = 0xDB
			}
		}
		r.batch[i] = stream.Record{Offset: -1, Time: stream.NoTime}
	}
	r.batch = r.batch[:0]
}

func (r *memoryReader) Close() error {
	r.poison()
	r.closed = true
	return nil
}
