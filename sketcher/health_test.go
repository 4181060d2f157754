package sketcher

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/stream"
)

// wrapped is a source whose readers are others.
type wrapped struct {
	stream.Source
	wrap func(stream.Reader) stream.Reader
}

func (w wrapped) Run(ctx context.Context, own func(context.Context, stream.Partition) error) error {
	return w.Source.Run(ctx, func(ctx context.Context, p stream.Partition) error { return own(ctx, wrappedPartition{p, w.wrap}) })
}

type wrappedPartition struct {
	stream.Partition
	wrap func(stream.Reader) stream.Reader
}

func (p wrappedPartition) Read(offset int64) stream.Reader { return p.wrap(p.Partition.Read(offset)) }

// readerFunc is a reader with another Read.
type readerFunc struct {
	stream.Reader
	read func(context.Context) (stream.Batch, error)
}

func (r readerFunc) Read(ctx context.Context) (stream.Batch, error) { return r.read(ctx) }

// inBubble runs a test of hours in no time.
func inBubble(t *testing.T, seed uint64, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, seed)
		r.cluster.MaxWait = 500 * time.Millisecond
		f(r)
	})
}

// run starts a service whose health is looked at for a long time.
func (r *rig) run(cfg Config, src stream.Source) (s *Service, stop func()) {
	r.Helper()
	cfg.Interval = 10 * time.Second
	s, err := New(cfg)
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, src) }()
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			r.Error(err)
		}
	}
}

func TestQuietStreamIsLiveAndReady(t *testing.T) {
	inBubble(t, 20, func(r *rig) {
		r.produce(50)
		s, stop := r.run(r.config(r.bucket), r.cluster.Static("t"))
		defer stop()
		for range 4 {
			time.Sleep(10 * time.Minute)
			if err := s.Live(); err != nil {
				t.Error(err)
			}
			if err := s.Ready(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A reader that returns neither with records nor at the end of its context is what liveness is for.
func TestStuckLoopIsNotLive(t *testing.T) {
	inBubble(t, 21, func(r *rig) {
		r.produce(50)
		release := make(chan struct{})
		var stuck atomic.Bool
		src := wrapped{r.cluster.Static("t"), func(rd stream.Reader) stream.Reader {
			return readerFunc{rd, func(ctx context.Context) (stream.Batch, error) {
				if stuck.Load() {
					<-release
				}
				return rd.Read(ctx)
			}}
		}}
		s, stop := r.run(r.config(r.bucket), src)
		defer stop()
		time.Sleep(time.Minute)
		if err := s.Live(); err != nil {
			t.Error(err)
		}
		stuck.Store(true)
		time.Sleep(stuckAfter + 2*time.Second)
		if s.Live() == nil {
			t.Error("a loop that does not go round is live")
		}
		stuck.Store(false)
		close(release)
		time.Sleep(2 * time.Second)
		if err := s.Live(); err != nil {
			t.Error(err)
		}
	})
}

// A broker that says nothing makes the service unready, not dead; the reader is opened anew until one answers.
func TestSilentReaderIsOpenedAnew(t *testing.T) {
	inBubble(t, 22, func(r *rig) {
		r.produce(50)
		var opened, restarted atomic.Int32
		src := wrapped{r.cluster.Static("t"), func(rd stream.Reader) stream.Reader {
			n := opened.Add(1)
			return readerFunc{rd, func(ctx context.Context) (stream.Batch, error) {
				if n <= 2*rigPartitions { // The first two readers of each partition.
					<-ctx.Done()
					return stream.Batch{}, ctx.Err()
				}
				return rd.Read(ctx)
			}}
		}}
		cfg := r.config(r.bucket)
		cfg.Hooks.Restarted = func(stream.PartitionID) { restarted.Add(1) }
		s, stop := r.run(cfg, src)
		time.Sleep(slowAfter + 2*pulse)
		if s.Ready() == nil {
			t.Error("ready although nothing is heard")
		}
		for range 60 {
			time.Sleep(5 * time.Second)
			if err := s.Live(); err != nil {
				t.Fatalf("a broker that is silent was taken for a stuck loop: %v", err)
			}
		}
		if n := restarted.Load(); n != 2*rigPartitions {
			t.Errorf("%d readers were opened anew, want %d", n, 2*rigPartitions)
		}
		if err := s.Ready(); err != nil {
			t.Error(err)
		}
		r.waitSaved()
		stop()
		r.verify()
	})
}

// Readiness follows the store even where there is nothing to save but the sign of life.
func TestReadyFollowsTheStore(t *testing.T) {
	for name, fault := range map[string]buckettest.Fault{"fails": buckettest.Fail, "hangs": buckettest.Hang} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 23, func(r *rig) {
				faulty := buckettest.NewFaulty(r.bucket, nil)
				cfg := r.config(bucket.Bound(faulty, 10*time.Second))
				r.produce(50)
				s, stop := r.run(cfg, r.cluster.Static("t"))
				r.waitSaved()
				time.Sleep(time.Minute)
				if err := s.Ready(); err != nil {
					t.Fatal(err)
				}
				faulty.SetPlan(func(o buckettest.Operation) buckettest.Fault {
					if o.Writes() {
						return fault
					}
					return buckettest.None
				})
				time.Sleep(slowAfter)
				if s.Ready() == nil {
					t.Error("ready although nothing can be written")
				}
				time.Sleep(10 * time.Minute)
				if err := s.Live(); err != nil {
					t.Errorf("a store that is away is no reason to die: %v", err)
				}
				faulty.SetPlan(nil)
				time.Sleep(time.Minute)
				if err := s.Ready(); err != nil {
					t.Error(err)
				}
				stop()
				r.verify()
			})
		})
	}
}

// A partition that cannot be taken over makes the service unready, whether the store answers with errors or not at all.
func TestReadyWaitsForTheTakeover(t *testing.T) {
	for name, fault := range map[string]buckettest.Fault{"fails": buckettest.Fail, "hangs": buckettest.Hang} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 24, func(r *rig) {
				r.produce(50)
				faulty := buckettest.NewFaulty(r.bucket, nil)
				_, leave := r.run(r.config(faulty), r.cluster.Static("t"))
				r.waitSaved()
				leave()
				faulty.SetPlan(func(o buckettest.Operation) buckettest.Fault {
					if o.Kind == "list" && o.Name != "s/" {
						return fault
					}
					return buckettest.None
				})
				s, stop := r.run(r.config(bucket.Bound(faulty, time.Hour)), r.cluster.Static("t"))
				time.Sleep(slowAfter + time.Second)
				if s.Ready() == nil {
					t.Error("ready although no partition could be taken over")
				}
				stop()
			})
		})
	}
}

