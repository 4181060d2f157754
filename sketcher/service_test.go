package sketcher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/mem"
	"phasor/stream"
	"phasor/stream/streamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a cluster, a store and what they should hold in the end.
type rig struct {
	*testing.T
	cluster *streamtest.Cluster
	bucket  bucket.Bucket
	rng     *rand.Rand
	now     int64
	mu      sync.Mutex
	results map[string]int // Of restores and of gaps.
}

const rigPartitions = 2

func newRig(t *testing.T, seed uint64) *rig {
	t.Helper()
	t.Logf("seed %d", seed)
	r := &rig{T: t, cluster: streamtest.New(map[string]int{"t": rigPartitions}), bucket: mem.New(), rng: rand.New(rand.NewPCG(seed, 1)), now: 1_000_000, results: map[string]int{}}
	if _, err := r.store().CreateSpec(t.Context(), testMap().Spec()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) store() *snapshot.Store { return snapshot.Open(r.bucket, "s") }

// produce appends n records to each partition, a few of them poison.
func (r *rig) produce(n int) {
	for p := range rigPartitions {
		for range n {
			r.now += r.rng.Int64N(4)
			rec := stream.Record{Time: r.now, Value: floats(r.rng.NormFloat64(), r.rng.NormFloat64())}
			if r.rng.IntN(20) == 0 {
				rec.Value = []byte("poison")
			}
			r.cluster.Append("t", p, rec)
		}
	}
}

func (r *rig) config(b bucket.Bucket) Config {
	fold := testConfig()
	fold.Map = nil
	return Config{Store: snapshot.Open(b, "s"), Fold: fold, Interval: 10 * time.Millisecond, Hooks: Hooks{
		Restored: func(_ stream.PartitionID, result string) { r.tally(result) },
		Gap:      func(_ stream.PartitionID, reason string) { r.tally(reason) },
	}}
}

func (r *rig) tally(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[what]++
}

// start runs a service until the returned function is called, which gives its error.
func (r *rig) start(cfg Config, src stream.Source) (stop func() error) {
	r.Helper()
	s, err := New(cfg)
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, src) }()
	return func() error {
		cancel()
		return <-done
	}
}

