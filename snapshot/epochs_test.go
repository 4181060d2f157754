package snapshot_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/file"
	"phasor/snapshot/bucket/mem"
)

// race runs f in n goroutines at once.
func race(n int, f func(i int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	group.Wait()
}

// meeting is a bucket whose first listing of some names returns only when those of all writers have: none of them has
// seen what another writes.
type meeting struct {
	bucket.Bucket
	names string
	once  sync.Once
	all   *sync.WaitGroup
}

func (b *meeting) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	objects, err := b.Bucket.List(ctx, prefix)
	if strings.Contains(prefix, b.names) {
		b.once.Do(func() {
			b.all.Done()
			b.all.Wait()
		})
	}
	return objects, err
}

// meetings returns one bucket over b for each of n writers, who meet after their first listing of these names.
func meetings(b bucket.Bucket, n int, names string) []bucket.Bucket {
	all := new(sync.WaitGroup)
	all.Add(n)
	buckets := make([]bucket.Bucket, n)
	for i := range buckets {
		buckets[i] = &meeting{Bucket: b, names: names, all: all}
	}
	return buckets
}

func TestOneSpecWins(t *testing.T) {
	folder, err := file.Open(t.TempDir())
	must(t, err)
	defer folder.Close()
	for name, b := range map[string]bucket.Bucket{"mem": mem.New(), "file": folder} {
		const writers = 16
		specs, found := make([]string, writers), make([]string, writers)
		buckets := meetings(b, writers, "/start/")
		race(writers, func(i int) {
			spec := newSpec(t, uint64(i))
			specs[i] = spec.Fingerprint()
			e, err := snapshot.Open(buckets[i], "line").CreateSpec(t.Context(), spec)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			if e.Number != 1 || e.Map().Spec() != e.Spec() {
				t.Errorf("%s: epoch %d", name, e.Number)
			}
			found[i] = e.Spec().Fingerprint()
		})
		winner := found[0]
		wins := 0
		for i := range writers {
			if found[i] != winner {
				t.Errorf("%s: writer %d adopted %s, writer 0 %s", name, i, found[i], winner)
			}
			if specs[i] == winner {
				wins++
			}
		}
		if wins != 1 {
			t.Errorf("%s: %d writers had the spec that won", name, wins)
		}
		e, err := snapshot.Open(b, "line").LatestSpec(t.Context())
		must(t, err)
		if e.Map().Fingerprint() != winner {
			t.Errorf("%s: the latest spec is not the winner's", name)
		}
	}
}

func TestEpochs(t *testing.T) {
	b := mem.New()
	s := snapshot.Open(b, "line")
	if _, err := s.LatestSpec(t.Context()); !errors.Is(err, snapshot.ErrNotExist) {
		t.Fatalf("no epoch: %v", err)
	}
	first, err := s.CreateSpec(t.Context(), newSpec(t, 1))
	must(t, err)
	starts := map[snapshot.PartitionID]int64{partition(0): 100, partition(1): 0}
	second, err := s.NewEpoch(t.Context(), newSpec(t, 2), starts)
	must(t, err)
	if second.Number != 2 {
		t.Errorf("the second epoch is %d", second.Number)
	}
	for p, want := range starts {
		offset, err := second.LoadStart(t.Context(), p)
		must(t, err)
		if offset != want {
			t.Errorf("%s starts at %d, wanted %d", p, offset, want)
		}
	}
	if _, err := first.LoadStart(t.Context(), partition(0)); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("start in the first epoch: %v", err)
	}
	// What an old epoch holds does not fit the new one.
	state := stateAt(first.Map(), partition(0), 9)
	must(t, first.SaveState(t.Context(), state))
	var mismatch *snapshot.MapMismatchError
	if err := second.SaveState(t.Context(), state); !errors.As(err, &mismatch) || mismatch.Found != first.Map().Fingerprint() || mismatch.Want != second.Map().Fingerprint() {
		t.Errorf("a state of another map: %v", err)
	}
	must(t, b.Put(t.Context(), strings.Replace(stateName(partition(0), 9), "0001", "0002", 1), encode(t, state)))
	if _, err := second.LoadState(t.Context(), partition(0), nil); !errors.As(err, &mismatch) {
		t.Errorf("a state of another map: %v", err)
	}
	latest, err := s.LatestSpec(t.Context())
	must(t, err)
	if latest.Number != 2 {
		t.Errorf("the latest epoch is %d", latest.Number)
	}
}