// Reading that pauses for a store that takes its time is unready and no stuck loop, and the broker's silence is ours.
func TestPausedReadingIsNoStuckLoop(t *testing.T) {
	inBubble(t, 25, func(r *rig) {
		faulty := buckettest.NewFaulty(r.bucket, func(o buckettest.Operation) buckettest.Fault {
			if o.Writes() && !strings.Contains(o.Name, "/start/") {
				return buckettest.Hang
			}
			return buckettest.None
		})
		cfg := r.config(bucket.Bound(faulty, 30*time.Minute)) // The save neither fails nor ends.
		cfg.MaxUnsaved = 8
		var restarted atomic.Int32
		cfg.Hooks.Restarted = func(stream.PartitionID) { restarted.Add(1) }
		r.produce(3000)
		var slow atomic.Bool // The broker takes its time after the pause.
		s, stop := r.run(cfg, wrapped{r.cluster.Static("t"), func(rd stream.Reader) stream.Reader {
			return readerFunc{rd, func(ctx context.Context) (stream.Batch, error) {
				if slow.Load() {
					<-ctx.Done()
					return stream.Batch{}, ctx.Err()
				}
				return rd.Read(ctx)
			}}
		}})
		time.Sleep(10 * time.Minute)
		if s.Ready() == nil {
			t.Error("ready although a save has not ended for minutes")
		}
		if err := s.Live(); err != nil {
			t.Error(err)
		}
		for _, o := range s.owners.list() {
			if o.fold.Next() >= 3000 {
				t.Errorf("%s did not pause", o.id)
			}
		}
		slow.Store(true)
		faulty.SetPlan(nil)
		time.Sleep(20*time.Minute + 10*time.Second) // The save under way is given up and done again.
		slow.Store(false)
		time.Sleep(10 * time.Minute)
		r.waitSaved()
		if err := s.Ready(); err != nil {
			t.Error(err)
		}
		if n := restarted.Load(); n > 0 {
			t.Errorf("%d readers were opened anew although the broker was not asked", n)
		}
		stop()
		r.verify()
	})
}
