// Package stream defines what a log of records looks like to a reader that keeps its own position.
//
// A partition is a sequence of records at increasing offsets. The log holds the range [start, end): start moves up
// when retention deletes, end when producers append. Offsets need not be dense: compaction, transactions and control
// records leave holes. A position is the offset of the next record wanted, and a reader that has seen everything below
// next is at next, whether or not a record stands at next-1.
//
//	Source ── Run(own) ──► Partition ── Read(next) ──► Reader ── Read ──► Batch{Records, Next}
//
// A Source decides which partitions this process owns and for how long. Where the position is kept is the business of
// the owner: a Source never remembers one, and Commit only tells the outside world how far the owner has come.
//
// # Errors
//
// A position that does not fit the log is reported by an error that wraps one of ErrTruncated, ErrRetention,
// ErrRecreated and ErrReplaced. A batch whose bytes cannot be trusted wraps ErrCorrupt. Everything that can pass by
// itself (a leader that moves, a connection that is cut) is retried by the Reader and never returned.
package stream

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
)

// Record is one record of a partition.
type Record struct {
	Offset int64
	Time   int64  // Unix time in milliseconds, by the producer or the broker as the topic says; NoTime if there is none.
	Key    []byte // nil: the record has no key.
	Value  []byte // nil: a tombstone.
}

// NoTime is the time of a record without a timestamp.
const NoTime = -1

// NoTopicID is the topic id where the broker has none, or does not tell.
const NoTopicID = "-"

// PartitionID names a partition of one incarnation of a topic: a topic that was deleted and created again has the same
// name and another id.
type PartitionID struct {
	Topic     string
	TopicID   string
	Partition int
}

// String is topic/partition, the way the tools of Kafka's users write it.
func (id PartitionID) String() string { return fmt.Sprintf("%s/%d", id.Topic, id.Partition) }

// Batch is what one read brought. Records, their keys and their values stay valid until the next Read or Close of the
// Reader that returned them.
type Batch struct {
	Records       []Record
	Next          int64 // The position after this batch; it moves over holes even if there are no records.
	HighWatermark int64 // The first offset a reader cannot get yet: lag is HighWatermark - Next.
	LogStart      int64 // The first offset the log still has.

	// Skipped are the batches below Next that could not be read, if the source is configured to pass over them.
	Skipped []*CorruptError
}

// Reader reads one partition in order. It is for the use of one goroutine.
type Reader interface {
	// Read returns the records after the last batch. It blocks until there are some, until Next moves or until the
	// maximal wait has passed; then the batch is empty and its HighWatermark fresh.
	// If ctx ends first, Read returns its error and can be called again. Any other error is final.
	Read(ctx context.Context) (Batch, error)

	// Close stops reading ahead and returns when every goroutine of the Reader has ended.
	Close() error
}

// Partition is a partition that the process owns at this moment.
type Partition interface {
	ID() PartitionID

	// Range returns the first offset that the log still has and the first that cannot be read yet.
	Range(ctx context.Context) (start, end int64, err error)

	// At returns a copy of the record at offset; ok is false if the log has no record there (any more).
	At(ctx context.Context, offset int64) (rec Record, ok bool, err error)

	// Read returns a Reader that starts at offset.
	Read(offset int64) Reader

	// Commit tells the group that everything below next is done. It is advisory: nobody resumes from it.
	Commit(ctx context.Context, next int64) error
}

// Source hands out partitions.
type Source interface {
	// Run owns a membership until ctx ends. It calls own once for each partition that it is given, each time in a
	// goroutine of its own, with a context that is cancelled when the partition is taken away. Run gives a partition up
	// only after own has returned, or after a bound that is well inside the group's session.
	//
	// Run returns nil after ctx has ended and every own has returned. If an own returns an error that is not the end of
	// its context, Run cancels the others, waits for them and returns that error.
	Run(ctx context.Context, own func(ctx context.Context, p Partition) error) error
}

// Sum returns the SHA-256 of a record: of its offset, time, key and value, each with its length, nil apart from empty.
// A log that still holds the record it held before gives the same sum.
func (r *Record) Sum() [sha256.Size]byte {
	h := sha256.New()
	var b [24]byte
	binary.LittleEndian.PutUint64(b[0:], uint64(r.Offset))
	binary.LittleEndian.PutUint64(b[8:], uint64(r.Time))
	h.Write(b[:16])
	sumBytes(h, b[:8], r.Key)
	sumBytes(h, b[:8], r.Value)
	return [sha256.Size]byte(h.Sum(nil))
}

func sumBytes(h hash.Hash, scratch, v []byte) {
	n := uint64(len(v))
	if v == nil {
		n = ^uint64(0)
	}
	binary.LittleEndian.PutUint64(scratch, n)
	h.Write(scratch)
	h.Write(v)
}

// Clone returns a record that shares no memory with r.
func (r *Record) Clone() Record {
	c := *r
	c.Key = cloneBytes(r.Key)
	c.Value = cloneBytes(r.Value)
	return c
}

func cloneBytes(v []byte) []byte {
	if v == nil {
		return nil
	}
	return append(make([]byte, 0, len(v)), v...)
}
