package metrics

import (
	"testing"
	"time"

	"phasor/sketcher"
	"phasor/stream"
	"phasor/stream/decode"
)

func TestSketcherHooksFeedTheirSeries(t *testing.T) {
	r := newRig()
	h := r.sketcher.Hooks("line", []string{"t"})
	h.Sketch(1024, 10)
	for n := range 3 {
		h.Assigned(partitionID(n))
	}
	h.Released(partitionID(2), true)
	h.Restored(partitionID(0), "ok")
	h.Restored(partitionID(1), "corrupt_fallback")
	c := sketcher.Counts{Records: 100, Bytes: 2000, Folded: 80, Duplicates: 4, Late: 5, Early: 6, Missing: 7, Clamped: 8, Outer: 9, Sealed: 1, FirstTime: stream.NoTime}
	c.Rejects[decode.Schema], c.Rejects[decode.Tombstone] = 11, 5
	h.Folded(partitionID(0), c, 250*time.Millisecond)
	h.Folded(partitionID(1), sketcher.Counts{Records: 10, Bytes: 100, Folded: 10, FirstTime: time.Now().Add(time.Hour).UnixMilli()}, 500*time.Millisecond)
	h.Position(partitionID(0), 90, 100)
	h.Position(partitionID(1), 100, 90) // The high watermark was read before the records: no lag, not a negative one.
	h.Gap(partitionID(0), "truncation")
	h.Saved(partitionID(0), sketcher.Save{Result: "ok", Took: 2 * time.Second, Bytes: 43000, Next: 90, Records: 80, Panes: 3, Open: 60_000, Resident: 90000})
	h.Saved(partitionID(1), sketcher.Save{Result: "ok", Took: time.Second, Bytes: 44000, Next: 10, Records: 10, Open: 120_000, Resident: 90000})
	h.Saved(partitionID(1), sketcher.Save{Result: "skipped", Next: 10, Resident: 90000})
	h.Saved(partitionID(1), sketcher.Save{Result: "error", Took: time.Minute, Bytes: 1, Next: 2, Records: 3, Panes: 4, Open: 5, Resident: 6})
	before := time.Now()
	r.expect(t, "phasor_sketcher_", map[string]float64{
		"phasor_sketcher_records_consumed_total{topic=t}":                  110,
		"phasor_sketcher_bytes_consumed_total{topic=t}":                    2100,
		"phasor_sketcher_records_folded_total{sketch=line,topic=t}":        90,
		"phasor_sketcher_records_duplicate_total{topic=t}":                 4,
		"phasor_sketcher_records_late_total{topic=t}":                      5,
		"phasor_sketcher_records_early_total{topic=t}":                     6,
		"phasor_sketcher_values_missing_total{topic=t}":                    7,
		"phasor_sketcher_values_clamped_total{topic=t}":                    8,
		"phasor_sketcher_values_outer_total{topic=t}":                      9,
		"phasor_sketcher_records_rejected_total{reason=schema,topic=t}":    11,
		"phasor_sketcher_records_rejected_total{reason=tombstone,topic=t}": 5,
		"phasor_sketcher_offset_gaps_total{reason=truncation,topic=t}":     1,
		"phasor_sketcher_partition_lag_records{partition=0,topic=t}":       10,
		"phasor_sketcher_partition_durable_offset{partition=0,topic=t}":    90,
		"phasor_sketcher_partition_durable_offset{partition=1,topic=t}":    10,
		"phasor_sketcher_assigned_partitions{topic=t}":                     2,
		"phasor_sketcher_rebalances_total{event=assigned}":                 3,
		"phasor_sketcher_rebalances_total{event=lost}":                     1,
		"phasor_sketcher_fold_duration_seconds{topic=t} count":             2,
		"phasor_sketcher_fold_duration_seconds{topic=t} sum":               0.75,
		"phasor_sketcher_fold_lateness_seconds{topic=t} count":             1, // A record of the future is not late, and one without a time is nothing.
		"phasor_sketcher_sketch_records{sketch=line}":                      90,
		"phasor_sketcher_sketch_features{sketch=line}":                     1024,
		"phasor_sketcher_sketch_dimension{sketch=line}":                    10,
		"phasor_sketcher_sketch_bytes{sketch=line}":                        90000,
		"phasor_sketcher_sketches{}":                                       1,
		"phasor_sketcher_pane_start_timestamp_seconds{sketch=line}":        120,
		"phasor_sketcher_snapshot_duration_seconds{sketch=line} count":     2,
		"phasor_sketcher_snapshot_duration_seconds{sketch=line} sum":       3,
		"phasor_sketcher_snapshot_size_bytes{sketch=line}":                 44000,
		"phasor_sketcher_snapshots_total{result=ok,sketch=line}":           2,
		"phasor_sketcher_snapshots_total{result=skipped,sketch=line}":      1,
		"phasor_sketcher_snapshots_total{result=error,sketch=line}":        1,
		"phasor_sketcher_panes_sealed_total{topic=t}":                      3,
		"phasor_sketcher_restore_total{result=ok}":                         1,
		"phasor_sketcher_restore_total{result=corrupt_fallback}":           1,
	})
	at := r.values(t)["phasor_sketcher_snapshot_last_success_timestamp_seconds{sketch=line}"]
	if age := float64(before.UnixMilli())/1000 - at; age < -3600 || age > 3600 {
		t.Errorf("the last durable snapshot is of %v", at)
	}
}

