package sketcher

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

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
