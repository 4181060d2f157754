package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Retention says how much is kept.
type Retention struct {
	States int     // Newest states of a partition, at least 1.
	Panes  []Level // By ascending Length; the first has Length 0.
	Models int     // Newest versions, and as many generations, at least 1; the served version is kept in any case.
	// Held are intervals of event time whose panes are not merged into longer ones, however old: somebody reads them
	// one by one.
	Held []Interval
}

// Interval is [From, To), Unix milliseconds.
type Interval struct{ From, To int64 }

// Level says how long panes of some length are kept. When they are older, they are merged into panes of the next
// level's length; those of the last level are removed, and shorter ones with them.
type Level struct {
	Length time.Duration // Of the shortest panes of the level.
	Keep   time.Duration // After a pane's end.
}

const day = 24 * time.Hour

// DefaultRetention keeps 5 states of a partition, 20 models, and panes below an hour for 2 days, hours for 60 days,
// days for 5 years.
func DefaultRetention() Retention {
	return Retention{States: 5, Models: 20, Panes: []Level{{0, 2 * day}, {time.Hour, 60 * day}, {day, 5 * 365 * day}}}
}

// Validate says what is wrong and what would happen.
func (r Retention) Validate() error {
	if r.States < 1 || r.Models < 1 {
		return fmt.Errorf("snapshot: retention keeps %d states and %d models: each must be at least 1, or nothing could be loaded again", r.States, r.Models)
	}
	if len(r.Panes) == 0 || r.Panes[0].Length != 0 {
		return fmt.Errorf("snapshot: retention of panes: the first level must have length 0, or short panes would be kept for ever")
	}
	for i, l := range r.Panes {
		if l.Keep <= 0 || l.Length%time.Millisecond != 0 {
			return fmt.Errorf("snapshot: retention of panes: level %d keeps panes of %v for %v: the length must be whole milliseconds and the time positive", i+1, l.Length, l.Keep)
		}
		if i > 0 && l.Length <= r.Panes[i-1].Length {
			return fmt.Errorf("snapshot: retention of panes: level %d of %v follows one of %v: lengths must ascend", i+1, l.Length, r.Panes[i-1].Length)
		}
	}
	return nil
}

// level returns the level of panes of a length in milliseconds.
func (r Retention) level(length int64) int {
	i := len(r.Panes) - 1
	for r.Panes[i].Length.Milliseconds() > length {
		i--
	}
	return i
}

// expired reports whether a pane is removed. One that never became a part of a longer one, as the last of a partition
// that has ended, goes when longer ones of its age do.
func (r Retention) expired(p PaneRef, now time.Time) bool {
	keep := max(r.Panes[r.level(p.Length)].Keep, r.Panes[len(r.Panes)-1].Keep)
	return p.End() <= now.Add(-keep).UnixMilli()
}

func (r Retention) held(p PaneRef) bool {
	return slices.ContainsFunc(r.Held, func(i Interval) bool { return p.End() > i.From && p.Start < i.To })
}

// Pruned counts the objects that were removed, and the groups of panes that were merged into a longer one.
type Pruned struct{ States, Panes, Models, Generations, Compacted int }

// Prune removes what retention does not keep, in all partitions, and merges old panes into longer ones. What it removes
// is never the only one of its kind that verifies. Several processes may prune at a time; what fails is left for the
// next time, and the errors are joined.
func (e *Epoch) Prune(ctx context.Context, now time.Time, r Retention) (Pruned, error) {
	var n Pruned
	if err := r.Validate(); err != nil {
		return n, err
	}
	var errs []error
	refs, err := e.ListStates(ctx)
	errs = append(errs, err)
	for _, states := range byPartition(refs) {
		removed, err := e.pruneStates(ctx, states, r.States)
		n.States += removed
		errs = append(errs, err)
	}
	errs = append(errs, e.prunePanes(ctx, now, r, &n), e.pruneModels(ctx, r.Models, &n), e.pruneGenerations(ctx, r.Models, &n))
	return n, errors.Join(errs...)
}

