// Package bucket is the object storage of Phasor: named byte strings that are
// written whole, listed by prefix and created at most once. [Bucket] states the
// contract; the folders below hold its drivers (file, mem, s3, cloud), signatures
// of objects (mac) and the tests that every driver passes (buckettest).
package bucket

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The drivers' errors wrap one of these where it applies.
var (
	// ErrNotExist: there is no object of this name.
	ErrNotExist = errors.New("object does not exist")
	// ErrExist: the name is taken.
	ErrExist = errors.New("object exists")
	// ErrUnauthentic: there is an object, and nothing proves who wrote it.
	ErrUnauthentic = errors.New("object is not authentic")
)

// UnauthenticError is the error of a Get that finds an object of which nothing
// proves who wrote it. It wraps [ErrUnauthentic].
type UnauthenticError struct {
	Name   string
	Stored []byte // What is stored, not to be believed.
	Why    string
}

func (e *UnauthenticError) Error() string {
	return fmt.Sprintf("%q: %v: %s", e.Name, ErrUnauthentic, e.Why)
}

func (e *UnauthenticError) Unwrap() error { return ErrUnauthentic }

// Object is one entry of a listing.
type Object struct {
	Name     string
	Size     int64
	Modified time.Time // by the store's clock
}

// Bucket is a flat set of objects. Its methods may be called from several
// goroutines, and several processes may use one store at a time.
//
// Names satisfy [ValidName]; a method that is given another one fails and does
// nothing. A name is not used both for an object and as the beginning, up to a
// slash, of other names: drivers on a file system cannot hold both.
//
// The context bounds the call. A call whose context is over fails with the
// context's error in its chain.
//
// Slices that are passed in are only read, and not after the call; slices that
// are returned belong to the caller.
//
// After a failed Put, Create or Delete the operation is done or not done, but
// never in part: a reader finds the old object, the new one or none.
type Bucket interface {
	// Get returns the object's bytes. Without such an object the error wraps
	// ErrNotExist. It sees every Put, Create and Delete that returned before
	// it began.
	Get(ctx context.Context, name string) ([]byte, error)

	// Put stores an object in place of any that has its name. Readers see the
	// old bytes or the new ones, and when Put has returned the object survives
	// a crash of the process and of the machine.
	Put(ctx context.Context, name string, data []byte) error

	// Create is Put for a name that is free; otherwise its error wraps ErrExist
	// and the object stays as it is. Of any number of concurrent calls with
	// one name, in any number of processes, at most one succeeds.
	//
	// A driver may repeat an attempt whose answer was lost, and then finds its
	// own object: after ErrExist the name is certainly taken, possibly with
	// these very bytes. Who needs to know reads the object.
	Create(ctx context.Context, name string, data []byte) error

	// List returns all objects whose names begin with prefix, sorted by name
	// bytewise. The prefix is any beginning of a valid name, also one that ends
	// within an element, or empty. What is written or deleted meanwhile may be
	// in the list or not.
	List(ctx context.Context, prefix string) ([]Object, error)

	// Delete removes an object; that there is none is no error. After a crash
	// of the machine a deleted object may be back.
	Delete(ctx context.Context, name string) error

	// Close frees what the bucket holds. It is called once, after the other
	// methods have returned.
	Close() error
}
