package sketcher

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"

	"github.com/zeebo/xxh3"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/stream"
	"phasor/stream/decode"
)

// MaxTime is the latest event time that has a pane, the end of the year 9999 in Unix milliseconds; the earliest is 0.
// A record outside goes to the total only, counted late or early, and does not move the watermark.
const MaxTime = 253402300799999

// flushRecords bounds how many quantised records wait in a pane: a multiple of the kernel's block that fits the cache.
const flushRecords = 4 * 255

// numReasons is the number of values a decode.Reason has.
const numReasons = int(decode.Filtered) + 1

// FoldConfig is all that decides what a fold makes of a log.
type FoldConfig struct {
	Map       *feature.Map
	Decode    decode.Config
	Topics    []string
	Isolation string        // read_committed or read_uncommitted.
	Length    time.Duration // Of a pane; a whole number of milliseconds.
	Lateness  time.Duration // At most MaxLateness lengths.
}

func (c *FoldConfig) length() int64   { return c.Length.Milliseconds() }
func (c *FoldConfig) lateness() int64 { return c.Lateness.Milliseconds() }

// Validate says what is wrong and what would happen.
func (c *FoldConfig) Validate() error {
	names := c.Decode.Names()
	switch {
	case c.Map == nil:
		return fmt.Errorf("sketcher: no feature map: calibrate first")
	case c.Length < time.Millisecond || c.Length%time.Millisecond != 0:
		return fmt.Errorf("sketcher: panes.length is %v: it must be a whole number of milliseconds, at least 1ms", c.Length)
	case c.Lateness < 0 || c.Lateness%time.Millisecond != 0:
		return fmt.Errorf("sketcher: panes.lateness is %v: it must be a whole number of milliseconds, at least 0", c.Lateness)
	case c.Lateness > MaxLateness*c.Length:
		return fmt.Errorf("sketcher: panes.lateness is %v with panes of %v: more than %d lengths would hold too many panes open; lengthen the panes or lower the lateness", c.Lateness, c.Length, MaxLateness)
	case len(names) != c.Map.Dim():
		return fmt.Errorf("sketcher: the configuration names %d channels and the specification has %d: calibrate a new epoch, or give the channels of the specification", len(names), c.Map.Dim())
	}
	for k, name := range c.Map.Spec().Names() {
		if got := names[k]; got != name {
			return fmt.Errorf("sketcher: channel %d is %q in the configuration and %q in the specification: the order counts; calibrate a new epoch or restore the order", k+1, got, name)
		}
	}
	return c.Decode.Validate()
}

// RecordHash is the 64-bit XXH3 of a record's offset, time, key and value, chained in this order; a missing key or
// value hashes with another seed than an empty one.
func RecordHash(r *stream.Record) uint64 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(r.Offset))
	binary.LittleEndian.PutUint64(b[8:], uint64(r.Time))
	h := xxh3.Hash(b[:])
	h = hashBytes(h, r.Key)
	return hashBytes(h, r.Value)
}

func hashBytes(seed uint64, v []byte) uint64 {
	if v == nil {
		return bits.RotateLeft64(seed, 32) ^ 0x9e3779b97f4a7c15
	}
	return xxh3.HashSeed(v, seed)
}

// Counts says what one batch did, for the metrics. None of it is part of the state.
type Counts struct {
	Records, Bytes, Folded, Duplicates   int64
	Rejects                              [numReasons]int64
	Late, Early, Missing, Clamped, Outer int64
	Sealed                               int64
	FirstTime                            int64 // Time stamp of the first record, stream.NoTime if none.
	Left                                 int   // Records at the end of the batch that were not looked at: MaxUnsaved was reached.
}

// Fold is the state of one partition. It is for the use of one goroutine at a time.
type Fold struct {
	cfg FoldConfig
	dec decode.Decoder
	id  stream.PartitionID

	follows     string
	start, next int64
	watermark   int64
	recent      []int64
	total       pane // Sealed panes, late and early records, and all records without an event time.
	open        []*pane
	last        *pane // The open pane of the last record.
	sealed      []snapshot.Pane
	writing     int // Panes of cuts that are being written.
	rejects     [numReasons]int64
	late, early int64
	missing     int64
	gaps        []snapshot.Gap
	side        snapshot.SideSums
	lastOffset  int64
	lastSum     [32]byte

	x     []float64
	q     []int32
	spare []*pane
	pool  []*sketch.Accumulator
	edges []outerEdges

	// OnRecord and OnReject, if set, are called for each record that completed a vector and for each that was rejected.
	// What they are given is valid only during the call.
	OnRecord func(r *stream.Record, x []float64)
	OnReject func(r *stream.Record, reason decode.Reason)
	// MaxUnsaved, if set, is the number of sealed panes that may wait to be written: with as many, a batch is left.
	MaxUnsaved int
}

