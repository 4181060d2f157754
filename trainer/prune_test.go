package trainer

import (
	"testing"

	"phasor/snapshot"
)

// The past of an epoch that has ended is kept as long as that of the newest, and no longer.
func TestOlderEpochsArePrunedToo(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, 31)
	r.panes(5, quiet) // Years ago: they become hours, and later days.
	for _, p := range r.parts {
		p.time += 2 * 3_600_000
	}
	r.panes(5, quiet)
	older := r.epoch
	e, err := r.store(r.bucket).NewEpoch(t.Context(), spec(2, 64), nil)
	r.must(err)
	r.open(e, 2, 32)
	r.panes(3, quiet)
	cfg, _ := r.config(r.bucket)
	cfg.Records, cfg.Retention = 1<<40, snapshot.DefaultRetention()
	cfg.Retention.States = 1 // Older ones hold panes back.
	r.start(cfg)
	r.wait("longer panes in the older epoch", func() bool {
		var refs []snapshot.PaneRef
		for _, p := range r.parts {
			of, err := older.ListPanesOf(t.Context(), snapshot.PartitionID(p.id), 3_600_000, 0, 1<<60)
			r.must(err)
			refs = append(refs, of...)
		}
		return len(refs) == 2
	})
}
