package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/trainer/generator"
)

// TestCrashAtEveryStepOfPublishing ends a trainer at each write of a publication: not done, done and unheard of, or torn
// by a store that breaks its word. The next one serves a version that verifies, and no number has two models.
func TestCrashAtEveryStepOfPublishing(t *testing.T) {
	for name, fault := range map[string]buckettest.Fault{"fails": buckettest.Fail, "done": buckettest.Done, "torn": buckettest.Torn} {
		for i := range 4 { // The model, its card, the generation; then none.
			t.Run(fmt.Sprintf("%s at write %d", name, i), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, 1, uint64(60+i))
				r.panes(20, quiet)
				writes := 0
				crash := buckettest.CrashAt(i, fault)
				faulty := buckettest.NewFaulty(r.bucket, func(o buckettest.Operation) buckettest.Fault {
					if !strings.Contains(o.Name, "/models/") && !strings.Contains(o.Name, "/current/") && writes <= i {
						return buckettest.None // Only the steps of publishing are counted.
					}
					if o.Writes() {
						writes++
					}
					return crash(o)
				})
				cfg, rec := r.config(faulty)
				_, stop := r.start(cfg)
				r.wait("the end of a refit", func() bool { return get(rec, func() bool { return len(rec.refits) > 0 }) })
				stop()
				cfg, _ = r.config(r.bucket)
				cfg.Every = 0
				s, _ := r.start(cfg)
				r.wait("a served version", func() bool { return s.Status().Version > 0 && !s.Status().Fitting })
				m, g, err := r.epoch.LoadCurrent(context.Background())
				r.must(err)
				if _, err := generator.DecodeModel(m.Data); err != nil || g.Version != s.Status().Version {
					t.Errorf("version %d is in force, %d is served: %v", g.Version, s.Status().Version, err)
				}
				if err := s.Live(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A state that is removed between the listing and the reading, because a newer one was written, costs nothing.
func TestStateThatVanishesWhileItIsRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, 64)
	r.panes(20, quiet)
	var once sync.Once
	var vanished string
	faulty := buckettest.NewFaulty(r.bucket, func(o buckettest.Operation) buckettest.Fault {
		if o.Kind == "get" && strings.Contains(o.Name, "/state/") {
			once.Do(func() {
				r.panes(20, quiet)
				vanished = o.Name
				r.must(r.bucket.Delete(context.Background(), o.Name))
			})
		}
		return buckettest.None
	})
	cfg, rec := r.config(faulty)
	s, _ := r.start(cfg)
	r.wait("all records", func() bool { return s.Status().Records == 2*40*perPane })
	if st := s.Status(); st.LastError != "" || vanished == "" || get(rec, func() int { return rec.snapshots["corrupt"] }) != 0 {
		t.Errorf("%+v after %s was removed, %v", st, vanished, rec.snapshots)
	}
}

// A store that accepts and never answers makes the trainer unready; when it is back, all goes on.
func TestHangingStoreIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 65)
	r.panes(20, quiet)
	faulty := buckettest.NewFaulty(r.bucket, func(buckettest.Operation) buckettest.Fault { return buckettest.Hang })
	cfg, _ := r.config(bucket.Bound(faulty, 50*time.Millisecond))
	s, _ := r.start(cfg)
	r.wait("an error", func() bool { return s.Status().LastError != "" })
	if err := s.Ready(); err == nil || !strings.Contains(err.Error(), bucket.ErrUnresponsive.Error()) || s.Live() != nil {
		t.Errorf("ready: %v, live: %v", err, s.Live())
	}
	faulty.SetPlan(nil)
	r.waitVersion(s, 1)
	r.looks(s, 1)
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}

// A store that can be read and not written shows.
func TestStoreThatCannotBeWrittenShows(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 66)
	r.panes(20, quiet)
	faulty := buckettest.NewFaulty(r.bucket, func(o buckettest.Operation) buckettest.Fault {
		if o.Writes() {
			return buckettest.Fail
		}
		return buckettest.None
	})
	cfg, _ := r.config(faulty)
	s, _ := r.start(cfg)
	r.wait("a refit that fails", func() bool { return s.Status().RefitResults["error"] > 0 })
	r.wait("unready", func() bool { return s.Ready() != nil })
	faulty.SetPlan(nil)
	r.waitVersion(s, 1)
	r.wait("ready", func() bool { return s.Ready() == nil })
}

// A loss that is no number is a divergence, also where there is no version to compare it with.
func TestLossThatIsNoNumberIsRefused(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, e := range []generator.Evaluation{{HeldOut: nan}, {HeldOut: inf}, {Unbiased: nan}, {Unbiased: -inf}} {
		if err := judged(e); !errors.Is(err, generator.ErrDiverged) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	if err := judged(generator.Evaluation{HeldOut: -0.001, Unbiased: 1}); err != nil {
		t.Error(err)
	}
}

// TestClockThatJumps: a version from tomorrow, left by a clock that was wrong, does not keep the next fits waiting, and
// pruning by a clock that is a day ahead or behind loses no record.
func TestClockThatJumps(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 67)
	r.panes(40, quiet)
	ctx := context.Background()
	total := func() int64 {
		a, err := r.epoch.MergeRange(ctx, 0, math.MaxInt64/2)
		r.must(err)
		return a.Count()
	}
	want := total()
	for _, days := range []int{1, -1} {
		_, err := r.epoch.Prune(ctx, time.UnixMilli(began).AddDate(0, 0, days), snapshot.DefaultRetention())
		r.must(err)
		if n := total(); n != want {
			t.Errorf("after pruning by a clock %d days off: %d records in panes, want %d", days, n, want)
		}
	}
	cfg, _ := r.config(r.bucket)
	s, err := New(cfg)
	r.must(err)
	s.inherit(Card{Created: time.Now().AddDate(0, 0, 1), Folded: 1})
	if !s.lastFit.IsZero() {
		t.Errorf("the next fit waits for %v", s.lastFit)
	}
}
