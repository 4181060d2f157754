package snapshot

import (
	"context"
	"errors"
	"fmt"

	"phasor/sketcher/feature"
	"phasor/snapshot/bucket"
)

const (
	maxEpoch = 9999
	// maxGap is the number of epochs in a row that may lack a spec, because whoever began them broke off.
	maxGap = 4
)

// CreateSpec opens the newest epoch; if there is none, it creates the first with this spec. Of several writers the
// first wins and the others adopt its spec: compare the fingerprint of [Epoch.Spec] where it matters.
func (s *Store) CreateSpec(ctx context.Context, spec *feature.Spec) (*Epoch, error) {
	numbers, err := s.Epochs(ctx)
	if err != nil {
		return nil, err
	}
	if len(numbers) > 0 {
		return s.OpenEpoch(ctx, numbers[len(numbers)-1])
	}
	return s.createAfter(ctx, 0, spec, nil)
}

// NewEpoch creates the next epoch with a spec. The fold of each partition in starts begins at that offset in the new
// epoch, the fold of any other as the sketcher is configured. If another writer creates the same epoch first, its spec
// is adopted: compare the fingerprint of [Epoch.Spec] where it matters.
func (s *Store) NewEpoch(ctx context.Context, spec *feature.Spec, starts map[PartitionID]int64) (*Epoch, error) {
	numbers, err := s.Epochs(ctx)
	if err != nil {
		return nil, err
	}
	last := 0
	if len(numbers) > 0 {
		last = numbers[len(numbers)-1]
	}
	return s.createAfter(ctx, last, spec, starts)
}

// createAfter creates the epoch after the last one that the caller knows. If it is there by now, its spec is adopted.
func (s *Store) createAfter(ctx context.Context, last int, spec *feature.Spec, starts map[PartitionID]int64) (*Epoch, error) {
	data, err := spec.Encode()
	if err != nil {
		return nil, fmt.Errorf("snapshot: %s: new epoch: %w", s.sketch, err)
	}
	number, err := s.nextEpoch(ctx, last)
	if err != nil {
		return nil, err
	}
	e, err := s.newEpoch(number, spec)
	if err != nil {
		return nil, err
	}
	for p, offset := range starts {
		if _, err := e.CreateStart(ctx, p, offset); err != nil {
			return nil, err
		}
	}
	name := e.prefix + "spec"
	switch err := e.b.Create(ctx, name, data); {
	case err == nil:
		return e, nil
	case errors.Is(err, bucket.ErrExist):
		return s.OpenEpoch(ctx, number)
	default:
		return nil, wrap("write", name, err)
	}
}

// LatestSpec opens the newest epoch. The error wraps [ErrNotExist] if there is none.
func (s *Store) LatestSpec(ctx context.Context) (*Epoch, error) {
	numbers, err := s.Epochs(ctx)
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("snapshot: sketch %q has no epoch yet: %w", s.sketch, ErrNotExist)
	}
	return s.OpenEpoch(ctx, numbers[len(numbers)-1])
}

// OpenEpoch opens one epoch. A spec that cannot be read is an error and stays where it is: everything in its epoch
// depends on it.
func (s *Store) OpenEpoch(ctx context.Context, number int) (*Epoch, error) {
	name := s.epochPrefix(number) + "spec"
	b, err := s.get(ctx, name)
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return nil, err
	}
	var spec *feature.Spec
	if err == nil {
		spec, err = feature.DecodeSpec(b)
	}
	if err != nil {
		s.hooks.corrupt(name, err)
		return nil, fmt.Errorf("snapshot: %s: %w: restore it from a backup, or begin a new epoch", name, err)
	}
	return s.newEpoch(number, spec)
}

// Epochs returns the numbers of the epochs that have a spec, in ascending order.
func (s *Store) Epochs(ctx context.Context) ([]int, error) {
	var numbers []int
	for n, last := 1, 0; n <= maxEpoch && n <= last+1+maxGap; n++ {
		ok, err := s.hasSpec(ctx, n)
		if err != nil {
			return nil, err
		}
		if ok {
			numbers, last = append(numbers, n), n
		}
	}
	return numbers, nil
}

func (s *Store) hasSpec(ctx context.Context, number int) (bool, error) {
	name := s.epochPrefix(number) + "spec"
	objects, err := s.b.List(ctx, name)
	return len(objects) > 0 && objects[0].Name == name, wrap("list", name, err)
}

// nextEpoch returns the number of the epoch to create after the last one. A folder with starts and without a spec is
// left from an attempt that broke off, perhaps long ago: its starts mean nothing now, and its number is passed over.
func (s *Store) nextEpoch(ctx context.Context, last int) (int, error) {
	if last == maxEpoch {
		return 0, fmt.Errorf("snapshot: sketch %q has %d epochs, as many as have a name: begin a sketch of another name", s.sketch, last)
	}
	for n := last + 1; n <= min(last+1+maxGap, maxEpoch); n++ {
		starts := s.epochPrefix(n) + "start/"
		objects, err := s.b.List(ctx, starts)
		if err != nil {
			return 0, wrap("list", starts, err)
		}
		if len(objects) == 0 {
			return n, nil
		}
		// With a spec, the epoch was created a moment ago and its starts are in use.
		ok, err := s.hasSpec(ctx, n)
		if err != nil || ok {
			return n, err
		}
	}
	return 0, fmt.Errorf("snapshot: sketch %q: new epoch: %d attempts after epoch %d broke off: delete their folders, %sstart/ and the following", s.sketch, maxGap+1, last, s.epochPrefix(last+1))
}
