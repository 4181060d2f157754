package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot/bucket"
)

// Store is everything that a bucket holds of one sketch. It is safe for concurrent use.
type Store struct {
	plain  bucket.Bucket // As it was given.
	b      bucket.Bucket // Observed, if there is a hook for it.
	sketch string
	prefix string
	hooks  Hooks
}

// Open returns the store of a sketch in b. Closing b is the caller's business.
func Open(b bucket.Bucket, sketch string) *Store {
	return &Store{plain: b, b: b, sketch: sketch, prefix: sketchFolder(sketch) + "/"}
}

// WithHooks returns the same store with other hooks.
func (s *Store) WithHooks(h Hooks) *Store {
	c := *s
	c.hooks, c.b = h, c.plain
	if h.Operation != nil {
		c.b = bucket.Observe(c.plain, h.Operation)
	}
	return &c
}

// Sketch returns the name of the sketch.
func (s *Store) Sketch() string { return s.sketch }

// Epoch is one epoch of a sketch: its spec and whatever was made with it. It is safe for concurrent use.
type Epoch struct {
	*Store
	Number int
	prefix string
	m      *feature.Map

	mu      sync.Mutex
	durable map[PartitionID]int64    // Next of the newest state that this handle wrote or verified.
	sizes   map[PartitionID]int      // Bytes of the newest state that this handle wrote.
	refused map[string]bucket.Object // Corrupt objects that were reported, as they were listed.
}

func (s *Store) newEpoch(number int, spec *feature.Spec) (*Epoch, error) {
	m, err := feature.NewMap(spec)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %s, epoch %d: %w", s.sketch, number, err)
	}
	return &Epoch{Store: s, Number: number, prefix: s.epochPrefix(number), m: m,
		durable: map[PartitionID]int64{}, sizes: map[PartitionID]int{}, refused: map[string]bucket.Object{}}, nil
}

func (s *Store) epochPrefix(number int) string { return fmt.Sprintf("%s%04d/", s.prefix, number) }

// Spec returns the epoch's spec, which must not be changed.
func (e *Epoch) Spec() *feature.Spec { return e.m.Spec() }

// Map returns the epoch's feature map. Accumulators that the epoch loads are bound to it.
func (e *Epoch) Map() *feature.Map { return e.m }

// bind attaches the epoch's map to the accumulators of an object.
func (e *Epoch) bind(object string, accumulators ...*sketch.Accumulator) error {
	for _, a := range accumulators {
		if a.Fingerprint() != e.m.Fingerprint() {
			return &MapMismatchError{Object: object, Want: e.m.Fingerprint(), Found: a.Fingerprint()}
		}
		if err := a.Bind(e.m); err != nil {
			return fmt.Errorf("snapshot: %s: %w: %w", object, ErrCorrupt, err)
		}
	}
	return nil
}

// createSame creates an object, or finds it with the very same bytes. A corrupt object of that name is set aside and
// replaced; verify says whether one is corrupt. Any other object stays and is a conflict.
func (e *Epoch) createSame(ctx context.Context, name string, data []byte, verify func([]byte) error) error {
	for {
		err := e.b.Create(ctx, name, data)
		if !errors.Is(err, bucket.ErrExist) {
			return wrap("write", name, err)
		}
		found, err := e.get(ctx, name)
		if errors.Is(err, bucket.ErrNotExist) {
			continue // It was removed in between.
		}
		if err == nil {
			if bytes.Equal(found, data) {
				return nil
			}
			err = verify(found)
		} else if !errors.Is(err, ErrCorrupt) {
			return err
		}
		if errors.Is(err, ErrCorrupt) {
			e.hooks.corrupt(name, err)
			if err := e.copyAside(ctx, "corrupt", name, found); err != nil {
				return err
			}
			return wrap("write", name, e.b.Put(ctx, name, data))
		}
		e.hooks.conflict(name)
		return &ConflictError{Name: name}
	}
}

// setAside moves a corrupt object out of the way. It is left alone if it is no longer what was read.
func (e *Epoch) setAside(ctx context.Context, kind, name string, data []byte) error {
	if err := e.copyAside(ctx, kind, name, data); err != nil {
		return err
	}
	found, err := e.get(ctx, name)
	read := err == nil || errors.Is(err, ErrCorrupt)
	if errors.Is(err, bucket.ErrNotExist) || read && !bytes.Equal(found, data) {
		return nil
	}
	if !read {
		return err
	}
	return wrap("delete", name, e.b.Delete(ctx, name))
}

func (e *Epoch) copyAside(ctx context.Context, kind, name string, data []byte) error {
	sum := sha256.Sum256(data)
	aside := e.name(kind, fmt.Sprintf("%s.%08x", strings.TrimPrefix(name, e.prefix), sum[:4]))
	if err := e.b.Create(ctx, aside, data); err != nil && !errors.Is(err, bucket.ErrExist) {
		return wrap("write", aside, err)
	}
	return nil
}

// get reads an object. One of which nothing proves who wrote it is corrupt: the error wraps [ErrCorrupt], and the bytes
// are what is stored, to be compared and set aside only.
func (s *Store) get(ctx context.Context, name string) ([]byte, error) {
	b, err := s.b.Get(ctx, name)
	var u *bucket.UnauthenticError
	if errors.As(err, &u) {
		return u.Stored, fmt.Errorf("snapshot: %w: %w", ErrCorrupt, err)
	}
	return b, wrap("read", name, err)
}

// wrap says which object an operation of the bucket failed on; nil stays nil.
func wrap(what, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("snapshot: %s %s: %w", what, name, err)
}
