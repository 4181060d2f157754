package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrUnresponsive is wrapped by the error of an operation that [Bound] gave up.
var ErrUnresponsive = errors.New("the store does not answer")

// maxLost bounds how many operations that were given up may still be under way:
// each holds its data.
const maxLost = 8

// Bound returns a bucket that does what b does and whose operations return
// within limit, and soon after the end of their context, even if those of b do
// not: a store that accepts and never answers, a file system that hangs. What
// was given up may still take place. While too many such operations are under
// way, new ones fail at once.
func Bound(b Bucket, limit time.Duration) Bucket { return &bounded{b: b, limit: limit} }

type bounded struct {
	b     Bucket
	limit time.Duration
	lost  atomic.Int32 // Given up and not returned.
}

func (o *bounded) Get(ctx context.Context, name string) ([]byte, error) {
	return within(ctx, o, "get", name, func(ctx context.Context) ([]byte, error) { return o.b.Get(ctx, name) })
}

func (o *bounded) Put(ctx context.Context, name string, data []byte) error {
	data = bytes.Clone(data) // It may be read after the call.
	_, err := within(ctx, o, "put", name, func(ctx context.Context) (none, error) { return none{}, o.b.Put(ctx, name, data) })
	return err
}

func (o *bounded) Create(ctx context.Context, name string, data []byte) error {
	data = bytes.Clone(data)
	_, err := within(ctx, o, "create", name, func(ctx context.Context) (none, error) { return none{}, o.b.Create(ctx, name, data) })
	return err
}

func (o *bounded) List(ctx context.Context, prefix string) ([]Object, error) {
	return within(ctx, o, "list", prefix, func(ctx context.Context) ([]Object, error) { return o.b.List(ctx, prefix) })
}

func (o *bounded) Delete(ctx context.Context, name string) error {
	_, err := within(ctx, o, "delete", name, func(ctx context.Context) (none, error) { return none{}, o.b.Delete(ctx, name) })
	return err
}

func (o *bounded) Close() error { return o.b.Close() }

type none struct{}

type answer[T any] struct {
	v   T
	err error
}

// within runs one operation and gives it up when its time is over. A driver
// that heeds its context has a moment to return by itself.
func within[T any](ctx context.Context, o *bounded, operation, name string, f func(context.Context) (T, error)) (T, error) {
	var zero T
	if n := o.lost.Load(); n >= maxLost {
		return zero, fmt.Errorf("%s %q: %w: %d operations before it are still under way", operation, name, ErrUnresponsive, n)
	}
	limited, cancel := context.WithTimeoutCause(ctx, o.limit, ErrUnresponsive)
	defer cancel()
	done := make(chan answer[T], 1)
	go func() {
		v, err := f(limited)
		done <- answer[T]{v, err}
	}()
	select {
	case a := <-done:
		return a.v, o.explain(limited, operation, name, a.err)
	case <-limited.Done():
	}
	moment := time.NewTimer(min(o.limit, time.Second))
	defer moment.Stop()
	select {
	case a := <-done:
		return a.v, o.explain(limited, operation, name, a.err)
	case <-moment.C:
	}
	o.lost.Add(1)
	go func() {
		<-done
		o.lost.Add(-1)
	}()
	return zero, o.explain(limited, operation, name, context.Cause(limited))
}

// explain tells the end of the time of an operation from the end of its
// caller's.
func (o *bounded) explain(limited context.Context, operation, name string, err error) error {
	if err == nil || !errors.Is(context.Cause(limited), ErrUnresponsive) || errors.Is(err, ErrExist) || errors.Is(err, ErrNotExist) {
		return err
	}
	return fmt.Errorf("%s %q: %w: no answer in %v", operation, name, ErrUnresponsive, o.limit)
}
