package stream

import (
	"context"
	"crypto/sha256"
	"fmt"
)

// Position is what an owner remembers of a partition between two lives.
type Position struct {
	TopicID string // NoTopicID if it was not known.
	Next    int64
	Last    int64             // Offset of the last record that was delivered; -1 if none was.
	LastSum [sha256.Size]byte // Its Record.Sum.
}

// Check says whether p still is the log in which pos was taken. It returns nil, or an error that wraps ErrRecreated,
// ErrTruncated, ErrRetention or ErrReplaced, or the error of the broker that could not be asked.
//
// Where one of the two topic ids is unknown, the last record stands in for it: if it is there and the same, the log is
// the same. A last record that compaction or retention removed proves nothing and passes.
func Check(ctx context.Context, p Partition, pos Position) error {
	start, end, err := p.Range(ctx)
	if err != nil {
		return fmt.Errorf("stream: %s: asking for the range of the log: %w", p.ID(), err)
	}
	id := p.ID()
	fail := func(err error, detail string) error {
		return &PositionError{ID: id, Offset: pos.Next, Start: start, End: end, Err: err, Detail: detail}
	}
	if pos.TopicID != "" && pos.TopicID != NoTopicID && id.TopicID != NoTopicID && pos.TopicID != id.TopicID {
		return fail(ErrRecreated, fmt.Sprintf("topic id was %s, is %s", pos.TopicID, id.TopicID))
	}
	if pos.Next > end {
		return fail(ErrTruncated, "")
	}
	if pos.Next < start {
		return fail(ErrRetention, "")
	}
	if pos.Last < start {
		return nil
	}
	rec, ok, err := p.At(ctx, pos.Last)
	if err != nil {
		return fmt.Errorf("stream: %s: reading the record at offset %d: %w", id, pos.Last, err)
	}
	if ok && rec.Sum() != pos.LastSum {
		return fail(ErrReplaced, fmt.Sprintf("the record at offset %d is not the one that was read", pos.Last))
	}
	return nil
}
