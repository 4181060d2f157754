package sketcher

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
	"phasor/stream"
)

// gated returns a source whose readers stop after some records until open is closed.
func (r *rig) gated(after int64) (src stream.Source, reached func() bool, open chan struct{}) {
	open = make(chan struct{})
	stopped := make(chan struct{}, 100)
	src = wrapped{r.cluster.Static("t"), func(rd stream.Reader) stream.Reader {
		var n int64
		return readerFunc{rd, func(ctx context.Context) (stream.Batch, error) {
			if n >= after {
				select {
				case stopped <- struct{}{}:
				default:
				}
				select {
				case <-open:
				case <-ctx.Done():
					return stream.Batch{}, ctx.Err()
				}
			}
			b, err := rd.Read(ctx)
			n += int64(len(b.Records))
			return b, err
		}}
	}}
	return src, func() bool { return len(stopped) >= rigPartitions }, open
}

// TestRetentionOvertakesTheReader deletes what a reader is about to read: by default the sketcher stops and names the
// policy, else it goes on with the gap on record.
func TestRetentionOvertakesTheReader(t *testing.T) {
	for _, policy := range []Policy{Fail, Continue} {
		t.Run(string(policy), func(t *testing.T) {
			r := newRig(t, 9)
			r.cluster.MaxBatch = 10
			r.produce(300)
			src, reached, open := r.gated(100)
			cfg := r.config(r.bucket)
			cfg.Retained = policy
			s, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx, src) }()
			waitUntil(t, "the readers", reached)
			for p := range rigPartitions {
				r.cluster.Retain("t", p, 250)
			}
			close(open)
			if policy == Fail {
				defer cancel()
				select {
				case err := <-done:
					if !errors.Is(err, stream.ErrRetention) || !strings.Contains(err.Error(), "on_retention") {
						t.Fatalf("the sketcher ended with %v", err)
					}
				case <-time.After(20 * time.Second):
					t.Fatal("the sketcher goes on")
				}
				return
			}
			r.waitSaved()
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			states, err := r.epoch().LoadStates(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range states {
				if len(st.Gaps) != 1 || st.Gaps[0] != (snapshot.Gap{From: 100, To: 250, Reason: "retention"}) || st.Side.Count != 150 || st.Next != 300 {
					t.Errorf("%s: %d records before %d, gaps %v", st, st.Side.Count, st.Next, st.Gaps)
				}
			}
			if len(states) != rigPartitions || r.results["retention"] != rigPartitions {
				t.Errorf("%d states, gaps %v", len(states), r.results)
			}
		})
	}
}

// TestRetentionOvertakesTheCalibration: nothing is folded yet, so nothing is lost; the pilot goes on with what is there.
func TestRetentionOvertakesTheCalibration(t *testing.T) {
	r := newRig(t, 10)
	r.bucket = mem.New()
	r.cluster.MaxBatch = 10
	r.produce(500)
	src, reached, open := r.gated(100)
	cfg := r.config(r.bucket)
	cfg.Pilot, cfg.Calibrate = 400, feature.CalibrateOptions{Features: 32, Seed: 9}
	stop := r.start(cfg, src)
	waitUntil(t, "the readers", reached)
	for p := range rigPartitions {
		r.cluster.Retain("t", p, 200)
	}
	close(open)
	waitUntil(t, "a specification", func() bool { _, err := r.store().LatestSpec(t.Context()); return err == nil })
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	states, err := r.epoch().LoadStates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range states {
		if st.Start != 200 || st.Side.Count != 300 || len(st.Gaps) != 0 {
			t.Errorf("%s: %d records from %d, gaps %v", st, st.Side.Count, st.Start, st.Gaps)
		}
	}
}
