package snapshot

import (
	"fmt"
	"math"
	"math/bits"

	"phasor/sketcher/sketch"
)

// NoTime is the watermark before the first event time.
const NoTime = math.MinInt64

// MaxRecent is the number of event times that a state keeps for its watermark.
const MaxRecent = 4

// State is what the fold of one partition amounts to after the log [Start, Next): a pure function of that log, of the
// spec and of the fold's description.
type State struct {
	PartitionID
	Follows string // The topic id whose state of this partition this one continues; "" if none.

	Start, Next int64   // Offsets: of the first record, and after the last one.
	Watermark   int64   // Unix milliseconds, NoTime before the first event time.
	Recent      []int64 // The last event times, oldest first, at most MaxRecent.

	Sealed *sketch.Accumulator           // All records that are in no open pane.
	Open   map[int64]*sketch.Accumulator // Open panes by start, Unix milliseconds.

	Rejects map[string]int64 // Records that were not folded, by reason.
	Late    int64            // Records of sealed panes, folded into Sealed only.
	Early   int64            // Records of dissolved panes, folded into Sealed only.
	Missing int64            // Values that were replaced by the channel's last one.
	Gaps    []Gap            // In the order in which they were met.

	Side       SideSums
	LastOffset int64    // Of the last delivered record; -1 if there was none.
	LastHash   [32]byte // Its SHA-256.
	Decoder    []byte   // The decoder's own state.

	Fold Fold // How the log was folded.
}

// Gap is a stretch of the log that could not be folded.
type Gap struct {
	From, To int64 // Offsets [From, To). After a truncation, To is below From.
	Reason   string
}

// SideSums are integers over the delivered records by which a replay of the log can be compared with a state.
type SideSums struct {
	Count     int64
	OffsetSum Sum128
	HashXor   uint64 // Of 64-bit hashes of the records.
}

// Add counts one record.
func (s *SideSums) Add(offset int64, hash uint64) {
	s.Count++
	s.OffsetSum.Add(offset)
	s.HashXor ^= hash
}

// Sum128 is the integer Hi 2^64 + Lo.
type Sum128 struct {
	Hi int64
	Lo uint64
}

// Add adds v.
func (s *Sum128) Add(v int64) {
	lo, carry := bits.Add64(s.Lo, uint64(v), 0)
	s.Lo = lo
	s.Hi += v>>63 + int64(carry)
}

// FoldFingerprint returns the fingerprint of the fold's description.
func (s *State) FoldFingerprint() string { return s.Fold.Fingerprint() }

// MapFingerprint returns the fingerprint of the feature map.
func (s *State) MapFingerprint() string { return s.Sealed.Fingerprint() }

// Total returns a new accumulator of all records: of the sealed panes and the open ones.
func (s *State) Total() *sketch.Accumulator {
	total := s.Sealed.Clone()
	for _, a := range s.Open {
		// The sums are integers, so the order of the map leaves no trace; a state has one feature map.
		if err := total.Merge(a); err != nil {
			panic(fmt.Sprintf("snapshot: state of %s: its open panes and sealed records have different feature maps: %v", s.PartitionID, err))
		}
	}
	return total
}

// Count returns the number of records in Total.
func (s *State) Count() int64 {
	n := s.Sealed.Count()
	for _, a := range s.Open {
		n += a.Count()
	}
	return n
}

func (s *State) validate() error {
	if err := s.PartitionID.validate(); err != nil {
		return err
	}
	switch {
	case s.Sealed == nil:
		return fmt.Errorf("snapshot: state of %s: no accumulator of sealed records", s.PartitionID)
	case s.Start < 0 || s.Next < 0:
		return fmt.Errorf("snapshot: state of %s: offsets [%d, %d): they must not be negative", s.PartitionID, s.Start, s.Next)
	case len(s.Recent) > MaxRecent:
		return fmt.Errorf("snapshot: state of %s: %d recent event times, at most %d", s.PartitionID, len(s.Recent), MaxRecent)
	}
	for start, a := range s.Open {
		if a == nil || a.Fingerprint() != s.Sealed.Fingerprint() {
			return fmt.Errorf("snapshot: state of %s: the open pane at %d has another feature map than the sealed records", s.PartitionID, start)
		}
	}
	if err := s.Fold.validate(); err != nil {
		return fmt.Errorf("snapshot: state of %s: %w", s.PartitionID, err)
	}
	return nil
}
