package bucket_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/mem"
)

func TestObserve(t *testing.T) {
	var found []string
	faulty := buckettest.NewFaulty(mem.New(), nil)
	b := bucket.Observe(faulty, func(operation, result string, d time.Duration) {
		if d < 0 || d > time.Hour {
			t.Errorf("%s took %v", operation, d)
		}
		found = append(found, operation+" "+result)
	})
	ctx := t.Context()
	over, cancel := context.WithCancel(ctx)
	cancel()
	// The results are looked at by the function above; the errors are the
	// driver's, which its own tests hold.
	_, _ = b.Get(ctx, "x")
	_ = b.Create(ctx, "x", nil)
	_ = b.Create(ctx, "x", nil)
	_ = b.Put(over, "x", nil)
	_, _ = b.List(ctx, "")
	faulty.SetPlan(buckettest.At(0, buckettest.Fail))
	_ = b.Delete(ctx, "x")
	_, _ = b.Get(ctx, "x")
	_ = b.Delete(ctx, "x")
	want := []string{"get not_exist", "create ok", "create exist", "put canceled", "list ok", "delete error", "get ok", "delete ok"}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, wanted %q", found, want)
	}
}

func TestObserveConforms(t *testing.T) {
	buckettest.Conform(t, func(*testing.T) bucket.Bucket {
		return bucket.Observe(mem.New(), func(string, string, time.Duration) {})
	})
}
