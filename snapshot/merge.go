package snapshot

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"phasor/sketcher/sketch"
)

// readers is how many objects are read at a time where many are.
const readers = 8

// LoadStates returns the newest state that verifies of every partition, in the order of their names. It is for readers
// that do not own the partitions: corrupt states are reported and left alone, a state that retention removes meanwhile
// is passed over, and so is the state of a partition whose incarnation another one continues.
//
// If the states of a partition exist and none can be read, the error is an [AllCorruptError]: a merge without that
// partition would be wrong.
func (e *Epoch) LoadStates(ctx context.Context) ([]*State, error) {
	for range relists {
		states, complete, err := e.loadStates(ctx)
		if err != nil {
			return nil, err
		}
		if complete {
			return current(states), nil
		}
	}
	return nil, fmt.Errorf("snapshot: epoch %d of %s: %d times, all states of a partition were removed while they were read: is another process deleting them?", e.Number, e.sketch, relists)
}

// loadStates is LoadStates for one listing; complete is false if a partition's states had all gone when they were read.
func (e *Epoch) loadStates(ctx context.Context) (states []*State, complete bool, err error) {
	refs, err := e.ListStates(ctx)
	if err != nil {
		return nil, false, err
	}
	partitions := byPartition(refs)
	states = make([]*State, len(partitions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	var mu sync.Mutex
	complete = true
	for i, refs := range partitions {
		group.Go(func() error {
			s, bad, err := e.newest(ctx, refs)
			switch p := refs[0].PartitionID; {
			case err != nil:
				return err
			case s != nil:
				states[i] = s
			case len(bad) > 0:
				return allCorrupt(fmt.Sprintf("the state of %s, topic id %s, epoch %d of %s", p, p.TopicID, e.Number, e.sketch), bad)
			default:
				mu.Lock()
				complete = false
				mu.Unlock()
			}
			return nil
		})
	}
	return states, complete, group.Wait()
}

// byPartition cuts a listing of states where the partition changes. The listing runs backwards; the cuts do not.
func byPartition(refs []StateRef) [][]StateRef {
	var cuts [][]StateRef
	for end := len(refs); end > 0; {
		begin := end - 1
		for begin > 0 && refs[begin-1].PartitionID == refs[end-1].PartitionID {
			begin--
		}
		cuts = append(cuts, refs[begin:end])
		end = begin
	}
	return cuts
}

// current drops the states that another one continues: their records would count twice.
func current(states []*State) []*State {
	continued := map[PartitionID]bool{}
	for _, s := range states {
		if s.Follows != "" && s.Follows != s.TopicID { // No state is left out for itself.
			continued[PartitionID{s.Topic, s.Follows, s.Partition}] = true
		}
	}
	var kept []*State
	for _, s := range states {
		if !continued[s.PartitionID] {
			kept = append(kept, s)
		}
	}
	return kept
}

// MergeStates returns the sketch of all records of the states, nil if there are none.
func MergeStates(states []*State) (*sketch.Accumulator, error) {
	var total *sketch.Accumulator
	for _, s := range states {
		if total == nil {
			total = s.Total()
			continue
		}
		if err := merge(total, s.Sealed, "the state of "+s.String()); err != nil {
			return nil, err
		}
		for _, a := range s.Open {
			if err := merge(total, a, "the state of "+s.String()); err != nil {
				return nil, err
			}
		}
	}
	return total, nil
}

// MergePanes returns the sketch of all records of the panes, nil if there are none.
func MergePanes(panes []*Pane) (*sketch.Accumulator, error) {
	var total *sketch.Accumulator
	for _, p := range panes {
		if total == nil {
			total = p.Accumulator.Clone()
			continue
		}
		if err := merge(total, p.Accumulator, fmt.Sprintf("the pane of %s at %d", p.PartitionID, p.Start)); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func merge(total, a *sketch.Accumulator, object string) error {
	if total.Fingerprint() != a.Fingerprint() {
		return &MapMismatchError{Object: object, Want: total.Fingerprint(), Found: a.Fingerprint()}
	}
	if err := total.Merge(a); err != nil {
		return fmt.Errorf("snapshot: %s: %w", object, err)
	}
	return nil
}
