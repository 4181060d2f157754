package sketcher

import (
	"context"
	"time"

	"phasor/stream"
	"phasor/stream/decode"
)

const (
	// prepareTimeout bounds one attempt to fetch what records need to be decoded; what it got is kept.
	prepareTimeout = 20 * time.Second
	maxPrepareWait = 10 * time.Second
)

// Prepare fetches what the records need to be decoded, their schemas. It may run while another goroutine cuts.
func (f *Fold) Prepare(ctx context.Context, records []stream.Record) error {
	return decode.Prepare(ctx, f.dec, records)
}

// await calls prepare until it succeeds or ctx ends. A record whose schema cannot be had is not a bad one: reading waits,
// as it does for a broker. At each failure, and at least once a pulse, it calls told with the error.
func await(ctx context.Context, prepare func(context.Context) error, told func(err error, wait time.Duration)) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, maxPrepareWait) {
		limited, cancel := context.WithTimeout(ctx, prepareTimeout)
		err := prepare(limited)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		told(err, wait)
		for left := wait; left > 0; left -= pulse {
			timer := time.NewTimer(min(left, pulse))
			select {
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			case <-timer.C:
			}
			told(nil, 0)
		}
	}
}

// prepare fetches what the records of a batch need, however long that takes.
func (o *owner) prepare(ctx context.Context, records []stream.Record) error {
	err := await(ctx, func(ctx context.Context) error { return o.fold.Prepare(ctx, records) }, func(err error, wait time.Duration) {
		o.beat.now()
		o.heard.now() // The silence is not the broker's.
		if err != nil {
			o.unprepared.Add(1)
			o.log.Warn("records cannot be decoded yet and are waited for; trying again", "offset", o.fold.Next(), "err", err, "wait", wait)
		}
	})
	if err == nil {
		o.unprepared.Store(0)
	}
	return err
}
