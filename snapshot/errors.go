package snapshot

import (
	"errors"
	"fmt"
	"strings"

	"phasor/snapshot/bucket"
	"phasor/snapshot/safetensors"
)

var (
	// ErrNotExist: there is no such object.
	ErrNotExist = bucket.ErrNotExist
	// ErrCorrupt: the bytes are not what was written, or not the object that the name promises, or not signed by whom
	// they should be.
	ErrCorrupt = safetensors.ErrCorrupt
	// ErrAllCorrupt: there are objects, and not one of them can be read.
	ErrAllCorrupt = errors.New("every object is corrupt")
	// ErrVersion: the object is whole, and of a later version of its format than this program reads.
	ErrVersion = errors.New("newer format version")
	// ErrMismatch: an object was made with another feature map or another way of folding.
	ErrMismatch = errors.New("fingerprints differ")
	// ErrConflict: the name is taken by a valid object with other bytes.
	ErrConflict = errors.New("object exists with other bytes")
)

// AllCorruptError names the objects of which none can be read. It wraps [ErrAllCorrupt].
type AllCorruptError struct {
	What  string // What was looked for.
	Names []string
	Err   error // Why the newest was refused; nil if they had been set aside before.
}

func (e *AllCorruptError) Error() string {
	s := fmt.Sprintf("snapshot: %s: %v: %s: restore one of them from a backup, or move all of them out of the store to begin anew",
		e.What, ErrAllCorrupt, strings.Join(e.Names, ", "))
	if e.Err != nil {
		s += fmt.Sprintf(" (the newest: %v)", e.Err)
	}
	return s
}

func (e *AllCorruptError) Unwrap() error { return ErrAllCorrupt }

// MapMismatchError names the fingerprints of two feature maps that differ. It wraps [ErrMismatch].
type MapMismatchError struct {
	Object string // The object that does not fit.
	Want   string // The map of the epoch.
	Found  string // The map of the object.
}

func (e *MapMismatchError) Error() string {
	return fmt.Sprintf("snapshot: %s was made with the feature map %s, this epoch has %s: their sketches cannot be merged; use the epoch of that map, or calibrate a new one",
		e.Object, e.Found, e.Want)
}

func (e *MapMismatchError) Unwrap() error { return ErrMismatch }

// FoldMismatchError names the fingerprints of two ways of folding and the first field in which they differ. It wraps
// [ErrMismatch].
type FoldMismatchError struct {
	Object      string // The state that cannot be resumed.
	Want, Found string // Fingerprints: of the configuration and of the state.
	Field       string // The first field that differs.
	WantValue   string // Its value in the configuration; empty if it has none.
	FoundValue  string // Its value in the state; empty if it has none.
}

func (e *FoldMismatchError) Error() string {
	return fmt.Sprintf("snapshot: %s was folded with %s = %q (fold %s), the configuration says %q (fold %s): restore that setting, or begin a new epoch",
		e.Object, e.Field, e.FoundValue, e.Found, e.WantValue, e.Want)
}

func (e *FoldMismatchError) Unwrap() error { return ErrMismatch }

// ConflictError names an object that stays although other bytes were to be written. It wraps [ErrConflict].
type ConflictError struct{ Name string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("snapshot: %s: %v: the first stays; look for a second writer with another configuration, or for a log that changed", e.Name, ErrConflict)
}

func (e *ConflictError) Unwrap() error { return ErrConflict }