// TestBrokenOffEpoch crashes NewEpoch at every write and begins anew with other starts.
func TestBrokenOffEpoch(t *testing.T) {
	for _, fault := range []buckettest.Fault{buckettest.Fail, buckettest.Done} {
		for i := range 3 {
			b := mem.New()
			faulty := buckettest.NewFaulty(b, nil)
			_, err := snapshot.Open(b, "line").CreateSpec(t.Context(), newSpec(t, 1))
			must(t, err)
			faulty.SetPlan(buckettest.CrashAt(i, fault))
			starts := func(offset int64) map[snapshot.PartitionID]int64 {
				return map[snapshot.PartitionID]int64{partition(0): offset, partition(1): offset}
			}
			if _, err := snapshot.Open(faulty, "line").NewEpoch(t.Context(), newSpec(t, 2), starts(10)); err == nil {
				t.Fatalf("write %d: no crash", i)
			}
			e, err := snapshot.Open(b, "line").NewEpoch(t.Context(), newSpec(t, 3), starts(99))
			must(t, err)
			latest, err := snapshot.Open(b, "line").LatestSpec(t.Context())
			must(t, err)
			if latest.Number != e.Number || latest.Map().Fingerprint() != newSpec(t, 3).Fingerprint() {
				t.Errorf("write %d: the latest epoch is %d, created %d", i, latest.Number, e.Number)
			}
			for p := range 2 {
				if offset, err := latest.LoadStart(t.Context(), partition(p)); err != nil || offset != 99 {
					t.Errorf("write %d: partition %d starts at %d, %v", i, p, offset, err)
				}
			}
		}
	}
}

func TestCorruptSpecIsNotPassedOver(t *testing.T) {
	b, r := mem.New(), new(recorder)
	s := snapshot.Open(b, "line").WithHooks(r.hooks())
	_, err := s.CreateSpec(t.Context(), newSpec(t, 1))
	must(t, err)
	must(t, b.Put(t.Context(), "line/0001/spec", []byte("x")))
	for range 2 {
		if _, err := s.CreateSpec(t.Context(), newSpec(t, 1)); !errors.Is(err, snapshot.ErrCorrupt) {
			t.Errorf("opened a corrupt epoch: %v", err)
		}
	}
	if len(r.corrupt) != 2 || r.corrupt[0] != "line/0001/spec" {
		t.Errorf("reported %q", r.corrupt)
	}
	e, err := s.NewEpoch(t.Context(), newSpec(t, 2), nil)
	must(t, err)
	if e.Number != 2 {
		t.Errorf("the new epoch is %d", e.Number)
	}
}

func TestStarts(t *testing.T) {
	e, b, _ := newEpoch(t)
	offsets := make([]int64, 16)
	race(len(offsets), func(i int) {
		var err error
		if offsets[i], err = e.CreateStart(t.Context(), partition(0), int64(i)); err != nil {
			t.Error(err)
		}
	})
	for _, offset := range offsets {
		if offset != offsets[0] {
			t.Fatalf("writers read different starts: %v", offsets)
		}
	}
	name := names(t, b, "line/0001/start/")[0]
	must(t, b.Put(t.Context(), name, []byte("no")))
	if _, err := e.CreateStart(t.Context(), partition(0), 5); !errors.Is(err, snapshot.ErrCorrupt) {
		t.Errorf("a corrupt start: %v", err)
	}
	if _, err := e.CreateStart(t.Context(), partition(0), -1); err == nil {
		t.Error("a negative start was recorded")
	}
}

func TestLive(t *testing.T) {
	e, b, _ := newEpoch(t)
	if _, err := e.LoadLive(t.Context(), partition(0)); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("nothing said: %v", err)
	}
	want := map[snapshot.PartitionID]snapshot.Live{}
	for i := range 3 {
		want[partition(i)] = snapshot.Live{Next: int64(i), HighWatermark: 5, Time: 1700000000000, CaughtUp: int64(i) * 1000}
		must(t, e.SaveLive(t.Context(), partition(i), snapshot.Live{}))
		must(t, e.SaveLive(t.Context(), partition(i), want[partition(i)]))
	}
	// What cannot be read says nothing.
	must(t, e.SaveLive(t.Context(), partition(3), snapshot.Live{}))
	must(t, b.Put(t.Context(), "line/0001/live/press.sensors.x_-Zk0aSQ2a1b2c3d4e5fg/3", []byte("{")))
	must(t, b.Put(t.Context(), "line/0001/live/stray", []byte("{}")))
	lives, err := e.LoadLives(t.Context())
	must(t, err)
	if len(lives) != len(want) {
		t.Errorf("found %v", lives)
	}
	for p, l := range want {
		one, err := e.LoadLive(t.Context(), p)
		must(t, err)
		if lives[p] != l || one != l {
			t.Errorf("%s: %+v and %+v, wanted %+v", p, lives[p], one, l)
		}
	}
}

// rendezvous holds the reads of one kind until several are under way.
type rendezvous struct {
	bucket.Bucket
	together int32
	inside   atomic.Int32
	all      chan struct{}
}

func (b *rendezvous) Get(ctx context.Context, name string) ([]byte, error) {
	if strings.Contains(name, "/live/") {
		if b.inside.Add(1) == b.together {
			close(b.all)
		}
		select {
		case <-b.all:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return b.Bucket.Get(ctx, name)
}

// A thousand partitions are not asked one after the other, at each look of the trainer.
func TestLivesAreReadTogether(t *testing.T) {
	e, b, _ := newEpoch(t)
	for i := range 20 {
		must(t, e.SaveLive(t.Context(), partition(i), snapshot.Live{Next: int64(i)}))
	}
	e = open(t, &rendezvous{Bucket: b, together: 4, all: make(chan struct{})}, snapshot.Hooks{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	lives, err := e.LoadLives(ctx)
	must(t, err)
	if len(lives) != 20 || lives[partition(7)].Next != 7 {
		t.Errorf("found %v", lives)
	}
}