// NewFold returns the fold of an empty prefix of a partition that starts at offset start.
func NewFold(cfg FoldConfig, id stream.PartitionID, start int64) (*Fold, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", errLasting, err)
	}
	loaded, err := cfg.Decode.Load()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLasting, err)
	}
	cfg.Decode = loaded
	dec, err := decode.New(loaded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLasting, err)
	}
	d := cfg.Map.Dim()
	f := &Fold{cfg: cfg, dec: dec, id: id, start: start, next: start, watermark: noWatermark, lastOffset: -1,
		x: make([]float64, d), q: make([]int32, d), edges: newOuterEdges(cfg.Map.Spec())}
	f.total.acc = f.newAccumulator()
	return f, nil
}

// Next is the offset of the next record to fold.
func (f *Fold) Next() int64 { return f.next }

// Watermark is the partition's watermark in Unix milliseconds; ok is false before the first event time.
func (f *Fold) Watermark() (ms int64, ok bool) { return f.watermark, f.watermark != noWatermark }

// Unsaved is the number of sealed panes that are not known to be written: they wait for a Cut, or were cut and neither
// Saved nor Uncut was called.
func (f *Fold) Unsaved() int { return len(f.sealed) + f.writing }

// Count is the number of folded records.
func (f *Fold) Count() int64 {
	n := f.total.acc.Count()
	for _, p := range f.open {
		n += p.acc.Count()
	}
	return n
}

// Gap records that the offsets [f.Next(), to) cannot be folded and moves on to to. If to lies below or is f.Next() itself,
// the log below it is another one now, and the last record that was delivered nothing to compare it with.
func (f *Fold) Gap(to int64, reason string) {
	f.gaps = append(f.gaps, snapshot.Gap{From: f.next, To: to, Reason: reason})
	if to <= f.next {
		f.lastOffset, f.lastSum = -1, [32]byte{}
	}
	f.next = to
}

// Batch folds the records of b, or as many as MaxUnsaved allows. Records below Next are skipped and counted as duplicates.
func (f *Fold) Batch(b stream.Batch) Counts {
	c := Counts{FirstTime: stream.NoTime}
	late, early, missing, from := f.late, f.early, f.missing, f.next
	sealed := len(f.sealed)
	var last *stream.Record
	for i := range b.Records {
		r := &b.Records[i]
		c.Records++
		c.Bytes += int64(len(r.Key) + len(r.Value))
		if r.Offset < f.next {
			c.Duplicates++
			continue
		}
		if c.FirstTime == stream.NoTime {
			c.FirstTime = r.Time
		}
		f.next = r.Offset + 1
		f.side.Add(r.Offset, RecordHash(r))
		last = r
		f.record(r, &c)
		if f.MaxUnsaved > 0 && f.Unsaved() >= f.MaxUnsaved {
			c.Left = len(b.Records) - i - 1
			break
		}
	}
	if c.Left == 0 {
		f.next = max(f.next, b.Next)
	}
	for _, s := range b.Skipped {
		if s.Next > from && s.Next <= f.next {
			f.gaps = append(f.gaps, snapshot.Gap{From: s.First, To: s.Next, Reason: "corrupt"})
		}
	}
	if last != nil {
		f.lastOffset, f.lastSum = last.Offset, last.Sum()
	}
	f.total.flush()
	for _, p := range f.open {
		p.flush()
	}
	c.Late, c.Early, c.Missing = f.late-late, f.early-early, f.missing-missing
	c.Sealed = int64(len(f.sealed) - sealed)
	return c
}

func (f *Fold) record(r *stream.Record, c *Counts) {
	res := f.dec.Decode(f.x, r)
	f.missing += int64(res.Missing)
	if res.Reason != decode.Accepted {
		f.reject(r, res.Reason, c)
	}
	if !res.Emitted {
		return
	}
	if !f.cfg.Map.Quantise(f.q, f.x) {
		f.reject(r, decode.Nonfinite, c)
		return
	}
	c.Folded++
	if f.OnRecord != nil {
		f.OnRecord(r, f.x)
	}
	for k, q := range f.q {
		if q >= feature.Limit || q <= -feature.Limit {
			c.Clamped++
		}
		if f.edges[k].outer(q) {
			c.Outer++
		}
	}
	p := &f.total
	switch t := res.Time; {
	case t == stream.NoTime:
	case t < 0:
		f.late++
	case t > MaxTime:
		f.early++
	default:
		f.watch(t)
		p = f.place(t)
	}
	p.q = append(p.q, f.q...)
	if len(p.q) >= flushRecords*len(f.q) {
		p.flush()
	}
}

func (f *Fold) reject(r *stream.Record, reason decode.Reason, c *Counts) {
	f.rejects[reason]++
	c.Rejects[reason]++
	if f.OnReject != nil {
		f.OnReject(r, reason)
	}
}

// outerEdges are the inner ends of a channel's first and last bin: values outside are where a calibration grows stale.
type outerEdges struct{ lo, hi int32 }

func (e outerEdges) outer(q int32) bool { return q < e.lo || q >= e.hi }

func newOuterEdges(s *feature.Spec) []outerEdges {
	e := make([]outerEdges, s.Dim())
	for k := range e {
		edges := s.Edges[k*129 : (k+1)*129]
		last := 128
		for last > 1 && edges[last-1] == edges[128] {
			last--
		}
		e[k] = outerEdges{lo: edges[1], hi: edges[last-1]}
	}
	return e
}