func (r *rig) epoch() *snapshot.Epoch {
	r.Helper()
	e, err := r.store().LatestSpec(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	return e
}

// waitSaved waits until the newest states reach the ends of the logs.
func (r *rig) waitSaved() {
	r.Helper()
	deadline, e := time.Now().Add(20*time.Second), r.epoch()
	for p := range rigPartitions {
		for {
			_, end, err := r.cluster.Partition("t", p).Range(context.Background())
			if err != nil {
				r.Fatal(err)
			}
			next, err := e.NewestState(context.Background(), snapshot.PartitionID(r.cluster.ID("t", p)))
			if err == nil && next >= end {
				break
			}
			if time.Now().After(deadline) {
				r.Fatalf("partition %d: the newest state ends at %d of %d (%v)", p, next, end, err)
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// verify compares what the store holds with the fold of each whole log by this test itself.
func (r *rig) verify() {
	r.Helper()
	ctx := context.Background()
	e := r.epoch()
	for p := range rigPartitions {
		part := r.cluster.Partition("t", p)
		want, err := NewFold(testConfig(), part.ID(), 0)
		if err != nil {
			r.Fatal(err)
		}
		_, end, _ := part.Range(ctx)
		reader := part.Read(0)
		for want.Next() < end {
			b, err := reader.Read(ctx)
			if err != nil {
				r.Fatal(err)
			}
			want.Batch(b)
		}
		reader.Close()
		c := want.Cut()
		got, err := e.LoadState(ctx, snapshot.PartitionID(part.ID()), testConfig().withMap().Description())
		if err != nil {
			r.Fatal(err)
		}
		wantBytes, _ := c.State.Encode()
		gotBytes, _ := got.Encode()
		if string(wantBytes) != string(gotBytes) {
			r.Fatalf("partition %d: the state is not the fold of its log: %d records at %d, want %d at %d", p, got.Count(), got.Next, c.State.Count(), c.State.Next)
		}
		for _, pane := range c.Panes {
			saved, err := e.LoadPane(ctx, pane.PaneRef)
			if err != nil {
				r.Fatalf("partition %d: sealed pane at %d: %v", p, pane.Start, err)
			}
			if !saved.Accumulator.Equal(pane.Accumulator) {
				r.Fatalf("partition %d: the pane at %d is not the sketch of its records", p, pane.Start)
			}
		}
	}
}

func (c FoldConfig) withMap() *FoldConfig {
	c.Map = testMap()
	return &c
}

func TestServiceFoldsAndLeaves(t *testing.T) {
	r := newRig(t, 1)
	r.produce(300)
	stop := r.start(r.config(r.bucket), r.cluster.Static("t"))
	r.waitSaved()
	r.produce(100)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// What was read is saved on leaving, and committed.
	for p := range rigPartitions {
		next, err := r.epoch().NewestState(t.Context(), snapshot.PartitionID(r.cluster.ID("t", p)))
		if err != nil || r.cluster.Committed("t", p) != next {
			t.Errorf("partition %d: committed %d, saved %d, %v", p, r.cluster.Committed("t", p), next, err)
		}
	}
	stop = r.start(r.config(r.bucket), r.cluster.Static("t"))
	waitUntil(t, "both partitions to be restored", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.results["ok"] == rigPartitions
	})
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	r.verify()
	if r.results["empty"] != rigPartitions || r.results["ok"] != rigPartitions {
		t.Errorf("restores %v", r.results)
	}
}

func TestRebalancesAndZombiesChangeNothing(t *testing.T) {
	r := newRig(t, 2)
	g := r.cluster.Group("t")
	a := r.start(r.config(r.bucket), g.Member())
	b := r.start(r.config(r.bucket), g.Member())
	for i := range 12 {
		r.produce(60)
		switch i % 4 {
		case 0:
			g.Restart()
		case 1:
			g.Steal("t", i/4%rigPartitions) // Two processes fold one partition for a while.
		case 2:
			if err := b(); err != nil {
				t.Fatal(err)
			}
			b = r.start(r.config(r.bucket), g.Member())
		}
	}
	r.waitSaved()
	if err := errors.Join(a(), b()); err != nil {
		t.Fatal(err)
	}
	r.verify()
}

// TestCrashAtEveryWrite ends a service at each of its writes, whole, torn or done and reported as failed, and lets the
// next one finish.
func TestCrashAtEveryWrite(t *testing.T) {
	faults := []buckettest.Fault{buckettest.Fail, buckettest.Torn, buckettest.Done}
	for i := range 24 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			r := newRig(t, uint64(100+i))
			r.produce(150)
			faulty := buckettest.NewFaulty(r.bucket, buckettest.CrashAt(i, faults[i%len(faults)]))
			cfg := r.config(faulty)
			cfg.SaveTimeout = 100 * time.Millisecond
			stop := r.start(cfg, r.cluster.Static("t"))
			time.Sleep(time.Duration(20+r.rng.IntN(40)) * time.Millisecond)
			r.produce(50)
			time.Sleep(20 * time.Millisecond)
			_ = stop() // It may have failed or not; the store is what counts.
			r.runOut(faults[i%len(faults)] == buckettest.Torn)
			r.verify()
		})
	}
}

// runOut runs a service until the store has everything. A torn object may make it refuse to start, as a corrupt object
// does; then the operator's part is done: the objects that the error names are moved away.
func (r *rig) runOut(torn bool) {
	r.Helper()
	for range 5 {
		s, err := New(r.config(r.bucket))
		if err != nil {
			r.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx, r.cluster.Static("t")) }()
		for saved := false; !saved; {
			select {
			case err := <-done:
				cancel()
				if !torn || !errors.Is(err, snapshot.ErrCorrupt) && !errors.Is(err, snapshot.ErrAllCorrupt) {
					r.Fatal(err)
				}
				r.moveAway(err)
				saved = true
				continue
			case <-time.After(5 * time.Millisecond):
			}
			if saved = r.saved(); saved {
				cancel()
				if err := <-done; err != nil {
					r.Fatal(err)
				}
				return
			}
		}
	}
	r.Fatal("the service refused to start again and again")
}

