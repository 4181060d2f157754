package trainer

import (
	"context"
	"errors"
	"slices"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// eachInterval calls yield with each complete interval of the given length from from on, merged over the partitions, in
// the order of time. Longer panes, which compaction made, are passed over: they are too coarse for a scan.
func eachInterval(ctx context.Context, e *snapshot.Epoch, from int64, f frontier, length int64, yield func(timedPane) error) error {
	var starts []int64
	for start := range f.open {
		if start >= from && start+length <= f.until {
			starts = append(starts, start)
		}
	}
	slices.Sort(starts)
	var current timedPane
	flush := func(before int64) error {
		for len(starts) > 0 && starts[0] < before || current.acc != nil && current.start < before {
			next := before
			if current.acc != nil {
				next = current.start
			}
			if len(starts) > 0 {
				next = min(next, starts[0])
			}
			p := timedPane{start: next}
			if current.acc != nil && current.start == next {
				p.acc, current.acc = current.acc, nil
			}
			if len(starts) > 0 && starts[0] == next {
				starts = starts[1:]
				for _, st := range f.open[next] {
					if err := addPane(&p.acc, st.Open[next]); err != nil {
						return err
					}
				}
			}
			if err := yield(p); err != nil {
				return err
			}
		}
		return nil
	}
	err := e.EachPane(ctx, from, f.until, func(p *snapshot.Pane) error {
		if p.Length != length {
			return nil
		}
		if err := flush(p.Start); err != nil {
			return err
		}
		current.start = p.Start
		return addPane(&current.acc, p.Accumulator)
	})
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil // Compaction took a pane away under the listing; the next look lists anew.
	}
	if err != nil {
		return err
	}
	return flush(f.until)
}

// mergeIntervals merges everything complete from from on: sealed panes of any length, and open ones of idle partitions.
func mergeIntervals(ctx context.Context, e *snapshot.Epoch, from int64, f frontier) (*sketch.Accumulator, error) {
	acc, err := e.MergeRange(ctx, from, f.until)
	if err != nil {
		return nil, err
	}
	for start, states := range f.open {
		if start < from {
			continue
		}
		for _, st := range states {
			if err := addPane(&acc, st.Open[start]); err != nil {
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
