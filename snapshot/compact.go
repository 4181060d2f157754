package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"phasor/sketcher/sketch"
)

// latenessPanes bounds the lateness of a fold, in lengths of its panes: while the watermark of a state is less than
// that past an interval, a pane of the interval may still be opened again.
const latenessPanes = 6

// prunePanes removes panes that a longer one has held since before and those that are too old, then merges old panes
// into longer ones.
func (e *Epoch) prunePanes(ctx context.Context, now time.Time, r Retention, n *Pruned) error {
	listed, err := e.allPanes(ctx)
	if err != nil {
		return err
	}
	var left []listedPane
	var errs []error
	for _, p := range visible(listed) {
		if inside := p.hides; len(inside) > 0 {
			removed, err := e.removeInside(ctx, p, n)
			p.hides = nil
			if errs = append(errs, err); !removed {
				left = append(append(left, p), inside...)
				continue
			}
		}
		if r.expired(p.PaneRef, now) {
			errs = append(errs, e.removePane(ctx, p, n))
			continue
		}
		left = append(left, p)
	}
	// A pane is written before the first state that no longer holds it. So the states are read first, and the panes that
	// are merged are listed after them: the listing has every pane that the states call settled.
	settled := map[PartitionID]func(PaneRef, int64) bool{}
	for target := range merges(left, now, r) {
		if _, ok := settled[target.PartitionID]; ok {
			continue
		}
		done, err := e.settled(ctx, target.PartitionID)
		settled[target.PartitionID], errs = done, append(errs, err)
	}
	if len(settled) == 0 {
		return errors.Join(errs...)
	}
	if listed, err = e.allPanes(ctx); err != nil {
		return errors.Join(append(errs, err)...)
	}
	groups := merges(listed, now, r)
	for _, target := range slices.SortedFunc(maps.Keys(groups), comparePanes) {
		group := groups[target]
		if done := settled[target.PartitionID]; done == nil || !done(target, group[0].Length) {
			continue
		}
		err := e.compact(ctx, target, group, n)
		e.hooks.compaction(err)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// merges returns the panes that are due to become a part of a longer one, by the longer one. What hides shorter panes
// waits until they are gone: if it cannot be read, they come back into sight.
func merges(listed []listedPane, now time.Time, r Retention) map[PaneRef][]listedPane {
	kept := map[PartitionID][]listedPane{}
	into := map[PaneRef]PaneRef{}
	groups := map[PaneRef][]listedPane{}
	for _, p := range visible(listed) {
		kept[p.PartitionID] = append(append(kept[p.PartitionID], p), p.hides...)
		level := r.level(p.Length)
		if len(p.hides) > 0 || level == len(r.Panes)-1 {
			continue
		}
		target := p.Longer(r.Panes[level+1].Length.Milliseconds())
		if target.End() <= now.Add(-r.Panes[level].Keep).UnixMilli() && !r.held(target) {
			into[p.PaneRef] = target
			groups[target] = append(groups[target], p)
		}
	}
	maps.DeleteFunc(groups, func(target PaneRef, _ []listedPane) bool { return !whole(target, into, kept[target.PartitionID]) })
	return groups
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
