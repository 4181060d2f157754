package kafka

import (
	"context"
	"sync"

	"phasor/stream"
)

// response is one answer on its way from the goroutine that fetches to the owner that folds.
type response struct {
	call     *fetchCall
	fields   fetched
	offset   int64 // Where it begins.
	next     int64 // Where the next one begins.
	end      int64 // The first offset that cannot be read yet.
	logStart int64
	bad      *badBatch // Follows what is in fields.batches.
	need     int       // Bytes that the first batch takes, if it did not fit.
	err      error     // Instead of everything else.
}

// reader reads one response ahead. Two responses go round: one is being fetched or waits, one is with the owner.
type reader struct {
	c      *Client
	id     stream.PartitionID
	cancel context.CancelFunc
	done   sync.WaitGroup
	ready  chan *response
	free   chan *response

	current *response
	parser  parser
	records []stream.Record
	err     error // Final.
}

func newReader(c *Client, id stream.PartitionID, offset int64) *reader {
	r := &reader{c: c, id: id, ready: make(chan *response, 2), free: make(chan *response, 2)}
	r.parser.committed = c.cfg.Isolation == readCommitted
	r.parser.codecs.limit = c.cfg.Fetch.DecompressionLimit
	r.free <- new(response)
	r.free <- new(response)
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	f := newFetcher(c, id, offset)
	r.done.Go(func() { r.run(ctx, f) })
	return r
}

// run fetches until ctx ends or an error is final, which it passes on.
func (r *reader) run(ctx context.Context, f *fetcher) {
	for {
		var res *response
		select {
		case res = <-r.free:
		case <-ctx.Done():
			return
		}
		if res.err = f.next(ctx, res); ctx.Err() != nil {
			return
		}
		final := res.err != nil || res.bad != nil && !r.c.skips(res.bad)
		r.ready <- res // There is always room: two responses, two places.
		if final {
			return
		}
	}
}

// Read returns the next part of the responses. What it returned before is given back to the goroutine here and no
// earlier, so that it stays valid in between.
func (r *reader) Read(ctx context.Context) (stream.Batch, error) {
	if r.err != nil {
		return stream.Batch{}, r.err
	}
	if r.current != nil && r.parser.done() && r.current.bad == nil {
		r.free <- r.current
		r.current = nil
	}
	if r.current == nil {
		select {
		case res := <-r.ready:
			if res.err != nil {
				r.err = res.err
				return stream.Batch{}, r.err
			}
			r.current = res
			r.parser.reset(res.fields.batches, res.fields.aborted, res.offset)
		case <-ctx.Done():
			return stream.Batch{}, ctx.Err()
		}
	}
	return r.part()
}

// part returns what the parser gives of the current response, and what could not be read after it.
func (r *reader) part() (stream.Batch, error) {
	res := r.current
	var bad *badBatch
	r.records, bad = r.parser.next(r.records)
	b := stream.Batch{Records: r.records, Next: r.parser.offset, HighWatermark: res.end, LogStart: res.logStart}
	if bad == nil && r.parser.done() {
		bad, res.bad = res.bad, nil
		if bad == nil {
			b.Next = max(b.Next, res.next)
		}
	}
	if bad == nil {
		return b, nil
	}
	e := &stream.CorruptError{ID: r.id, First: bad.first, Next: bad.next, Reason: bad.reason}
	if r.c.skips(bad) {
		r.c.cfg.Hooks.skipped(e)
		b.Skipped = append(b.Skipped, e)
		b.Next = max(b.Next, bad.next)
		return b, nil
	}
	r.err = e
	if len(b.Records) == 0 {
		return stream.Batch{}, e
	}
	b.Next = bad.first
	return b, nil
}

// skips says whether a batch that cannot be read is passed over: only if that is wanted and its end is known.
func (c *Client) skips(bad *badBatch) bool {
	return c.cfg.Corrupt == corruptSkip && bad.next > bad.first
}

func (r *reader) Close() error {
	r.cancel()
	r.done.Wait()
	r.parser.codecs.close()
	if r.err == nil {
		r.err = stream.ErrClosed
	}
	return nil
}
