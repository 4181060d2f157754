package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"phasor/sketcher/sketch"
)

// latenessPanes bounds the lateness of a fold, in lengths of its panes: while the watermark of a state is less than
// that past an interval, a pane of the interval may still be opened again.
const latenessPanes = 6

// prunePanes removes panes that a longer one has held since before, merges old panes into longer ones and removes the
// oldest.
func (e *Epoch) prunePanes(ctx context.Context, now time.Time, r Retention, n *Pruned) error {
	all, err := e.allPanes(ctx)
	if err != nil {
		return err
	}
	var errs []error
	kept := map[PartitionID][]listedPane{} // All that stay in sight for now.
	into := map[PaneRef]PaneRef{}          // The longer pane that a pane is due to become a part of.
	groups := map[PaneRef][]listedPane{}   // The same by the longer pane.
	for _, p := range visible(all) {
		if len(p.hides) > 0 {
			if ok, err := e.removeInside(ctx, p, n); !ok {
				errs = append(errs, err)
				// Which of them stays is not known yet: until the next time, nothing longer is made that would hide them.
				kept[p.PartitionID] = append(append(kept[p.PartitionID], p), p.hides...)
				continue
			}
		}
		level := r.level(p.Length)
		expiry := now.Add(-r.Panes[level].Keep).UnixMilli()
		if p.End() <= expiry && level == len(r.Panes)-1 {
			errs = append(errs, e.removePane(ctx, p, n))
			continue
		}
		kept[p.PartitionID] = append(kept[p.PartitionID], p)
		if level == len(r.Panes)-1 {
			continue
		}
		if target := longer(p.PaneRef, r.Panes[level+1].Length.Milliseconds()); target.End() <= expiry {
			into[p.PaneRef] = target
			groups[target] = append(groups[target], p)
		}
	}
	targets := make([]PaneRef, 0, len(groups))
	for target := range groups {
		if whole(target, into, kept[target.PartitionID]) {
			targets = append(targets, target)
		}
	}
	slices.SortFunc(targets, func(a, b PaneRef) int {
		return cmp.Or(comparePartitions(a.PartitionID, b.PartitionID), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Length, b.Length))
	})
	settled := map[PartitionID]func(PaneRef, int64) bool{}
	for _, target := range targets {
		done, ok := settled[target.PartitionID]
		if !ok {
			if done, err = e.settled(ctx, target.PartitionID); err != nil {
				errs = append(errs, err)
				continue
			}
			settled[target.PartitionID] = done
		}
		group := groups[target]
		if !done(target, group[0].Length) {
			continue
		}
		err := e.compact(ctx, target, group, n)
		e.hooks.compaction(err)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// longer returns the pane of at least the given length that holds p: its length is a multiple of p's, and its start one
// of its own.
func longer(p PaneRef, length int64) PaneRef {
	length = (length + p.Length - 1) / p.Length * p.Length
	start := p.Start - p.Start%length
	if p.Start%length < 0 {
		start -= length
	}
	return PaneRef{PartitionID: p.PartitionID, Start: start, Length: length}
}

// whole reports whether every pane of the partition that touches the target's interval lies in it and is due to become a
// part of it: then the longer pane holds the records that its name says, and hides no others. So hours that are due to
// become a day wait for minutes that are due to become an hour.
func whole(target PaneRef, into map[PaneRef]PaneRef, panes []listedPane) bool {
	return !slices.ContainsFunc(panes, func(p listedPane) bool {
		touches := p.End() > target.Start && p.Start < target.End()
		return touches && (!p.inside(target) || into[p.PaneRef] != target)
	})
}

// settled returns a function that reports whether no retained state can open or hold a pane of the target any more,
// given the length of its panes: who resumes from such a state finds them sealed. Without a state that verifies, the
// partition will be folded from its start again, and seal panes that nobody has written yet.
func (e *Epoch) settled(ctx context.Context, p PartitionID) (func(target PaneRef, length int64) bool, error) {
	refs, err := e.statesOf(ctx, p)
	if err != nil {
		return nil, err
	}
	earliest := int64(math.MaxInt64) // The lowest watermark.
	var open []int64
	for i := range refs {
		s, _, err := e.newest(ctx, refs[i:i+1])
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue // Nobody can resume from what is corrupt or gone.
		}
		earliest = min(earliest, s.Watermark)
		for start := range s.Open {
			open = append(open, start)
		}
	}
	return func(target PaneRef, length int64) bool {
		held := slices.ContainsFunc(open, func(start int64) bool { return start < target.End() && start+length > target.Start })
		return !held && earliest != math.MaxInt64 && earliest/length >= target.End()/length+latenessPanes+1
	}, nil
}

// compact writes the merged panes as one. They stay until the next prune finds that it can be read and removes them: a
// listing takes its time, and one that read the names of long panes before this one was written must still find the short
// ones, or it would miss their records without a sign.
func (e *Epoch) compact(ctx context.Context, target PaneRef, group []listedPane, n *Pruned) error {
	var total *sketch.Accumulator
	for _, r := range group {
		p, b, err := e.readPane(ctx, r)
		if errors.Is(err, ErrCorrupt) {
			// Its records are lost to the panes; the shorter ones that it may have hidden come back into sight.
			if err := e.setAside(ctx, "corrupt", r.object.Name, b); err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("snapshot: compaction into %s: %w", e.paneName(target), err)
		}
		if total == nil {
			total = p.Accumulator
		} else if err := merge(total, p.Accumulator, r.object.Name); err != nil {
			return err
		}
	}
	if err := e.SavePane(ctx, &Pane{PaneRef: target, Accumulator: total}); err != nil {
		return fmt.Errorf("snapshot: compaction: %w", err)
	}
	n.Compacted++
	return nil
}

// removeInside removes the panes that p holds; ok is false if some remain. If p turns out to be corrupt it is set aside
// instead, and they come back into sight.
func (e *Epoch) removeInside(ctx context.Context, p listedPane, n *Pruned) (ok bool, err error) {
	_, b, err := e.readPane(ctx, p)
	if errors.Is(err, ErrCorrupt) {
		return false, e.setAside(ctx, "corrupt", p.object.Name, b)
	}
	if err != nil {
		return false, err
	}
	for _, r := range p.hides {
		if err := e.removePane(ctx, r, n); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (e *Epoch) removePane(ctx context.Context, r listedPane, n *Pruned) error {
	if err := e.b.Delete(ctx, r.object.Name); err != nil {
		return wrap("delete", r.object.Name, err)
	}
	n.Panes++
	return nil
}