func (r *rig) moveAway(named error) {
	objects, err := r.bucket.List(context.Background(), "s/")
	if err != nil {
		r.Fatal(err)
	}
	moved := 0
	for _, o := range objects {
		if strings.Contains(named.Error(), o.Name) {
			moved++
			if err := r.bucket.Delete(context.Background(), o.Name); err != nil {
				r.Fatal(err)
			}
		}
	}
	if moved == 0 {
		r.Fatalf("no object is named by %v", named)
	}
}

func (r *rig) saved() bool {
	for p := range rigPartitions {
		_, end, _ := r.cluster.Partition("t", p).Range(context.Background())
		if next, err := r.epoch().NewestState(context.Background(), snapshot.PartitionID(r.cluster.ID("t", p))); err != nil || next < end {
			return false
		}
	}
	return true
}

func TestFailingStoreIsCaughtUpWith(t *testing.T) {
	r := newRig(t, 3)
	faulty := buckettest.NewFaulty(r.bucket, func(o buckettest.Operation) buckettest.Fault {
		if o.Writes() && !strings.Contains(o.Name, "/start/") {
			return buckettest.Fail
		}
		return buckettest.None
	})
	cfg := r.config(faulty)
	cfg.MaxUnsaved = 8
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.produce(3000)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, r.cluster.Static("t")) }()
	waitUntil(t, "the service to be unready", func() bool { return s.Ready() != nil && len(s.owners.list()) == rigPartitions && s.failed() })
	time.Sleep(100 * time.Millisecond)
	for _, o := range s.owners.list() {
		o.mu.Lock()
		n, next := o.fold.Unsaved(), o.fold.Next()
		o.mu.Unlock()
		if n < cfg.MaxUnsaved || next >= 3000 {
			t.Errorf("%s: %d sealed panes wait and %d records are folded: reading should have paused", o.id, n, next)
		}
	}
	faulty.SetPlan(nil)
	r.waitSaved()
	if err := s.Ready(); err != nil {
		t.Errorf("still not ready: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.verify()
}

func (s *Service) failed() bool {
	for _, o := range s.owners.list() {
		if o.failures.Load() == 0 {
			return false
		}
	}
	return true
}

func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

func TestCorruptStatesFallBackOrRefuse(t *testing.T) {
	r := newRig(t, 4)
	r.produce(200)
	stop := r.start(r.config(r.bucket), r.cluster.Static("t"))
	r.waitSaved()
	r.produce(100)
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	damage := func(all bool) {
		refs, err := r.epoch().ListStates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int]bool{}
		for _, ref := range refs {
			if seen[ref.Partition] && !all {
				continue
			}
			seen[ref.Partition] = true
			id := r.cluster.ID("t", ref.Partition)
			name := fmt.Sprintf("s/0001/state/t.%s/%d/%020d", id.TopicID, id.Partition, ref.Next)
			b, err := r.bucket.Get(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 4
			if err := r.bucket.Put(t.Context(), name, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	damage(false)
	stop = r.start(r.config(r.bucket), r.cluster.Static("t"))
	waitUntil(t, "the older states to be used", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.results["corrupt_fallback"] == rigPartitions
	})
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if r.results["corrupt_fallback"] != rigPartitions {
		t.Errorf("restores %v", r.results)
	}
	r.verify()
	damage(true)
	s, _ := New(r.config(r.bucket))
	err := s.Run(t.Context(), r.cluster.Static("t"))
	if !errors.Is(err, snapshot.ErrAllCorrupt) || !strings.Contains(err.Error(), "state/t.") {
		t.Errorf("with every state corrupt: %v", err)
	}
}

func TestLogsThatChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rig)
		policy func(*Config)
		want   error
		key    string
		reason string
		counts int64 // Records that are folded in the end.
	}{
		"truncated": {func(r *rig) { r.cluster.Truncate("t", 0, 120) }, func(c *Config) { c.Truncated = Continue }, stream.ErrTruncated, "on_truncated", "truncation", 200},
		"retention": {func(r *rig) { r.produce(50); r.cluster.Retain("t", 0, 230) }, func(c *Config) { c.Retained = Continue }, stream.ErrRetention, "on_retention", "retention", 220},
		"recreated": {func(r *rig) { r.cluster.Recreate("t", rigPartitions); r.produce(300) }, func(c *Config) { c.Recreated = Continue }, stream.ErrRecreated, "on_recreated", "recreated", 500},
		"replaced":  {func(r *rig) { r.cluster.Replace("t", 0, 199, stream.Record{Time: 1, Value: floats(9, 9)}) }, func(c *Config) { c.Recreated = Continue }, stream.ErrReplaced, "on_recreated", "replaced", 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 5)
			r.produce(200)
			stop := r.start(r.config(r.bucket), r.cluster.Static("t"))
			r.waitSaved()
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			c.change(r)
			s, _ := New(r.config(r.bucket))
			err := s.Run(t.Context(), r.cluster.Static("t"))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.key) {
				t.Fatalf("by default: %v", err)
			}
			cfg := r.config(r.bucket)
			c.policy(&cfg)
			stop = r.start(cfg, r.cluster.Static("t"))
			waitUntil(t, "the gap to be saved", func() bool {
				st, err := r.epoch().LoadState(t.Context(), snapshot.PartitionID(r.cluster.ID("t", 0)), nil)
				_, end, _ := r.cluster.Partition("t", 0).Range(t.Context())
				return err == nil && len(st.Gaps) == 1 && st.Gaps[0].Reason == c.reason && st.Next == end
			})
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if r.results[c.reason] < 2 {
				t.Errorf("gaps and restores %v", r.results)
			}
			states, err := r.epoch().LoadStates(t.Context())
			if err != nil || len(states) != rigPartitions {
				t.Fatalf("readers of the store find %d states of %d partitions: %v", len(states), rigPartitions, err)
			}
			before := states[0].Side.Count
			if before != c.counts {
				t.Errorf("%d records counted, want %d: none twice", before, c.counts)
			}
			// The log grows past what there was before, and the next owner has nothing to bridge.
			r.produce(100)
			stop = r.start(r.config(r.bucket), r.cluster.Static("t"))
			r.waitSaved()
			if err := stop(); err != nil {
				t.Fatalf("the next owner: %v", err)
			}
			before += 100
			// The topic is created anew after all that: the partition goes on from what it has.
			r.cluster.Recreate("t", rigPartitions)
			r.produce(10)
			cfg.Recreated = Continue
			stop = r.start(cfg, r.cluster.Static("t"))
			r.waitSaved()
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if states, err = r.epoch().LoadStates(t.Context()); err != nil || len(states) != rigPartitions || states[0].Side.Count != before+10 {
				t.Errorf("after the topic was created anew, readers find %d states, the first of %d records, want %d: %v", len(states), states[0].Side.Count, before+10, err)
			}
		})
	}
}

