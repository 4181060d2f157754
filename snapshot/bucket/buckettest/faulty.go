package buckettest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"phasor/snapshot/bucket"
)

// ErrInjected is wrapped by the errors of a [Faulty] bucket's own.
var ErrInjected = errors.New("injected fault")

// Fault is what goes wrong with an operation.
type Fault uint8

const (
	// None: the operation takes place.
	None Fault = iota
	// Fail: it does not take place and returns an error.
	Fail
	// Done: it takes place and returns an error all the same, as when the
	// answer is lost. The bytes or names that were read are lost too.
	Done
	// Torn: a Put or Create stores the first half of the data and returns an
	// error, a Get returns the first half and no error, as by a store that
	// breaks the contract. Other operations fail.
	Torn
	// Flipped: a Get returns the data with one bit flipped in the middle, a Put
	// or Create stores them so, without an error, as by a failing disk. Other
	// operations take place.
	Flipped
	// Hang: it does not take place, and returns no sooner than its context
	// ends, as by a store that accepts a request and never answers.
	Hang
)

// Operation is one call of a [Faulty] bucket's methods.
type Operation struct {
	Index int    // from 0, over all operations
	Kind  string // get, put, create, list or delete
	Name  string // or the prefix of a list
}

// Writes tells whether the operation changes the store.
func (o Operation) Writes() bool {
	return o.Kind == "put" || o.Kind == "create" || o.Kind == "delete"
}

// Faulty is a bucket whose operations fail as a plan says.
type Faulty struct {
	b    bucket.Bucket
	mu   sync.Mutex
	plan func(Operation) Fault
	log  []Operation
	gate chan struct{} // Closed, or what operations wait for.
}

// NewFaulty returns a bucket over b. The plan is called once for every
// operation, one at a time, before it takes place; nil lets all pass.
func NewFaulty(b bucket.Bucket, plan func(Operation) Fault) *Faulty {
	gate := make(chan struct{})
	close(gate)
	return &Faulty{b: b, plan: plan, gate: gate}
}

// At is a plan by which the i-th operation that writes, counted from 0, has the
// given fault and all others pass.
func At(i int, fault Fault) func(Operation) Fault {
	return func(o Operation) Fault {
		if o.Writes() {
			if i--; i == -1 {
				return fault
			}
		}
		return None
	}
}

// CrashAt is a plan by which the i-th operation that writes, counted from 0,
// has the given fault and everything after it fails: what a process leaves that
// dies there.
func CrashAt(i int, fault Fault) func(Operation) Fault {
	at, crashed := At(i, fault), false
	return func(o Operation) Fault {
		if crashed {
			return Fail
		}
		f := at(o)
		crashed = f != None
		return f
	}
}

// SetPlan replaces the plan; the log goes on.
func (f *Faulty) SetPlan(plan func(Operation) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = plan
}

// Pause holds back every operation, whatever becomes of its context, until
// resume is called: what the store sees of a process that is stopped.
func (f *Faulty) Pause() (resume func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gate := make(chan struct{})
	f.gate = gate
	return sync.OnceFunc(func() { close(gate) })
}

// Log returns the operations so far, in the order in which they began.
func (f *Faulty) Log() []Operation {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// Get implements [bucket.Bucket].
func (f *Faulty) Get(ctx context.Context, name string) ([]byte, error) {
	fault, err := f.next(ctx, "get", name)
	if fault == Fail {
		return nil, err
	}
	data, e := f.b.Get(ctx, name)
	switch {
	case e != nil:
		return nil, e
	case fault == Done:
		return nil, err
	}
	return damage(data, fault), nil
}

// Put implements [bucket.Bucket].
func (f *Faulty) Put(ctx context.Context, name string, data []byte) error {
	fault, err := f.next(ctx, "put", name)
	return f.write(fault, err, func() error { return f.b.Put(ctx, name, damage(data, fault)) })
}

// Create implements [bucket.Bucket].
func (f *Faulty) Create(ctx context.Context, name string, data []byte) error {
	fault, err := f.next(ctx, "create", name)
	return f.write(fault, err, func() error { return f.b.Create(ctx, name, damage(data, fault)) })
}

// List implements [bucket.Bucket].
func (f *Faulty) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	if fault, err := f.next(ctx, "list", prefix); fault != None && fault != Flipped {
		return nil, err
	}
	return f.b.List(ctx, prefix)
}

// Delete implements [bucket.Bucket].
func (f *Faulty) Delete(ctx context.Context, name string) error {
	fault, err := f.next(ctx, "delete", name)
	if fault == Torn {
		fault = Fail
	}
	return f.write(fault, err, func() error { return f.b.Delete(ctx, name) })
}

// Close implements [bucket.Bucket]; it never fails by plan.
func (f *Faulty) Close() error { return f.b.Close() }

func (f *Faulty) next(ctx context.Context, kind, name string) (Fault, error) {
	f.mu.Lock()
	gate := f.gate
	f.mu.Unlock()
	<-gate
	fault, o := f.planned(kind, name)
	err := fmt.Errorf("buckettest: operation %d, %s %q: %w", o.Index, kind, name, ErrInjected)
	if fault == Hang {
		<-ctx.Done()
		return Fail, errors.Join(err, ctx.Err())
	}
	return fault, err
}

func (f *Faulty) planned(kind, name string) (Fault, Operation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := Operation{len(f.log), kind, name}
	f.log = append(f.log, o)
	if f.plan == nil {
		return None, o
	}
	return f.plan(o), o
}

// write does an operation that changes the store, as its fault says. An error
// of the operation itself goes before an injected one.
func (f *Faulty) write(fault Fault, injected error, operation func() error) error {
	if fault == Fail {
		return injected
	}
	if err := operation(); err != nil {
		return err
	}
	if fault == Done || fault == Torn {
		return injected
	}
	return nil
}

// damage returns data as a fault leaves them; it does not change them.
func damage(data []byte, fault Fault) []byte {
	switch {
	case fault == Torn:
		return data[:len(data)/2]
	case fault == Flipped && len(data) > 0:
		data = slices.Clone(data)
		data[len(data)/2] ^= 0x10
	}
	return data
}