func TestLatenessIsTheAgeOfARecord(t *testing.T) {
	r := newRig()
	h := r.sketcher.Hooks("line", []string{"t"})
	h.Folded(partitionID(0), sketcher.Counts{FirstTime: time.Now().Add(-time.Hour).UnixMilli()}, 0)
	if s := r.values(t)["phasor_sketcher_fold_lateness_seconds{topic=t} sum"]; s < 3600 || s > 7200 {
		t.Errorf("an hour late is %v s", s)
	}
}

func TestLastSaveOfAGivenUpPartitionLeavesNoSeries(t *testing.T) {
	r := newRig()
	h := r.sketcher.Hooks("line", []string{"t"})
	h.Assigned(partitionID(0))
	h.Position(partitionID(0), 1, 2)
	h.Saved(partitionID(0), sketcher.Save{Result: "ok", Next: 1, Records: 1, Open: -1})
	h.Released(partitionID(0), false)
	h.Saved(partitionID(0), sketcher.Save{Result: "ok", Next: 2, Records: 2, Open: -1})
	h.Position(partitionID(0), 2, 2)
	for _, name := range []string{"phasor_sketcher_partition_lag_records", "phasor_sketcher_partition_durable_offset"} {
		if f := r.gather(t)[name]; f != nil {
			t.Errorf("%s: %v", name, f.Metric)
		}
	}
	if n := r.values(t)["phasor_sketcher_sketch_records{sketch=line}"]; n != 0 {
		t.Errorf("%v records in no partition", n)
	}
}

// Two sketches that read one partition share its series, which tell of the one that is behind and stay as long as either.
func TestSketchesShareThePartitionsSeries(t *testing.T) {
	r := newRig()
	a, b := r.sketcher.Hooks("line", []string{"t"}), r.sketcher.Hooks("other", []string{"t"})
	for _, h := range []sketcher.Hooks{a, b} {
		h.Assigned(partitionID(0))
	}
	const lag, durable = "phasor_sketcher_partition_lag_records{partition=0,topic=t}", "phasor_sketcher_partition_durable_offset{partition=0,topic=t}"
	say := func(what string, lags, durables any) {
		t.Helper()
		v := r.values(t)
		for name, want := range map[string]any{lag: lags, durable: durables} {
			if have, ok := v[name]; ok != (want != nil) || ok && have != want {
				t.Errorf("%s: %s is %v, %t; wanted %v", what, name, have, ok, want)
			}
		}
	}
	a.Position(partitionID(0), 10, 100)
	b.Position(partitionID(0), 95, 100)
	say("behind", 90., nil)
	a.Saved(partitionID(0), sketcher.Save{Result: "ok", Next: 10})
	b.Saved(partitionID(0), sketcher.Save{Result: "ok", Next: 90})
	say("saved", 90., 10.)
	a.Released(partitionID(0), false)
	say("one is left", 5., 90.)
	b.Released(partitionID(0), false)
	say("none is left", nil, nil)
}

// Ten thousand partitions come and go, of two sketches that read the same topic, and leave the series of the start.
func TestPartitionsLeaveNoSeries(t *testing.T) {
	r := newRig()
	sketches := []sketcher.Hooks{r.sketcher.Hooks("line", []string{"t"}), r.sketcher.Hooks("other", []string{"t"})}
	churn := func(from, to int) {
		for n := from; n < to; n++ {
			h := sketches[n%2]
			h.Assigned(partitionID(n))
			h.Position(partitionID(n), 1, 2)
			h.Saved(partitionID(n), sketcher.Save{Result: "ok", Next: 1, Records: 1, Open: 1000})
		}
		if v := r.values(t); v["phasor_sketcher_assigned_partitions{topic=t}"] != float64(to-from) ||
			v["phasor_sketcher_sketch_records{sketch=line}"]+v["phasor_sketcher_sketch_records{sketch=other}"] != float64(to-from) {
			t.Errorf("%d partitions are owned: %v", to-from, v)
		}
		for n := from; n < to; n++ {
			sketches[n%2].Released(partitionID(n), n%3 == 0)
		}
	}
	churn(0, 10)
	before := len(r.values(t))
	for from := 10; from < 10_010; from += 100 {
		churn(from, from+100)
	}
	if after := len(r.values(t)); after != before {
		t.Errorf("%d series became %d", before, after)
	}
	if v := r.values(t)["phasor_sketcher_assigned_partitions{topic=t}"]; v != 0 {
		t.Errorf("%v partitions are owned", v)
	}
}
