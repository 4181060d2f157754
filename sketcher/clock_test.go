package sketcher

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mem"
)

// TestClockLeavesNoTrace folds one log on hosts whose clocks say different things, jump and go back
// between two processes: the states and panes are the same bytes.
func TestClockLeavesNoTrace(t *testing.T) {
	var first map[string]string
	run := func(t *testing.T, interval, jump time.Duration, b bucket.Bucket) {
		r := newRig(t, 50)
		if b != nil { // Another process went before, in another time.
			r.bucket = b
		}
		r.cluster.MaxWait = time.Minute
		cfg := r.config(r.bucket)
		cfg.Interval = interval
		r.produce(50) // What the other process has read must be there.
		stop := r.start(cfg, r.cluster.Static("t"))
		r.produce(50)
		r.waitSaved()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(jump)
		stop = r.start(cfg, r.cluster.Static("t"))
		r.produce(100)
		r.waitSaved()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		r.verify()
		if b == nil {
			b = r.bucket
		}
		want := map[string]string{}
		objects, err := b.List(context.Background(), "s/0001/")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if strings.Contains(o.Name, "/live/") || strings.Contains(o.Name, "/state/") && !strings.HasSuffix(o.Name, fmt.Sprintf("%020d", 200)) {
				continue
			}
			data, err := b.Get(context.Background(), o.Name)
			if err != nil {
				t.Fatal(err)
			}
			want[o.Name] = string(data)
		}
		if first == nil {
			first = want
		}
		if len(want) < 10 || !maps.Equal(want, first) {
			t.Errorf("%d objects, at first %d: the clock left a trace", len(want), len(first))
		}
	}
	run(t, 10*time.Millisecond, 0, nil)
	for _, jump := range []time.Duration{0, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(jump)
			run(t, 5*time.Second, jump, nil)
		})
	}
	before := mem.New()
	r := newRig(t, 50)
	r.bucket = before
	if _, err := r.store().CreateSpec(t.Context(), testMap().Spec()); err != nil {
		t.Fatal(err)
	}
	r.produce(50)
	stop := r.start(r.config(before), r.cluster.Static("t"))
	r.waitSaved()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { run(t, 5*time.Second, 0, before) }) // The clock went back by decades.
}
