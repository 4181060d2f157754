package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"phasor/snapshot/bucket"
)

// StateRef names a state.
type StateRef struct {
	PartitionID
	Next   int64
	object bucket.Object
}

// SaveState writes a state; when it returns nil, the state is durable. A state of the same name with the same bytes is
// success, one with other bytes stays and is a [ConflictError].
func (e *Epoch) SaveState(ctx context.Context, s *State) error {
	data, err := e.encodeState(s)
	if err != nil {
		return err
	}
	name := e.stateName(s.PartitionID, s.Next)
	verify := func(b []byte) error {
		_, err := e.decodeState(name, s.PartitionID, s.Next, b)
		return err
	}
	if err := e.createSame(ctx, name, data, verify); err != nil {
		return err
	}
	e.noteDurable(s.PartitionID, s.Next)
	e.mu.Lock()
	e.sizes[s.PartitionID] = len(data)
	e.mu.Unlock()
	return nil
}

// StateSize returns the bytes of the newest state of a partition that this handle wrote; 0 if it wrote none.
func (e *Epoch) StateSize(p PartitionID) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sizes[p]
}

// NewestState returns the end of a partition's newest state, valid or not; -1 if there is none.
func (e *Epoch) NewestState(ctx context.Context, p PartitionID) (next int64, err error) {
	refs, err := e.statesOf(ctx, p)
	if err != nil || len(refs) == 0 {
		return -1, err
	}
	return refs[0].Next, nil
}

func (e *Epoch) encodeState(s *State) ([]byte, error) {
	data, err := s.Encode()
	if err != nil {
		return nil, err
	}
	if found := s.MapFingerprint(); found != e.m.Fingerprint() {
		return nil, &MapMismatchError{Object: "the state of " + s.String(), Want: e.m.Fingerprint(), Found: found}
	}
	return data, nil
}

// Unchanged reports whether the newest state of a partition that this handle wrote or loaded ends at next. A state is a
// function of the log up to next, so there is nothing new to save then.
func (e *Epoch) Unchanged(p PartitionID, next int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	n, ok := e.durable[p]
	return ok && n == next
}

func (e *Epoch) noteDurable(p PartitionID, next int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.durable[p] = next
}

