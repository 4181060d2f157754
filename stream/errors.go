package stream

import (
	"errors"
	"fmt"
)

// The ways in which a position and a log can disagree, and the one in which a log can disagree with itself.
var (
	// ErrTruncated: the position is past the end of the log. Records that were read are gone from the log.
	ErrTruncated = errors.New("log truncated")
	// ErrRetention: the position is before the start of the log. Records were deleted before they were read.
	ErrRetention = errors.New("records lost to retention")
	// ErrRecreated: the topic has another id. It was deleted and created again under the same name.
	ErrRecreated = errors.New("topic recreated")
	// ErrReplaced: the last record that was read is still there and is another one.
	ErrReplaced = errors.New("record replaced")
	// ErrCorrupt: a batch of the log cannot be read: its checksum, its format or its size is wrong.
	ErrCorrupt = errors.New("corrupt batch")
	// ErrClosed: the Reader was closed.
	ErrClosed = errors.New("reader closed")
)

// PositionError says which position did not fit which log. It wraps the sentinel in Err.
type PositionError struct {
	ID     PartitionID
	Offset int64 // The position.
	Start  int64 // The log's range when it was asked.
	End    int64
	Err    error  // ErrTruncated, ErrRetention, ErrRecreated or ErrReplaced.
	Detail string // What was found, for ErrRecreated and ErrReplaced.
}

func (e *PositionError) Error() string {
	s := fmt.Sprintf("stream: %s: %v: position %d, log [%d, %d)", e.ID, e.Err, e.Offset, e.Start, e.End)
	switch e.Err {
	case ErrTruncated:
		s += fmt.Sprintf(": %d records that were read are no longer in the log", e.Offset-e.End)
	case ErrRetention:
		s += fmt.Sprintf(": %d offsets were deleted unread", e.Start-e.Offset)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

func (e *PositionError) Unwrap() error { return e.Err }

// CorruptError says which offsets could not be read and why. It wraps ErrCorrupt.
type CorruptError struct {
	ID     PartitionID
	First  int64 // The offsets [First, Next) are unreadable; Next is First if not even that is known.
	Next   int64
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("stream: %s: %v: offsets [%d, %d): %s", e.ID, ErrCorrupt, e.First, e.Next, e.Reason)
}

func (e *CorruptError) Unwrap() error { return ErrCorrupt }