// PruneStates removes all but the newest keep states of one partition, and never the newest that verifies. It returns
// how many it removed.
func (e *Epoch) PruneStates(ctx context.Context, p PartitionID, keep int) (int, error) {
	if keep < 1 {
		return 0, fmt.Errorf("snapshot: %s: retention keeps %d states: it must be at least 1, or nothing could be loaded again", p, keep)
	}
	refs, err := e.statesOf(ctx, p)
	if err != nil {
		return 0, err
	}
	return e.pruneStates(ctx, refs, keep)
}

func (e *Epoch) pruneStates(ctx context.Context, refs []StateRef, keep int) (removed int, err error) {
	if len(refs) <= keep {
		return 0, nil
	}
	valid, err := e.firstValid(ctx, refs, keep > 1)
	if err != nil {
		return 0, err
	}
	// The oldest goes first, so that what is left of a broken-off removal has no hole.
	for _, r := range slices.Backward(refs[max(keep, valid+1):]) {
		if err := e.b.Delete(ctx, r.object.Name); err != nil {
			return removed, wrap("delete", r.object.Name, err)
		}
		removed++
	}
	return removed, nil
}

// firstValid returns the position of the newest state that loads now or, if trust allows it, that this handle wrote or
// loaded. Where only one is kept, that it was written is not enough.
func (e *Epoch) firstValid(ctx context.Context, refs []StateRef, trust bool) (int, error) {
	var bad []refusal
	for i, r := range refs {
		if trust && e.Unchanged(r.PartitionID, r.Next) {
			return i, nil
		}
		s, refused, err := e.newest(ctx, refs[i:i+1])
		if err != nil {
			return 0, err
		}
		if s != nil {
			return i, nil
		}
		bad = append(bad, refused...)
	}
	if len(bad) == 0 {
		return 0, fmt.Errorf("snapshot: retention: all states of %s were removed while they were read: is another process deleting them?", refs[0].PartitionID)
	}
	return 0, allCorrupt(fmt.Sprintf("retention: the states of %s", refs[0].PartitionID), bad)
}

func (e *Epoch) pruneModels(ctx context.Context, keep int, n *Pruned) error {
	refs, err := e.ListModels(ctx)
	if err != nil || len(refs) <= keep {
		return err
	}
	kept := map[int]bool{}
	for _, r := range refs[len(refs)-keep:] {
		kept[r.Version] = true
	}
	// If nothing is served, the newest version that verifies takes its place.
	valid := 0
	for _, r := range slices.Backward(refs) {
		_, err := e.LoadModel(ctx, r.Version)
		if err == nil {
			valid = r.Version
			break
		}
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotExist) {
			return err
		}
	}
	if valid == 0 {
		return fmt.Errorf("snapshot: retention: not one of %d models of %s can be read, so none is removed: %w", len(refs), e.sketch, ErrAllCorrupt)
	}
	kept[valid] = true
	for _, r := range refs {
		if kept[r.Version] {
			continue
		}
		// What is served is asked each time, so that a version published meanwhile is seen.
		_, served, err := e.LoadCurrent(ctx)
		if err != nil && !errors.Is(err, ErrNotExist) {
			return err
		}
		if r.Version == served.Version {
			continue
		}
		for _, extension := range []string{".onnx", ".json", ""} {
			if err := e.b.Delete(ctx, e.modelName(r.Version)+extension); err != nil {
				return wrap("delete", e.modelName(r.Version)+extension, err)
			}
		}
		n.Models++
	}
	return nil
}

func (e *Epoch) pruneGenerations(ctx context.Context, keep int, n *Pruned) error {
	listed, err := e.listGenerations(ctx)
	if err != nil || len(listed) <= keep {
		return err
	}
	_, served, err := e.LoadCurrent(ctx)
	if err != nil {
		return err
	}
	for _, r := range slices.Backward(listed[keep:]) {
		if r.Generation >= served.Generation {
			continue
		}
		if err := e.b.Delete(ctx, r.object.Name); err != nil {
			return wrap("delete", r.object.Name, err)
		}
		n.Generations++
	}
	return nil
}