func TestFirstSketcherCalibrates(t *testing.T) {
	r := newRig(t, 6)
	r.bucket = mem.New()
	r.produce(400)
	cfg := r.config(r.bucket)
	cfg.Pilot, cfg.Calibrate = 300, feature.CalibrateOptions{Features: 32, Seed: 9}
	stop := r.start(cfg, r.cluster.Static("t"))
	waitUntil(t, "a specification", func() bool { _, err := r.store().LatestSpec(t.Context()); return err == nil })
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	e := r.epoch()
	if s := e.Spec(); s.Pilot != 300 || s.Features != 32 {
		t.Errorf("calibrated on %d records with %d features", s.Pilot, s.Features)
	}
	states, err := e.LoadStates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var delivered int64
	for _, s := range states {
		delivered += s.Side.Count
	}
	if delivered != 400*rigPartitions {
		t.Errorf("%d records delivered, want %d: the pilot's records are folded too", delivered, 400*rigPartitions)
	}
}

func TestSlowStreamCalibratesOnLess(t *testing.T) {
	r := newRig(t, 7)
	r.bucket = mem.New()
	cfg := r.config(r.bucket)
	cfg.PilotTimeout, cfg.Calibrate = 50*time.Millisecond, feature.CalibrateOptions{Features: 32, Seed: 9}
	stop := r.start(cfg, r.cluster.Static("t"))
	time.Sleep(150 * time.Millisecond)
	if _, err := r.store().LatestSpec(t.Context()); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("calibrated without a record: %v", err)
	}
	r.produce(MinPilot)
	r.waitSpec()
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// A sketcher whose own partitions have too few records for a pilot folds with the specification of another one.
func TestSpecificationOfAnotherProcessIsAdopted(t *testing.T) {
	r := newRig(t, 9)
	r.bucket = mem.New()
	r.produce(3)
	cfg := r.config(r.bucket)
	cfg.PilotTimeout = 10 * time.Millisecond
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, r.cluster.Static("t")) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	waitUntil(t, "the pilot to begin", func() bool { return s.pilotSize() > 0 })
	if _, err := r.store().CreateSpec(t.Context(), testMap().Spec()); err != nil {
		t.Fatal(err)
	}
	r.waitSaved()
	r.verify()
}

