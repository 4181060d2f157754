package trainer

import (
	"context"
	"errors"
	"maps"
	"slices"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// eachInterval calls yield with each complete interval of the given length from from on, merged over the partitions, in
// the order of time. Longer panes, which compaction made, are passed over: they are too coarse for a scan. If a pane was
// removed since the listing, the error wraps [snapshot.ErrNotExist].
func eachInterval(ctx context.Context, e *snapshot.Epoch, from int64, f frontier, length int64, yield func(timedPane) error) error {
	starts := slices.DeleteFunc(slices.Sorted(maps.Keys(f.open)), func(start int64) bool { return start < from || start+length > f.until })
	var current timedPane                    // The interval of the sealed panes that are being read; acc is nil if there is none.
	var sealed map[snapshot.PartitionID]bool // The partitions in it.
	// flush yields the intervals that start before a time: that of the sealed panes, and those of open ones alone.
	flush := func(before int64) error {
		for {
			p := timedPane{start: before}
			if current.acc != nil {
				p.start = min(p.start, current.start)
			}
			if len(starts) > 0 {
				p.start = min(p.start, starts[0])
			}
			if p.start >= before {
				return nil
			}
			var have map[snapshot.PartitionID]bool
			if current.acc != nil && current.start == p.start {
				p.acc, have = current.acc, sealed
				current.acc = nil
			}
			if len(starts) > 0 && starts[0] == p.start {
				starts = starts[1:]
			}
			for _, s := range f.open[p.start] {
				if have[s.PartitionID] {
					continue // It was sealed after the state was read.
				}
				if err := addPane(&p.acc, s.Open[p.start]); err != nil {
					return err
				}
			}
			if err := yield(p); err != nil {
				return err
			}
		}
	}
	err := e.EachPane(ctx, from, f.until, func(p *snapshot.Pane) error {
		if p.Length != length {
			return nil
		}
		if err := flush(p.Start); err != nil {
			return err
		}
		if current.acc == nil {
			current.start, sealed = p.Start, map[snapshot.PartitionID]bool{}
		}
		sealed[p.PartitionID] = true
		return addPane(&current.acc, p.Accumulator)
	})
	if err != nil {
		return err
	}
	return flush(f.until)
}

// relists is how often a merge begins again because panes were removed under it.
const relists = 8

// mergeIntervals merges everything complete from from on: sealed panes of any length, and open ones of idle partitions.
// It returns nil if there is nothing.
func mergeIntervals(ctx context.Context, e *snapshot.Epoch, from int64, f frontier, length int64) (acc *sketch.Accumulator, err error) {
	for range relists {
		acc, err = mergeOnce(ctx, e, from, f, length)
		if !errors.Is(err, snapshot.ErrNotExist) {
			break
		}
	}
	return acc, err
}

func mergeOnce(ctx context.Context, e *snapshot.Epoch, from int64, f frontier, length int64) (*sketch.Accumulator, error) {
	open := map[int64]map[snapshot.PartitionID]*sketch.Accumulator{}
	for start, states := range f.open {
		if start < from || start+length > f.until || f.keep != nil && !f.keep(start, length) {
			continue
		}
		open[start] = map[snapshot.PartitionID]*sketch.Accumulator{}
		for _, s := range states {
			open[start][s.PartitionID] = s.Open[start]
		}
	}
	var acc *sketch.Accumulator
	err := e.EachPane(ctx, from, f.until, func(p *snapshot.Pane) error {
		for start := range open {
			if start >= p.Start && start+length <= p.End() {
				delete(open[start], p.PartitionID) // It was sealed after the state was read.
			}
		}
		if f.keep != nil && !f.keep(p.Start, p.Length) {
			return nil
		}
		return addPane(&acc, p.Accumulator)
	})
	if err != nil {
		return nil, err
	}
	for _, panes := range open {
		for _, a := range panes {
			if err := addPane(&acc, a); err != nil {
				return nil, err
			}
		}
	}
	return acc, nil
}

// addPane merges a into *total, which adopts a copy of the first.
func addPane(total **sketch.Accumulator, a *sketch.Accumulator) error {
	if *total == nil {
		*total = a.Clone()
		return nil
	}
	return (*total).Merge(a)
}
