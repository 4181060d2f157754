package sketcher

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/stream"
	"phasor/stream/decode"
)

// Cut is a fold at one moment: what has to be written so that a later process goes on from there.
type Cut struct {
	Panes []snapshot.Pane // Sealed since the last cut, in the order of sealing; to be written before State.
	State *snapshot.State
}

// Description says how a log is folded, field by field, in the order in which a difference is reported.
func (c *FoldConfig) Description() snapshot.Fold {
	topics := slices.Clone(c.Topics)
	slices.Sort(topics)
	return snapshot.Fold{
		{Key: "map", Value: c.Map.Fingerprint()},
		{Key: "topics", Value: strings.Join(topics, ",")},
		{Key: "isolation", Value: c.Isolation},
		{Key: "time", Value: c.Decode.EventTime()},
		{Key: "panes.length", Value: strconv.FormatInt(c.length(), 10)},
		{Key: "panes.lateness", Value: strconv.FormatInt(c.lateness(), 10)},
		{Key: "watermark", Value: watermarkRule},
		{Key: "panes.open", Value: strconv.Itoa(MaxOpenPanes)},
		{Key: "decoder", Value: c.Decode.Fingerprint()},
	}
}

// Cut copies the fold as it is between two batches and hands over the panes that were sealed since the last cut.
// Their accumulators are the caller's, who calls Saved when they are written, or Uncut if that failed.
func (f *Fold) Cut() Cut {
	s := &snapshot.State{
		PartitionID: snapshot.PartitionID(f.id), Follows: f.follows,
		Start: f.start, Next: f.next,
		Watermark: f.watermark, Recent: slices.Clone(f.recent),
		Sealed:  f.total.acc.Clone(),
		Open:    make(map[int64]*sketch.Accumulator, len(f.open)),
		Rejects: make(map[string]int64, len(f.rejects)),
		Late:    f.late, Early: f.early, Missing: f.missing, Gaps: slices.Clone(f.gaps),
		Side: f.side, LastOffset: f.lastOffset, LastHash: f.lastSum,
		Decoder: slices.Clone(f.dec.State()),
		Fold:    f.cfg.Description(),
	}
	for _, p := range f.open {
		s.Open[p.start] = p.acc.Clone()
	}
	for r, n := range f.rejects {
		if n > 0 {
			s.Rejects[decode.Reason(r).String()] = n
		}
	}
	c := Cut{Panes: f.sealed, State: s}
	f.writing += len(f.sealed)
	f.sealed = nil
	return c
}

// Uncut takes back the panes of a cut that could not be written.
func (f *Fold) Uncut(panes []snapshot.Pane) {
	f.writing -= len(panes)
	f.sealed = append(slices.Clone(panes), f.sealed...)
}

// Saved says that the panes of a cut are durable.
func (f *Fold) Saved(panes []snapshot.Pane) { f.writing -= len(panes) }

// Resume returns a fold that goes on where s ends. The state must have been folded in the same way; the fold takes over
// the accumulators of s.
func Resume(cfg FoldConfig, s *snapshot.State) (*Fold, error) {
	f, err := NewFold(cfg, stream.PartitionID(s.PartitionID), s.Start)
	if err != nil {
		return nil, err
	}
	if err := f.cfg.Description().Resume("state of "+s.PartitionID.String(), s.Fold); err != nil {
		return nil, err
	}
	if err := f.dec.Restore(s.Decoder); err != nil {
		return nil, fmt.Errorf("%w: the decoder's part of the state of %s at offset %d: %w", errLasting, s.PartitionID, s.Next, err)
	}
	f.follows, f.next = s.Follows, s.Next
	f.watermark, f.recent = s.Watermark, slices.Clone(s.Recent)
	f.late, f.early, f.missing, f.gaps = s.Late, s.Early, s.Missing, slices.Clone(s.Gaps)
	f.side, f.lastOffset, f.lastSum = s.Side, s.LastOffset, s.LastHash
	f.total.acc = s.Sealed
	for start, a := range s.Open {
		f.open = append(f.open, &pane{start: start, acc: a})
	}
	slices.SortFunc(f.open, func(a, b *pane) int { return int(min(1, max(-1, a.start-b.start))) })
	for r := range f.rejects {
		f.rejects[r] = s.Rejects[decode.Reason(r).String()]
	}
	return f, nil
}

// Follow makes f the continuation of a fold of another log of its name: it keeps the records of the old one, and starts
// the new log at offset start. A log that was replaced under the same topic id is no other incarnation of the topic.
func (f *Fold) Follow(id stream.PartitionID, start int64, reason string) {
	f.gaps = append(f.gaps, snapshot.Gap{From: f.next, To: start, Reason: reason})
	if id.TopicID != f.id.TopicID {
		f.follows, f.id = f.id.TopicID, id
	}
	f.next, f.lastOffset, f.lastSum = start, -1, [32]byte{}
}
