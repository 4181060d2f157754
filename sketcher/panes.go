package sketcher

import (
	"slices"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// The rules of panes that decide what a state holds. They are part of the fold's fingerprint.
const (
	MaxOpenPanes  = 16 // Open panes of one partition.
	MaxLateness   = 6  // Lateness, in lengths of a pane.
	watermarkSpan = snapshot.MaxRecent
	watermarkRule = "max of min of last 4"
)

// noWatermark is the watermark before the first event time.
const noWatermark = snapshot.NoTime

// pane is one interval of event time that is still open. Records wait in q, quantised, until the batch or the pane ends.
type pane struct {
	start int64
	acc   *sketch.Accumulator
	q     []int32
}

func (p *pane) flush() {
	if len(p.q) > 0 {
		p.acc.Fold(p.q)
		p.q = p.q[:0]
	}
}

// paneStart returns the start of the pane that holds t.
func paneStart(t, length int64) int64 {
	r := t % length
	if r < 0 {
		r += length
	}
	return t - r
}

// watch moves the watermark by one event time.
func (f *Fold) watch(t int64) {
	if len(f.recent) < watermarkSpan {
		f.recent = append(f.recent, t)
	} else {
		copy(f.recent, f.recent[1:])
		f.recent[watermarkSpan-1] = t
	}
	if w := slices.Min(f.recent); w > f.watermark {
		f.watermark = w
		f.seal()
	}
}

// seal closes every pane that the watermark has passed, the oldest first.
func (f *Fold) seal() {
	n := 0
	for _, p := range f.open {
		if p.start+f.cfg.length()+f.cfg.lateness() > f.watermark {
			break
		}
		p.flush()
		f.merge(p.acc)
		f.sealed = append(f.sealed, snapshot.Pane{
			PaneRef:     snapshot.PaneRef{PartitionID: snapshot.PartitionID(f.id), Start: p.start, Length: f.cfg.length()},
			Accumulator: p.acc,
		})
		p.acc = nil
		f.spare = append(f.spare, p)
		n++
	}
	if n > 0 {
		f.open = append(f.open[:0], f.open[n:]...)
		f.last = nil
	}
}

// place returns where a record of event time t is folded, and marks it late or early if that is the total.
func (f *Fold) place(t int64) *pane {
	start := paneStart(t, f.cfg.length())
	if start+f.cfg.length()+f.cfg.lateness() <= f.watermark {
		f.late++
		return &f.total
	}
	if f.last != nil && f.last.start == start {
		return f.last
	}
	i, ok := slices.BinarySearchFunc(f.open, start, func(p *pane, s int64) int {
		switch {
		case p.start < s:
			return -1
		case p.start > s:
			return 1
		}
		return 0
	})
	if ok {
		f.last = f.open[i]
		return f.last
	}
	if len(f.open) == MaxOpenPanes {
		if i == len(f.open) {
			f.early++
			return &f.total
		}
		f.dissolve(len(f.open) - 1)
	}
	f.open = slices.Insert(f.open, i, f.newPane(start))
	f.last = f.open[i]
	return f.last
}

// dissolve folds the i-th open pane into the total and counts its records as early.
func (f *Fold) dissolve(i int) {
	p := f.open[i]
	p.flush()
	f.early += p.acc.Count()
	f.merge(p.acc)
	f.pool = append(f.pool, p.acc)
	p.acc = nil
	f.spare = append(f.spare, p)
	f.open = slices.Delete(f.open, i, i+1)
	f.last = nil
}

func (f *Fold) newPane(start int64) *pane {
	p := new(pane)
	if n := len(f.spare); n > 0 {
		p, f.spare = f.spare[n-1], f.spare[:n-1]
	}
	p.start, p.acc = start, f.newAccumulator()
	return p
}

func (f *Fold) newAccumulator() *sketch.Accumulator {
	if n := len(f.pool); n > 0 {
		a := f.pool[n-1]
		f.pool = f.pool[:n-1]
		a.Reset()
		return a
	}
	return sketch.New(f.cfg.Map)
}

// merge adds a pane's accumulator to the total. Both come from the same map, so the only error would be a programmer's.
func (f *Fold) merge(a *sketch.Accumulator) {
	if err := f.total.acc.Merge(a); err != nil {
		panic(err)
	}
}
