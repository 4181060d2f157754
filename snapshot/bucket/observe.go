package bucket

import (
	"context"
	"errors"
	"time"
)

// Observe returns a bucket that does what b does and reports every operation
// when it has returned: get, put, create, list or delete; its result, which is
// ok, not_exist, exist, canceled or error; and how long it took. The function
// is called on the caller's goroutine and must not block.
func Observe(b Bucket, done func(operation, result string, d time.Duration)) Bucket {
	return &observed{b, done}
}

type observed struct {
	b    Bucket
	done func(operation, result string, d time.Duration)
}

func (o *observed) Get(ctx context.Context, name string) (data []byte, err error) {
	defer o.report("get", time.Now(), &err)
	return o.b.Get(ctx, name)
}

func (o *observed) Put(ctx context.Context, name string, data []byte) (err error) {
	defer o.report("put", time.Now(), &err)
	return o.b.Put(ctx, name, data)
}

func (o *observed) Create(ctx context.Context, name string, data []byte) (err error) {
	defer o.report("create", time.Now(), &err)
	return o.b.Create(ctx, name, data)
}

func (o *observed) List(ctx context.Context, prefix string) (objects []Object, err error) {
	defer o.report("list", time.Now(), &err)
	return o.b.List(ctx, prefix)
}

func (o *observed) Delete(ctx context.Context, name string) (err error) {
	defer o.report("delete", time.Now(), &err)
	return o.b.Delete(ctx, name)
}

func (o *observed) Close() error { return o.b.Close() }

func (o *observed) report(operation string, start time.Time, err *error) {
	o.done(operation, Result(*err), time.Since(start))
}

// Result names the outcome of an operation as [Observe] reports it.
func Result(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ErrNotExist):
		return "not_exist"
	case errors.Is(err, ErrExist):
		return "exist"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "canceled"
	}
	return "error"
}
