package sketcher

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"phasor/snapshot/bucket/buckettest"
	"phasor/stream"
	"phasor/stream/decode"
)

// No state is written before what Reject was told is settled; folding goes on meanwhile, and afterwards all is saved.
func TestStatesWaitUntilRejectsAreSettled(t *testing.T) {
	r := newRig(t, 40)
	r.produce(200)
	cfg := r.config(r.bucket)
	var rejected, asked atomic.Int64
	var settled atomic.Bool
	cfg.Hooks.Reject = func(stream.PartitionID, *stream.Record, decode.Reason) { rejected.Add(1) }
	cfg.Settle = func(context.Context) error {
		asked.Add(1)
		if !settled.Load() {
			return errors.New("not yet")
		}
		return nil
	}
	stop := r.start(cfg, r.cluster.Static("t"))
	waitUntil(t, "rejects and a few tries to save", func() bool { return rejected.Load() > 0 && asked.Load() > 5 })
	objects, err := r.bucket.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if strings.Contains(o.Name, "/state/") || strings.Contains(o.Name, "/panes/") {
			t.Errorf("%s was written before the rejects were settled", o.Name)
		}
	}
	settled.Store(true)
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	r.verify()
}

// A log that is cut off while rejects are not settled and the store fails: the state that says so is written when they are,
// with all sealed panes before it, and the service goes on by itself.
func TestGapWaitsForRejectsAndStore(t *testing.T) {
	r := newRig(t, 41)
	r.produce(300)
	var want []*Fold
	fold := func(f *Fold, p int) {
		part := r.cluster.Partition("t", p)
		_, end, _ := part.Range(t.Context())
		reader := part.Read(f.Next())
		defer reader.Close()
		for f.Next() < end {
			b, err := reader.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f.Batch(b)
		}
	}
	for p := range rigPartitions {
		f, err := NewFold(testConfig(), r.cluster.ID("t", p), 0)
		if err != nil {
			t.Fatal(err)
		}
		fold(f, p)
		want = append(want, f)
	}
	var failed atomic.Int64
	faulty := buckettest.NewFaulty(r.bucket, func(o buckettest.Operation) buckettest.Fault {
		if o.Kind == "create" && strings.Contains(o.Name, "/panes/") && failed.Add(1) <= 3*rigPartitions {
			return buckettest.Fail
		}
		return buckettest.None
	})
	cfg := r.config(faulty)
	cfg.Truncated = Continue
	var settled atomic.Bool
	cfg.Settle = func(context.Context) error {
		if !settled.Load() {
			return errors.New("not yet")
		}
		return nil
	}
	var folded atomic.Int64
	cfg.Hooks.Folded = func(_ stream.PartitionID, c Counts, _ time.Duration) { folded.Add(c.Records) }
	stop := r.start(cfg, r.cluster.Static("t"))
	waitUntil(t, "the old topic to be folded", func() bool { return folded.Load() == 300*rigPartitions })
	for p := range rigPartitions {
		r.cluster.Truncate("t", p, 250)
	}
	waitUntil(t, "the gap", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.results["truncation"] == rigPartitions
	})
	objects, err := r.bucket.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if strings.Contains(o.Name, "/state/") || strings.Contains(o.Name, "/panes/") {
			t.Errorf("%s was written before the rejects were settled", o.Name)
		}
	}
	settled.Store(true)
	r.waitSaved()
	r.produce(200)
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for p, f := range want {
		f.Gap(250, "truncation")
		fold(f, p)
		cut := f.Cut()
		got, err := r.epoch().LoadState(t.Context(), cut.State.PartitionID, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Count() != cut.State.Count() || !got.Sealed.Equal(cut.State.Sealed) {
			t.Errorf("partition %d: %d records, want %d", p, got.Count(), cut.State.Count())
		}
		for _, pane := range cut.Panes {
			saved, err := r.epoch().LoadPane(t.Context(), pane.PaneRef)
			if err != nil || !saved.Accumulator.Equal(pane.Accumulator) {
				t.Errorf("partition %d: sealed pane at %d: %v", p, pane.Start, err)
			}
		}
	}
}
