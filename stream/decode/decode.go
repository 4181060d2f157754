package decode

import (
	"fmt"

	"phasor/stream"
)

// Reason says why a record was not accepted.
type Reason uint8

// The reasons, in the order in which metrics list them.
const (
	Accepted Reason = iota
	Decode
	Schema
	Dimension
	Nonfinite
	Oversize
	Tombstone
	Filtered
	reasons
)

var reasonNames = [reasons]string{
	"accepted", "decode", "schema", "dimension", "nonfinite", "oversize", "tombstone", "filtered",
}

// String returns the name under which metrics count the reason.
func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Reasons lists every reason for which a record can be rejected.
func Reasons() []Reason {
	return []Reason{Decode, Schema, Dimension, Nonfinite, Oversize, Tombstone, Filtered}
}

// Result is what became of one record.
type Result struct {
	// Reason is Accepted, or why the record was rejected. In the tags format a
	// record that is accepted mostly emits nothing, and Schema may also mean
	// that the tick which this record completed lacked a channel; the record
	// itself is then kept.
	Reason Reason
	// Emitted says that x holds a vector.
	Emitted bool
	// Time is the event time of the vector in unix milliseconds, from the time
	// field when one is configured, else the record's own timestamp; -1 is none.
	Time int64
	// Missing counts the channels that took their last value.
	Missing int
	// Channel is the first channel at fault, or -1.
	Channel int
}

// Decoder decodes the records of one partition, in order. It is not safe for
// concurrent use.
type Decoder interface {
	// Decode decodes rec into x, whose length must be that of Config.Vector. x
	// is unspecified unless Emitted is set. It does not allocate in the steady
	// state and keeps no reference to rec.
	Decode(x []float64, rec *stream.Record) Result

	// State returns what later records depend on: the last values of the
	// channels, the pending tick and the windows. Equal states have equal bytes.
	State() []byte

	// Restore takes back what State of a decoder with the same Config
	// returned; no bytes at all stand for the state of a new decoder. On error
	// the decoder is unchanged.
	Restore(state []byte) error
}

// New returns a decoder for c, which must be valid.
func New(c Config) (Decoder, error) {
	c, err := c.Load()
	if err != nil {
		return nil, err
	}
	c = c.withDefaults()
	d, err := newPlain(c)
	if err != nil || c.Window.Lags == 0 {
		return d, err
	}
	return newWindow(c, d)
}

// newPlain returns a decoder without windows.
func newPlain(c Config) (Decoder, error) {
	switch c.Format {
	case "json":
		return newJSON(c)
	case "csv":
		return newCSV(c)
	case "float32", "float64":
		return newRaw(c), nil
	case "log":
		return newLog(c)
	case "avro":
		return newAvro(c)
	case "protobuf":
		return newProtobuf(c)
	default:
		return newTags(c)
	}
}

func reject(r Reason) Result { return Result{Reason: r, Time: -1, Channel: -1} }

// envelope checks what every format checks before it looks at the bytes.
func envelope(rec *stream.Record, maxBytes int) Reason {
	if rec.Value == nil {
		return Tombstone
	}
	if len(rec.Value) > maxBytes {
		return Oversize
	}
	return Accepted
}
