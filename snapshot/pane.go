package snapshot

import (
	"fmt"
	"strconv"

	"phasor/sketcher/sketch"
	"phasor/snapshot/safetensors"
)

// FORMAT phasor.pane/1, the records of one partition in one interval of event time.
//
//	metadata    channels    names of the channels, a list
//	            features    m, decimal
//	            topic, topic.id, partition
//	tensors     total/…     the accumulator
//	            start       I64 [1]    Unix milliseconds
//	            length      I64 [1]    milliseconds

// maxTime bounds event times, so that no sum of them overflows.
const maxTime = 1 << 60

// PaneRef names a pane: the records of one partition with an event time in [Start, Start + Length).
type PaneRef struct {
	PartitionID
	Start  int64 // Unix milliseconds.
	Length int64 // Milliseconds.
}

// End is the end of the interval, exclusive.
func (r PaneRef) End() int64 { return r.Start + r.Length }

// Longer returns the pane of at least the given length, in milliseconds, that holds r: its length is a multiple of r's, and
// its start one of its own.
func (r PaneRef) Longer(length int64) PaneRef {
	length = (length + r.Length - 1) / r.Length * r.Length
	start := r.Start - r.Start%length
	if r.Start%length < 0 {
		start -= length
	}
	return PaneRef{PartitionID: r.PartitionID, Start: start, Length: length}
}

func (r PaneRef) validate() error {
	if err := r.PartitionID.validate(); err != nil {
		return err
	}
	if r.Length <= 0 || r.Length > maxTime || r.Start < -maxTime || r.Start > maxTime {
		return fmt.Errorf("snapshot: pane of %s at %d of length %d: the length must be positive, and times within ±%d ms", r.PartitionID, r.Start, r.Length, int64(maxTime))
	}
	return nil
}

// inside reports whether o is of the same partition, longer, and holds the interval of r.
func (r PaneRef) inside(o PaneRef) bool {
	return r.PartitionID == o.PartitionID && r.Length < o.Length && r.Start >= o.Start && r.End() <= o.End()
}

// Pane is a sealed pane.
type Pane struct {
	PaneRef
	Accumulator *sketch.Accumulator
}

// Encode returns the pane as phasor.pane/1. Equal panes have equal bytes; p is not changed.
func (p *Pane) Encode() ([]byte, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if p.Accumulator == nil {
		return nil, fmt.Errorf("snapshot: pane of %s at %d: no accumulator", p.PartitionID, p.Start)
	}
	f := newFile(FormatPane, p.Accumulator.Fingerprint())
	m := f.Metadata
	m["channels"] = text(p.Accumulator.Channels())
	m["features"] = strconv.Itoa(p.Accumulator.Features())
	m["topic"], m["topic.id"], m["partition"] = p.Topic, p.TopicID, strconv.Itoa(p.Partition)
	p.Accumulator.AppendTo(f, "total")
	f.Add(
		safetensors.Int64s("start", []int64{p.Start}, 1),
		safetensors.Int64s("length", []int64{p.Length}, 1),
	)
	return f.Encode()
}

// DecodePane reads a phasor.pane/1. The error wraps [ErrCorrupt] or [ErrVersion].
func DecodePane(b []byte) (*Pane, error) {
	f, err := openFile(b, FormatPane)
	if err != nil {
		return nil, fmt.Errorf("snapshot: decode pane: %w", err)
	}
	p, err := readPane(f)
	if err == nil {
		err = sameBytes(b, p.Encode)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot: decode pane: %w", err)
	}
	return p, nil
}

func readPane(f *safetensors.File) (*Pane, error) {
	p := new(Pane)
	p.Topic, p.TopicID = f.Metadata["topic"], f.Metadata["topic.id"]
	var err error
	if p.Partition, err = number(f, "partition"); err != nil {
		return nil, err
	}
	if p.Start, err = scalar(f, "start"); err != nil {
		return nil, err
	}
	if p.Length, err = scalar(f, "length"); err != nil {
		return nil, err
	}
	read, err := accumulators(f)
	if err != nil {
		return nil, err
	}
	p.Accumulator, err = read("total")
	return p, err
}