// decodeState reads the bytes of a state that is named for this partition and this offset.
func (e *Epoch) decodeState(name string, p PartitionID, next int64, b []byte) (*State, error) {
	s, err := DecodeState(b)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %s: %w", name, err)
	}
	if s.PartitionID != p || s.Next != next {
		return nil, fmt.Errorf("snapshot: %s: %w: it holds the state of %s, topic id %s, at %d", name, ErrCorrupt, s.PartitionID, s.TopicID, s.Next)
	}
	if err := e.bind(name, s.Sealed); err != nil {
		return nil, err
	}
	for _, a := range s.Open {
		if err := e.bind(name, a); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// ListStates returns the names of all states: by partition, and within a partition from the newest to the oldest.
func (e *Epoch) ListStates(ctx context.Context) ([]StateRef, error) {
	return e.listStates(ctx, e.prefix+"state/")
}

func (e *Epoch) listStates(ctx context.Context, prefix string) ([]StateRef, error) {
	objects, err := e.b.List(ctx, prefix)
	if err != nil {
		return nil, wrap("list", prefix, err)
	}
	var refs []StateRef
	for _, o := range slices.Backward(objects) {
		if p, next, ok := e.parseState(o.Name); ok {
			refs = append(refs, StateRef{p, next, o})
		}
	}
	return refs, nil
}

func (e *Epoch) statesOf(ctx context.Context, p PartitionID) ([]StateRef, error) {
	return e.listStates(ctx, e.prefix+"state/"+p.folder()+"/")
}

// relists is how often a listing is taken again because everything on it was removed before it could be read.
const relists = 8

// LoadState returns the newest state of a partition that verifies. It is for the partition's owner: corrupt states that
// are newer are reported and set aside. With a description fold, a state that was folded in another way is a
// [FoldMismatchError]; nil accepts any.
//
// The error wraps [ErrNotExist] if the partition never had a state, and is an [AllCorruptError] if it had some and none
// can be read.
func (e *Epoch) LoadState(ctx context.Context, p PartitionID, fold Fold) (*State, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	what := fmt.Sprintf("the state of %s, topic id %s, epoch %d of %s", p, p.TopicID, e.Number, e.sketch)
	for range relists {
		refs, err := e.statesOf(ctx, p)
		if err != nil {
			return nil, err
		}
		s, bad, err := e.newest(ctx, refs)
		if err != nil {
			return nil, err
		}
		if s != nil {
			for _, c := range bad {
				if err := e.setAside(ctx, "corrupt", c.name, c.data); err != nil {
					return nil, err
				}
			}
			if fold != nil {
				if err := fold.Resume(what, s.Fold); err != nil {
					return nil, err
				}
			}
			e.noteDurable(p, s.Next)
			return s, nil
		}
		if len(bad) > 0 {
			return nil, allCorrupt(what, bad)
		}
		if len(refs) == 0 {
			return nil, e.noState(ctx, p, what)
		}
	}
	return nil, fmt.Errorf("snapshot: %s: %d times, every state was removed while it was read: is another process deleting them?", what, relists)
}

// noState tells a partition without a state from one whose states were all lost.
func (e *Epoch) noState(ctx context.Context, p PartitionID, what string) error {
	prefix := e.prefix + "corrupt/state/" + p.folder() + "/"
	objects, err := e.b.List(ctx, prefix)
	if err != nil {
		return wrap("list", prefix, err)
	}
	if len(objects) == 0 {
		return fmt.Errorf("snapshot: %s: %w", what, ErrNotExist)
	}
	lost := &AllCorruptError{What: what}
	for _, o := range objects {
		lost.Names = append(lost.Names, o.Name)
	}
	return lost
}

// refusal is a corrupt object.
type refusal struct {
	name string
	data []byte
	err  error
}

func allCorrupt(what string, bad []refusal) error {
	lost := &AllCorruptError{What: what, Err: bad[0].err}
	for _, c := range bad {
		lost.Names = append(lost.Names, c.name)
	}
	return lost
}

// newest returns the first state of refs that verifies, nil if there is none, and the corrupt ones before it. States
// that were removed since they were listed are passed over. Any other failure is an error: an older state must not
// stand in for one that could not be read this time.
func (e *Epoch) newest(ctx context.Context, refs []StateRef) (*State, []refusal, error) {
	var bad []refusal
	for _, r := range refs {
		name := r.object.Name
		b, err := e.get(ctx, name)
		if errors.Is(err, ErrNotExist) {
			continue
		}
		if err == nil {
			var s *State
			if s, err = e.decodeState(name, r.PartitionID, r.Next, b); err == nil {
				return s, bad, nil
			}
		}
		if !errors.Is(err, ErrCorrupt) {
			return nil, nil, err
		}
		e.reportCorrupt(r.object, err)
		bad = append(bad, refusal{name, b, err})
	}
	return nil, bad, nil
}

// reportCorrupt calls the hook once for each object and each of its versions.
func (e *Epoch) reportCorrupt(o bucket.Object, err error) {
	e.mu.Lock()
	seen, ok := e.refused[o.Name]
	known := ok && seen.Size == o.Size && seen.Modified.Equal(o.Modified)
	if !known {
		e.refused[o.Name] = o
	}
	e.mu.Unlock()
	if !known {
		e.hooks.corrupt(o.Name, err)
	}
}

// Rewind makes s the newest state of its partition although it ends before others do: after a truncation of the log
// that is to be followed. The states at and after s.Next are kept under abandoned/. If Rewind is broken off, the
// partition has its former newest state or s.
func (e *Epoch) Rewind(ctx context.Context, s *State) error {
	data, err := e.encodeState(s)
	if err != nil {
		return err
	}
	refs, err := e.statesOf(ctx, s.PartitionID)
	if err != nil {
		return err
	}
	refs = slices.DeleteFunc(refs, func(r StateRef) bool { return r.Next < s.Next })
	withdrawn := make([][]byte, len(refs))
	for i, r := range refs {
		b, err := e.get(ctx, r.object.Name)
		if errors.Is(err, ErrNotExist) {
			continue
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return err
		}
		if bytes.Equal(b, data) {
			continue // Rewind was broken off after it wrote s.
		}
		if err := e.copyAside(ctx, "abandoned", r.object.Name, b); err != nil {
			return err
		}
		withdrawn[i] = b
	}
	name := e.stateName(s.PartitionID, s.Next)
	if err := e.b.Put(ctx, name, data); err != nil {
		return wrap("write", name, err)
	}
	// The newest goes last: until then a reader finds it, and not one between it and s.
	for i, r := range slices.Backward(refs) {
		if r.Next > s.Next && withdrawn[i] != nil {
			if err := e.setAside(ctx, "abandoned", r.object.Name, withdrawn[i]); err != nil {
				return err
			}
		}
	}
	e.noteDurable(s.PartitionID, s.Next)
	return nil
}
