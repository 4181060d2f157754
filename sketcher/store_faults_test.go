package sketcher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/stream"
)

// TestEveryOperationOfTheStore lets each operation of a sketcher's life fail, be done and reported as failed, or hang,
// one after the other: it goes on by itself and the store ends up right.
func TestEveryOperationOfTheStore(t *testing.T) {
	faults := map[string]buckettest.Fault{"fails": buckettest.Fail, "lies": buckettest.Done, "hangs": buckettest.Hang}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			for i := range 40 {
				r := newRig(t, uint64(1000+i))
				r.produce(120)
				n := -1
				faulty := buckettest.NewFaulty(r.bucket, func(buckettest.Operation) buckettest.Fault {
					if n++; n == i {
						return fault
					}
					return buckettest.None
				})
				stop := r.start(r.config(bucket.Bound(faulty, 20*time.Millisecond)), r.cluster.Static("t"))
				r.waitSaved()
				if err := stop(); err != nil {
					t.Fatalf("operation %d, %+v: %v", i, faulty.Log()[i], err)
				}
				r.verify()
				if len(faulty.Log()) <= i {
					break
				}
			}
		})
	}
}

// A store that hangs: folding goes on until enough panes wait, then it pauses; when the store is back, nothing is lost.
func TestHangingStoreIsCaughtUpWith(t *testing.T) {
	r := newRig(t, 30)
	faulty := buckettest.NewFaulty(r.bucket, func(o buckettest.Operation) buckettest.Fault {
		if o.Writes() && !strings.Contains(o.Name, "/start/") {
			return buckettest.Hang
		}
		return buckettest.None
	})
	cfg := r.config(bucket.Bound(faulty, 20*time.Millisecond))
	cfg.MaxUnsaved = 8
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.produce(3000)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, r.cluster.Static("t")) }()
	waitUntil(t, "reading to pause", func() bool {
		paused := 0
		for _, o := range s.owners.list() {
			o.mu.Lock()
			if o.fold.Unsaved() >= cfg.MaxUnsaved && o.fold.Next() < 3000 {
				paused++
			}
			o.mu.Unlock()
		}
		return paused == rigPartitions && s.failed()
	})
	if s.Ready() == nil {
		t.Error("ready although nothing can be written")
	}
	faulty.SetPlan(nil)
	r.waitSaved()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.verify()
}

// One batch can hold more panes than memory: folding stops within it while the store is away.
func TestBatchOfManyPanesPausesWithin(t *testing.T) {
	const records = 4000
	r := newRig(t, 31)
	r.cluster.MaxBatch = records
	for i := range int64(records) { // Each record opens a pane.
		for p := range rigPartitions {
			r.cluster.Append("t", p, stream.Record{Time: 1_000_000 + 10*i, Value: floats(float64(i%7), 1)})
		}
	}
	faulty := buckettest.NewFaulty(r.bucket, func(o buckettest.Operation) buckettest.Fault {
		if strings.Contains(o.Name, "/panes/") && o.Writes() {
			return buckettest.Fail
		}
		return buckettest.None
	})
	cfg := r.config(faulty)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, r.cluster.Static("t")) }()
	waitUntil(t, "failures", func() bool { return len(s.owners.list()) == rigPartitions && s.failed() })
	for _, o := range s.owners.list() {
		o.mu.Lock()
		n, next := o.fold.Unsaved(), o.fold.Next()
		o.mu.Unlock()
		if n < 64 || n > 64+MaxOpenPanes || next > 200 {
			t.Errorf("%s: %d sealed panes wait at %d, want 64 or a few more", o.id, n, next)
		}
	}
	faulty.SetPlan(nil)
	r.waitSaved()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.verify()
}

// A disk that is full or was mounted read-only for a while is said by name, and caught up with.
func TestFullAndReadOnlyDisk(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EROFS} {
		t.Run(errno.Error(), func(t *testing.T) {
			r := newRig(t, 32)
			disk := &diskErrors{Bucket: r.bucket}
			r.produce(100)
			s, err := New(r.config(disk))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx, r.cluster.Static("t")) }()
			r.waitSaved()
			disk.fail(errno)
			r.produce(200)
			waitUntil(t, "unready", func() bool { return s.failed() && s.Ready() != nil })
			disk.fail(0)
			r.waitSaved()
			waitUntil(t, "ready", func() bool { return s.Ready() == nil })
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			r.verify()
		})
	}
}

// Two sketchers that were both told to fold the same partitions for themselves say the same.
func TestTwoSketchersOnOneStaticPartition(t *testing.T) {
	r := newRig(t, 33)
	var conflicts []string
	cfg := r.config(r.bucket)
	cfg.Store = cfg.Store.WithHooks(snapshot.Hooks{Conflict: func(name string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		conflicts = append(conflicts, name)
	}})
	a, b := r.start(cfg, r.cluster.Static("t")), r.start(cfg, r.cluster.Static("t"))
	for range 20 {
		r.produce(30)
		time.Sleep(5 * time.Millisecond)
	}
	r.waitSaved()
	if err := errors.Join(a(), b()); err != nil {
		t.Fatal(err)
	}
	r.verify()
	if len(conflicts) > 0 {
		t.Errorf("they said different things of %q", conflicts)
	}
}

// A process that stopped in the middle of a save and wakes up when others have gone on changes nothing that is read.
func TestZombieThatWakesChangesNothing(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint("write ", i), func(t *testing.T) {
			r := newRig(t, uint64(40+i))
			r.produce(100)
			zombie := buckettest.NewFaulty(r.bucket, nil)
			var resume func()
			stopped := make(chan struct{})
			n := 0
			zombie.SetPlan(func(o buckettest.Operation) buckettest.Fault {
				if o.Writes() {
					if n == i {
						close(stopped)
					}
					n++
				}
				return buckettest.None
			})
			stop := r.start(r.config(zombie), r.cluster.Static("t"))
			r.produce(50)
			<-stopped
			resume = zombie.Pause()
			r.produce(100)
			// Others take over and go on.
			other := r.start(r.config(r.bucket), r.cluster.Static("t"))
			r.waitSaved()
			served := r.served()
			resume()
			time.Sleep(50 * time.Millisecond)
			if err := errors.Join(stop(), other()); err != nil {
				t.Fatal(err)
			}
			if now := r.served(); now != served {
				t.Errorf("before the zombie woke the states were %s, then %s", served, now)
			}
			r.verify()
		})
	}
}

// served is what readers of the store get, as text.
func (r *rig) served() string {
	r.Helper()
	states, err := r.epoch().LoadStates(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	text := ""
	for _, s := range states {
		b, err := s.Encode()
		if err != nil {
			r.Fatal(err)
		}
		text += fmt.Sprintf("%s at %d: %x; ", s.PartitionID, s.Next, RecordHash(&stream.Record{Value: b}))
	}
	return text
}
