package mac

import (
	"context"
	"errors"
	"fmt"

	"phasor/snapshot/bucket"
)

// ErrSigned is wrapped by the error of a Get, without keys, of an object that is
// signed.
var ErrSigned = errors.New("object is signed")

// Options say how strict a bucket is.
type Options struct {
	Keys          *Keys // Nil: nothing is signed, and what is signed is not read.
	AllowUnsigned bool  // Objects without a tag are believed, as while a store gets its first key.
}

// Wrap returns a bucket over b that signs what it writes and verifies what it
// reads. A Get of an object that does not verify fails with an
// [bucket.UnauthenticError], which holds the stored bytes.
//
// Listings are not signed: they may name objects that do not verify. The sizes
// in them are those of signed objects' data.
func Wrap(b bucket.Bucket, o Options) bucket.Bucket { return &signed{b, o} }

type signed struct {
	b bucket.Bucket
	o Options
}

func (s *signed) Get(ctx context.Context, name string) ([]byte, error) {
	stored, err := s.b.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if s.o.Keys == nil {
		if _, id := Strip(stored); id != "" {
			return nil, fmt.Errorf("get %q: %w with the key %.6q: give the keys with --integrity.key_file", name, ErrSigned, id)
		}
		return stored, nil
	}
	if s.o.AllowUnsigned {
		if _, id := Strip(stored); id == "" {
			return stored, nil
		}
	}
	data, _, why := s.o.Keys.Verify(name, stored)
	if why != "" {
		return nil, &bucket.UnauthenticError{Name: name, Stored: stored, Why: why}
	}
	return data, nil
}

func (s *signed) Put(ctx context.Context, name string, data []byte) error {
	return s.b.Put(ctx, name, s.sign(name, data))
}

func (s *signed) Create(ctx context.Context, name string, data []byte) error {
	return s.b.Create(ctx, name, s.sign(name, data))
}

func (s *signed) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	objects, err := s.b.List(ctx, prefix)
	if err != nil || s.o.Keys == nil {
		return objects, err
	}
	for i := range objects {
		objects[i].Size = max(0, objects[i].Size-Size)
	}
	return objects, nil
}

func (s *signed) Delete(ctx context.Context, name string) error { return s.b.Delete(ctx, name) }

func (s *signed) Close() error { return s.b.Close() }

func (s *signed) sign(name string, data []byte) []byte {
	if s.o.Keys == nil {
		return data
	}
	return s.o.Keys.Sign(name, data)
}

// Outcome is what [Resign] did with an object.
type Outcome string

// Outcomes of Resign.
const (
	Current  Outcome = "current"  // The first key had signed it.
	Resigned Outcome = "resigned" // Another key had.
	Signed   Outcome = "signed"   // Nobody had.
	Unsigned Outcome = "unsigned" // Nobody had, and it was left so.
	Refused  Outcome = "refused"  // Its tag does not verify, and it was left so.
	Gone     Outcome = "gone"     // It was removed meanwhile.
)

// Resign signs an object of b, a bucket that is not wrapped, with the first of
// the keys, if another one of them signed it, or if nobody did and trust says
// that what is there is believed. It must not run beside the object's writers:
// one that replaces it in between is undone. why says why an object was refused.
func Resign(ctx context.Context, b bucket.Bucket, keys *Keys, name string, trust bool) (done Outcome, why string, err error) {
	stored, err := b.Get(ctx, name)
	if errors.Is(err, bucket.ErrNotExist) {
		return Gone, "", nil
	}
	if err != nil {
		return "", "", err
	}
	data, first, why := keys.Verify(name, stored)
	switch _, id := Strip(stored); {
	case first:
		return Current, "", nil
	case why == "":
		return Resigned, "", b.Put(ctx, name, keys.Sign(name, data))
	case id != "":
		return Refused, why, nil
	case !trust:
		return Unsigned, "", nil
	}
	return Signed, "", b.Put(ctx, name, keys.Sign(name, stored))
}
