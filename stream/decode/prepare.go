package decode

import (
	"context"
	"errors"

	"phasor/stream"
)

// ErrAway is wrapped by the errors of Prepare.
var ErrAway = errors.New("decode: schema registry is away")

// preparer is a decoder that needs more than the records.
type preparer interface {
	prepare(ctx context.Context, records []stream.Record) error
}

// Prepare fetches what d needs to decode the records: the schemas of Avro records
// that it has not met. Most formats need nothing. An error, which wraps ErrAway or
// is that of ctx, says that it cannot be had now, not that a record is bad: try
// again. Decode of a record that Prepare was not called for waits for as long as it
// takes. Prepare may run while another goroutine calls State.
func Prepare(ctx context.Context, d Decoder, records []stream.Record) error {
	if p, ok := d.(preparer); ok {
		return p.prepare(ctx, records)
	}
	return nil
}

func (w *windowDecoder) prepare(ctx context.Context, records []stream.Record) error {
	return Prepare(ctx, w.inner, records)
}
