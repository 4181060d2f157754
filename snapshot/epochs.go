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
	e, err := s.LatestSpec(ctx)
	if !errors.Is(err, ErrNotExist) {
		return e, err
	}
	return s.NewEpoch(ctx, spec, nil)
}

// NewEpoch creates the next epoch with a spec. The fold of each partition in starts begins at that offset in the new
// epoch, the fold of any other as the sketcher is configured. If another writer creates the same epoch first, its spec
// is adopted: compare the fingerprint of [Epoch.Spec] where it matters.
func (s *Store) NewEpoch(ctx context.Context, spec *feature.Spec, starts map[PartitionID]int64) (*Epoch, error) {
	data, err := spec.Encode()
	if err != nil {
		return nil, fmt.Errorf("snapshot: %s: new epoch: %w", s.sketch, err)
	}
	number, err := s.nextEpoch(ctx)
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
	b, err := s.b.Get(ctx, name)
	if err != nil {
		return nil, wrap("read", name, err)
	}
	spec, err := feature.DecodeSpec(b)
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
		name := s.epochPrefix(n) + "spec"
		objects, err := s.b.List(ctx, name)
		if err != nil {
			return nil, wrap("list", name, err)
		}
		if len(objects) > 0 && objects[0].Name == name {
			numbers, last = append(numbers, n), n
		}
	}
	return numbers, nil
}

// nextEpoch returns the number of the epoch to create. A folder with starts and without a spec is left from an attempt
// that broke off, perhaps long ago: its starts mean nothing now, and its number is passed over.
func (s *Store) nextEpoch(ctx context.Context) (int, error) {
	numbers, err := s.Epochs(ctx)
	if err != nil {
		return 0, err
	}
	last := 0
	if len(numbers) > 0 {
		last = numbers[len(numbers)-1]
	}
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
	}
	return 0, fmt.Errorf("snapshot: sketch %q: new epoch: %d attempts after epoch %d broke off: delete their folders, %sstart/ and the following", s.sketch, maxGap+1, last, s.epochPrefix(last+1))
}
