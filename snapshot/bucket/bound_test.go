package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/mem"
)

func TestBoundConforms(t *testing.T) {
	buckettest.Conform(t, func(*testing.T) bucket.Bucket { return bucket.Bound(mem.New(), time.Minute) })
}

// operations is every operation of a bucket, once.
func operations(b bucket.Bucket) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"get":    func(ctx context.Context) error { _, err := b.Get(ctx, "a"); return err },
		"put":    func(ctx context.Context) error { return b.Put(ctx, "a", nil) },
		"create": func(ctx context.Context) error { return b.Create(ctx, "b", nil) },
		"list":   func(ctx context.Context) error { _, err := b.List(ctx, ""); return err },
		"delete": func(ctx context.Context) error { return b.Delete(ctx, "a") },
	}
}

// A store that never answers costs the limit, and says so; it is no cancellation.
func TestBoundGivesUpAStoreThatHangs(t *testing.T) {
	faulty := buckettest.NewFaulty(mem.New(), func(buckettest.Operation) buckettest.Fault { return buckettest.Hang })
	for what, do := range operations(bucket.Bound(faulty, 20*time.Millisecond)) {
		if err := do(t.Context()); !errors.Is(err, bucket.ErrUnresponsive) || bucket.Result(err) != "error" {
			t.Errorf("%s: %v, result %s", what, err, bucket.Result(err))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, do := range operations(bucket.Bound(faulty, time.Hour)) {
		if err := do(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, bucket.ErrUnresponsive) {
			t.Errorf("%s of a caller that is gone: %v", what, err)
		}
	}
}

// heedless is a driver that does not look at its contexts, as one over system calls.
type heedless struct{ bucket.Bucket }

func (b heedless) Put(ctx context.Context, name string, data []byte) error {
	return b.Bucket.Put(context.WithoutCancel(ctx), name, data)
}

// Operations that heed no context are left behind, but not without number; what they were to write is theirs.
func TestBoundLeavesBehindWhatHeedsNoContext(t *testing.T) {
	store := mem.New()
	faulty := buckettest.NewFaulty(heedless{store}, nil)
	resume := faulty.Pause()
	b := bucket.Bound(faulty, 5*time.Millisecond)
	data := []byte("data")
	for range 20 {
		if err := b.Put(t.Context(), "a", data); !errors.Is(err, bucket.ErrUnresponsive) {
			t.Fatal(err)
		}
	}
	clear(data)
	resume()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if found, err := b.Get(t.Context(), "a"); err == nil {
			if !bytes.Equal(found, []byte("data")) {
				t.Errorf("%q", found)
			}
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	puts := 0
	for _, o := range faulty.Log() {
		if o.Kind == "put" {
			puts++
		}
	}
	if puts > 10 {
		t.Errorf("%d operations were begun while none returned", puts)
	}
}
