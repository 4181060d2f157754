package buckettest_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/mem"
)

func TestFaultyConformsWithoutFaults(t *testing.T) {
	buckettest.Conform(t, func(*testing.T) bucket.Bucket { return buckettest.NewFaulty(mem.New(), nil) })
}

func TestFaults(t *testing.T) {
	const before, data = "before", "data"
	for _, c := range []struct {
		fault         buckettest.Fault
		put           string // what is stored after Put
		putErr        bool
		get           string // what Get returns of data
		getErr        bool
		deleted       bool
		deleteErr     bool
		listErr       bool
		createdBefore bool // Create over an existing object says ErrExist
	}{
		{fault: buckettest.None, put: data, get: data, deleted: true, createdBefore: true},
		{fault: buckettest.Fail, put: before, putErr: true, getErr: true, deleteErr: true, listErr: true},
		{fault: buckettest.Done, put: data, putErr: true, getErr: true, deleted: true, deleteErr: true, listErr: true, createdBefore: true},
		{fault: buckettest.Torn, put: "da", putErr: true, get: "da", deleteErr: true, listErr: true, createdBefore: true},
		{fault: buckettest.Flipped, put: "dada", get: "dada", deleted: true, createdBefore: true},
	} {
		store := mem.New()
		f := buckettest.NewFaulty(store, nil)
		plan := func(buckettest.Operation) buckettest.Fault { return c.fault }
		check := func(what string, err error, want bool) {
			t.Helper()
			if (err != nil) != want || want && !errors.Is(err, buckettest.ErrInjected) {
				t.Errorf("fault %d: %s: %v", c.fault, what, err)
			}
		}
		stored := func(name string) string {
			b, err := store.Get(t.Context(), name)
			if err != nil {
				return err.Error()
			}
			return string(b)
		}

		check("prepare", store.Put(t.Context(), "x", []byte(before)), false)
		f.SetPlan(plan)
		check("put", f.Put(t.Context(), "x", []byte(data)), c.putErr)
		if found := stored("x"); found != c.put {
			t.Errorf("fault %d: put stored %q, wanted %q", c.fault, found, c.put)
		}
		if err := f.Create(t.Context(), "x", []byte(data)); errors.Is(err, bucket.ErrExist) != c.createdBefore {
			t.Errorf("fault %d: create: %v", c.fault, err)
		}
		check("prepare", store.Put(t.Context(), "x", []byte(data)), false)
		found, err := f.Get(t.Context(), "x")
		check("get", err, c.getErr)
		if string(found) != c.get {
			t.Errorf("fault %d: get returned %q, wanted %q", c.fault, found, c.get)
		}
		if stored("x") != data {
			t.Errorf("fault %d: get changed the store", c.fault)
		}
		_, err = f.List(t.Context(), "")
		check("list", err, c.listErr)
		check("delete", f.Delete(t.Context(), "x"), c.deleteErr)
		if _, err := store.Get(t.Context(), "x"); errors.Is(err, bucket.ErrNotExist) != c.deleted {
			t.Errorf("fault %d: after delete: %v", c.fault, err)
		}
	}
}

func TestPlans(t *testing.T) {
	run := func(plan func(buckettest.Operation) buckettest.Fault) (failed []string, left []bucket.Object) {
		store := mem.New()
		f := buckettest.NewFaulty(store, plan)
		ctx := t.Context()
		note := func(what string, err error) {
			if errors.Is(err, buckettest.ErrInjected) {
				failed = append(failed, what)
			}
		}
		note("put a", f.Put(ctx, "a", nil))
		_, err := f.Get(ctx, "a")
		note("get a", err)
		note("put b", f.Put(ctx, "b", nil))
		_, err = f.List(ctx, "")
		note("list", err)
		note("create c", f.Create(ctx, "c", nil))
		left, err = store.List(ctx, "")
		if err != nil || len(f.Log()) != 5 || f.Log()[4] != (buckettest.Operation{Index: 4, Kind: "create", Name: "c"}) {
			t.Errorf("%v, %v", f.Log(), err)
		}
		return failed, left
	}
	for _, c := range []struct {
		plan   func(buckettest.Operation) buckettest.Fault
		failed []string
		left   int
	}{
		{buckettest.At(1, buckettest.Fail), []string{"put b"}, 2},
		{buckettest.At(1, buckettest.Done), []string{"put b"}, 3},
		{buckettest.At(3, buckettest.Fail), nil, 3},
		{buckettest.CrashAt(1, buckettest.Fail), []string{"put b", "list", "create c"}, 1},
		{buckettest.CrashAt(1, buckettest.Torn), []string{"put b", "list", "create c"}, 2},
		{buckettest.CrashAt(0, buckettest.Done), []string{"put a", "get a", "put b", "list", "create c"}, 1},
	} {
		failed, left := run(c.plan)
		if !reflect.DeepEqual(failed, c.failed) || len(left) != c.left {
			t.Errorf("failed %q, left %d; wanted %q, %d", failed, len(left), c.failed, c.left)
		}
	}
}

func TestHangEndsWithItsContext(t *testing.T) {
	store := mem.New()
	f := buckettest.NewFaulty(store, func(buckettest.Operation) buckettest.Fault { return buckettest.Hang })
	for what, operation := range map[string]func(context.Context) error{
		"get":    func(ctx context.Context) error { _, err := f.Get(ctx, "a"); return err },
		"put":    func(ctx context.Context) error { return f.Put(ctx, "a", nil) },
		"create": func(ctx context.Context) error { return f.Create(ctx, "a", nil) },
		"list":   func(ctx context.Context) error { _, err := f.List(ctx, ""); return err },
		"delete": func(ctx context.Context) error { return f.Delete(ctx, "a") },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- operation(ctx) }()
		select {
		case err := <-done:
			t.Errorf("%s returned before its context ended: %v", what, err)
			cancel()
			continue
		default:
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || !errors.Is(err, buckettest.ErrInjected) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left, err := store.List(t.Context(), ""); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}

// What was paused takes place when it goes on, as the write of a process that was stopped and wakes up.
func TestPauseHoldsOperationsBack(t *testing.T) {
	store := mem.New()
	f := buckettest.NewFaulty(store, nil)
	resume := f.Pause()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error, 1)
	go func() { done <- f.Put(ctx, "a", nil) }()
	if left, _ := store.List(t.Context(), ""); len(left) > 0 || len(f.Log()) > 0 {
		t.Errorf("written while it was paused: %v", left)
	}
	resume()
	resume()
	<-done
	if len(f.Log()) != 1 {
		t.Errorf("%v", f.Log())
	}
}