func (r *rig) waitSpec() {
	waitUntil(r.T, "a specification", func() bool { _, err := r.store().LatestSpec(context.Background()); return err == nil })
}

func TestMergedStatesAreTheSketchOfAllRecords(t *testing.T) {
	r := newRig(t, 8)
	r.produce(500)
	stop := r.start(r.config(r.bucket), r.cluster.Static("t"))
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	states, err := r.epoch().LoadStates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	total, err := snapshot.MergeStates(states)
	if err != nil {
		t.Fatal(err)
	}
	want := sketch.New(testMap())
	dec := testConfig().Decode
	for p := range rigPartitions {
		pilot := NewPilot(dec, 1<<30)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_ = pilot.Collect(ctx, r.cluster.Partition("t", p), 0)
		cancel()
		x, n := pilot.Vectors()
		q := make([]int32, 2)
		for i := range n {
			testMap().Quantise(q, x[2*i:2*i+2])
			want.Fold(q)
		}
	}
	if !total.Equal(want) {
		t.Errorf("the merged states hold %d records, the logs %d", total.Count(), want.Count())
	}
}

// stubborn refuses the first commits of each partition.
type stubborn struct {
	stream.Source
	left atomic.Int32
}

type stubbornPartition struct {
	stream.Partition
	s *stubborn
}

func (s *stubborn) Run(ctx context.Context, own func(context.Context, stream.Partition) error) error {
	return s.Source.Run(ctx, func(ctx context.Context, p stream.Partition) error { return own(ctx, stubbornPartition{p, s}) })
}

func (p stubbornPartition) Commit(ctx context.Context, next int64) error {
	if p.s.left.Add(-1) >= 0 {
		return errors.New("not now")
	}
	return p.Partition.Commit(ctx, next)
}

// The group hears of what is durable also if a commit failed and no record comes after it.
func TestFailedCommitIsMadeUpFor(t *testing.T) {
	r := newRig(t, 10)
	r.produce(50)
	src := &stubborn{Source: r.cluster.Static("t")}
	src.left.Store(200)
	stop := r.start(r.config(r.bucket), src)
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	for p := range rigPartitions {
		waitUntil(t, "the commit", func() bool { return r.cluster.Committed("t", p) == 50 })
	}
}

// Partitions that are taken over together are not saved together: their first saves spread over the first interval, so that
// one of many comes long before its end.
func TestSavesSpread(t *testing.T) {
	const partitions = 100
	r := newRig(t, 11)
	r.cluster = streamtest.New(map[string]int{"t": partitions})
	for p := range partitions {
		r.cluster.Append("t", p, stream.Record{Time: 1_000_000, Value: floats(1, 2)})
	}
	cfg := r.config(r.bucket)
	cfg.Interval = 15 * time.Second
	var saves atomic.Int64
	cfg.Hooks.Saved = func(stream.PartitionID, Save) { saves.Add(1) }
	began := time.Now()
	stop := r.start(cfg, r.cluster.Static("t"))
	waitUntil(t, "a save", func() bool { return saves.Load() > 0 })
	if took := time.Since(began); took >= cfg.Interval {
		t.Errorf("the first of %d partitions was saved after %v", partitions, took)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
