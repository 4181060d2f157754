package kafka

import (
	"time"

	"phasor/stream"
)

// Hooks are told of what happens, from the goroutine in which it happens: they must not block and may be called
// concurrently. Any of them may be nil.
type Hooks struct {
	// Assigned: the group gave these partitions to this member.
	Assigned func(ids []stream.PartitionID)
	// Revoked: these partitions were given up in good order, after their owners had returned.
	Revoked func(ids []stream.PartitionID)
	// Lost: these partitions may have another owner already: the membership ended without a proper revocation, or their
	// owners did not return in time.
	Lost func(ids []stream.PartitionID)
	// Retry: something failed for a partition and will be tried again after wait.
	Retry func(id stream.PartitionID, err error, wait time.Duration)
	// GroupRetry: joining the group or watching its topics failed and will be tried again.
	GroupRetry func(group string, err error)
	// Stalled: the partition has records up to end and stood at next for this long; its connections are made anew.
	Stalled func(id stream.PartitionID, next, end int64, since time.Duration)
	// Skipped: a corrupt batch was skipped, because Config.Corrupt is skip.
	Skipped func(err *stream.CorruptError)
	// Fetched: a response of this many bytes came after this time.
	Fetched func(id stream.PartitionID, bytes int, took time.Duration)
}

func (h *Hooks) assigned(ids []stream.PartitionID) {
	if h.Assigned != nil {
		h.Assigned(ids)
	}
}

func (h *Hooks) revoked(ids []stream.PartitionID) {
	if h.Revoked != nil && len(ids) > 0 {
		h.Revoked(ids)
	}
}

func (h *Hooks) lost(ids []stream.PartitionID) {
	if h.Lost != nil && len(ids) > 0 {
		h.Lost(ids)
	}
}

func (h *Hooks) retry(id stream.PartitionID, err error, wait time.Duration) {
	if h.Retry != nil {
		h.Retry(id, err, wait)
	}
}

func (h *Hooks) groupRetry(group string, err error) {
	if h.GroupRetry != nil {
		h.GroupRetry(group, err)
	}
}

func (h *Hooks) stalled(id stream.PartitionID, next, end int64, since time.Duration) {
	if h.Stalled != nil {
		h.Stalled(id, next, end, since)
	}
}

func (h *Hooks) skipped(err *stream.CorruptError) {
	if h.Skipped != nil {
		h.Skipped(err)
	}
}

func (h *Hooks) fetched(id stream.PartitionID, bytes int, took time.Duration) {
	if h.Fetched != nil {
		h.Fetched(id, bytes, took)
	}
}
