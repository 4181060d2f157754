package metrics

import (
	"errors"
	"testing"
	"time"
)

func TestStoreHooksFeedTheirSeries(t *testing.T) {
	r := newRig()
	h := r.store.Hooks()
	h.Conflict("a")
	h.Conflict("b")
	h.Compaction(nil)
	h.Compaction(errors.New("away"))
	h.Operation("get", "ok", 250*time.Millisecond)
	h.Operation("get", "not_exist", 250*time.Millisecond)
	h.Operation("create", "exist", time.Second)
	if h.Corrupt != nil {
		t.Error("corrupt objects are counted twice")
	}
	r.expect(t, "phasor_snapshot_", map[string]float64{
		"phasor_snapshot_pane_conflicts_total{}":                                    2,
		"phasor_snapshot_compactions_total{result=ok}":                              1,
		"phasor_snapshot_compactions_total{result=error}":                           1,
		"phasor_snapshot_bucket_operations_total{operation=get,result=ok}":          1,
		"phasor_snapshot_bucket_operations_total{operation=get,result=not_exist}":   1,
		"phasor_snapshot_bucket_operations_total{operation=create,result=exist}":    1,
		"phasor_snapshot_bucket_operation_duration_seconds{operation=get} count":    2,
		"phasor_snapshot_bucket_operation_duration_seconds{operation=get} sum":      0.5,
		"phasor_snapshot_bucket_operation_duration_seconds{operation=create} count": 1,
		"phasor_snapshot_bucket_operation_duration_seconds{operation=create} sum":   1,
	})
}
