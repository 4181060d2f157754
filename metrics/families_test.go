package metrics

import (
	"bytes"
	"maps"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"phasor/sketcher"
	"phasor/stream"
	"phasor/stream/decode"
	"phasor/trainer"
	"phasor/trainer/generator"
)

// families is every family of this release: dashboards, alerts and rules are written against it.
const families = `
phasor_sketcher_build_info | gauge | version,revision,goversion | Build information; constant 1.
phasor_sketcher_records_consumed_total | counter | topic | Records delivered by the Kafka client, before decoding or deduplication.
phasor_sketcher_bytes_consumed_total | counter | topic | Key and value bytes of consumed records.
phasor_sketcher_records_folded_total | counter | topic,sketch | Records folded into a sketch since process start (not durable; see phasor_sketcher_sketch_records).
phasor_sketcher_records_rejected_total | counter | topic,reason | Records not folded, by reason: decode, schema, dimension, nonfinite, oversize, tombstone, filtered.
phasor_sketcher_records_duplicate_total | counter | topic | Records dropped because their offset is below the sketch's next offset.
phasor_sketcher_offset_gaps_total | counter | topic,reason | Unexpected offset discontinuities by reason: retention, truncation, recreated, replaced.
phasor_sketcher_partition_lag_records | gauge | topic,partition | High watermark minus next offset to fold.
phasor_sketcher_partition_durable_offset | gauge | topic,partition | Next offset recorded in the last durable snapshot.
phasor_sketcher_assigned_partitions | gauge | topic | Partitions currently owned.
phasor_sketcher_rebalances_total | counter | event | Group events: assigned, revoked, lost.
phasor_sketcher_fold_duration_seconds | histogram | topic | Time to fold one fetched batch into its sketches.
phasor_sketcher_fold_lateness_seconds | histogram | topic | Wall clock at fold minus record timestamp.
phasor_sketcher_sketch_records | gauge | sketch | Records in the owned partitions' total (its exact count).
phasor_sketcher_sketch_features | gauge | sketch | Number of random Fourier features m.
phasor_sketcher_sketch_dimension | gauge | sketch | Input dimension d.
phasor_sketcher_sketch_bytes | gauge | sketch | Resident bytes of one sketch (constant by design).
phasor_sketcher_sketches | gauge | | Live sketches in this process.
phasor_sketcher_pane_start_timestamp_seconds | gauge | sketch | Start of the newest open pane.
phasor_sketcher_snapshot_duration_seconds | histogram | sketch | Encode, write, fsync and publish one snapshot.
phasor_sketcher_snapshot_size_bytes | gauge | sketch | Encoded size of the last snapshot.
phasor_sketcher_snapshots_total | counter | sketch,result | Snapshot attempts by result: ok, error, skipped.
phasor_sketcher_snapshot_last_success_timestamp_seconds | gauge | sketch | Unix time of the last durable snapshot.
phasor_sketcher_restore_total | counter | result | Restores at start or assignment: ok, empty, corrupt_fallback, failed.
phasor_sketcher_values_clamped_total | counter | topic | Channel values outside the calibrated range, folded after clamping.
phasor_sketcher_records_early_total | counter | topic | Records of panes dissolved because too many were open: folded into the total only.
phasor_sketcher_values_outer_total | counter | topic | Channel values in the first or last histogram bin.
phasor_sketcher_values_missing_total | counter | topic | Missing channel values replaced by the last one.
phasor_sketcher_records_late_total | counter | topic | Records older than their sealed pane: folded into the total only.
phasor_sketcher_panes_sealed_total | counter | topic | Panes sealed and written.
phasor_sketcher_dead_letters_total | counter | topic,result | Rejected records sent to the dead-letter topic.
phasor_sketcher_records_scored_total | counter | topic,result | Folded records chosen to be scored, by result: scored, skipped because they came too fast.
phasor_sketcher_records_odd_total | counter | topic | Records scored above the configured quantile.
phasor_sketcher_odd_records_sent_total | counter | topic,result | Odd records sent to their topic.
phasor_drift_statistic | gauge | sketch,detector | Drift statistic, same scale as the threshold.
phasor_drift_threshold | gauge | sketch,detector | Alarm threshold.
phasor_drift_pvalue | gauge | sketch,detector | p-value of the current window against the reference; NaN if undefined.
phasor_drift_alarm | gauge | sketch,detector | 1 while an alarm is latched.
phasor_drift_alarms_total | counter | sketch,detector | Alarms raised since start.
phasor_drift_target_run_length_seconds | gauge | sketch,detector | Configured mean time between false alarms.
phasor_drift_effective_sample_ratio | gauge | sketch | Effective over nominal sample size used to calibrate under autocorrelation.
phasor_drift_channel_divergence | gauge | sketch,channel | Histogram divergence of a channel, recent against reference (at most 128 configured names).
phasor_trainer_build_info | gauge | version,revision,goversion | Build information; constant 1.
phasor_trainer_snapshots_seen_total | counter | sketch,result | Snapshots picked up: ok, corrupt, incompatible, stale, skipped.
phasor_trainer_snapshot_timestamp_seconds | gauge | sketch | Time of the oldest state behind the last fit.
phasor_trainer_loss | gauge | sketch,kind | Sketch-matching loss; kind is biased or unbiased.
phasor_trainer_loss_noise_floor | gauge | sketch | Expected loss of a perfect model at the snapshot's count.
phasor_trainer_loss_heldout | gauge | sketch | Unbiased loss on the frequencies the fit never saw.
phasor_trainer_equivalent_records | gauge | sketch | Records a true sample would need to be as far from the stream's sketch as the generator is.
phasor_trainer_refit_duration_seconds | histogram | sketch | Wall time of one refit.
phasor_trainer_refit_steps_total | counter | sketch | Optimizer steps taken.
phasor_trainer_refits_total | counter | sketch,result | Refits: published, rejected, diverged, timeout, error.
phasor_trainer_validations_total | counter | sketch,result | Validation outcomes: accepted, rejected.
phasor_trainer_validation_score | gauge | sketch,check | Latest score of each validation check, higher is worse.
phasor_trainer_rollbacks_total | counter | sketch,trigger | Rollbacks to an older version: auto, operator.
phasor_trainer_model_version | gauge | sketch | Sequence number of the published generator.
phasor_trainer_model_published_timestamp_seconds | gauge | sketch | Unix time the current version was published.
phasor_trainer_model_trained_records | gauge | sketch | Records in the snapshot behind the current version.
phasor_trainer_registry_errors_total | counter | operation | Model registry failures: read, write, list, lock.
phasor_serve_build_info | gauge | version,revision,goversion | Build information; constant 1.
phasor_serve_requests_total | counter | endpoint,code | Requests answered.
phasor_serve_request_duration_seconds | histogram | endpoint | Their duration.
phasor_snapshot_bucket_operations_total | counter | operation,result | Object store operations.
phasor_snapshot_bucket_operation_duration_seconds | histogram | operation | Their duration.
phasor_snapshot_compactions_total | counter | result | Pane compactions.
phasor_snapshot_pane_conflicts_total | counter | | Panes of one name with different bytes; the first stays.
`

// rig registers all roles and feeds every hook once.
type rig struct {
	reg      *prometheus.Registry
	sketcher *Sketcher
	trainer  *Trainer
	store    *Store
	serve    *Serve
}

func newRig() *rig {
	reg := prometheus.NewPedanticRegistry()
	return &rig{reg, NewSketcher(reg), NewTrainer(reg), NewStore(reg), NewServe(reg)}
}

func partitionID(n int) stream.PartitionID {
	return stream.PartitionID{Topic: "t", TopicID: "id", Partition: n}
}

// feedAll gives every hook of every role something that leaves a series in every family.
func (r *rig) feedAll() {
	h := r.sketcher.Hooks("line", []string{"t"})
	h.Sketch(1024, 10)
	h.Assigned(partitionID(0))
	h.Restored(partitionID(0), "ok")
	h.Folded(partitionID(0), sketcher.Counts{Records: 1, Bytes: 1, Folded: 1, FirstTime: 1}, time.Millisecond)
	h.Position(partitionID(0), 1, 2)
	h.Gap(partitionID(0), "retention")
	h.Saved(partitionID(0), sketcher.Save{Result: "ok", Took: time.Millisecond, Bytes: 1, Next: 1, Records: 1, Panes: 1, Open: 1000, Resident: 1})
	g := r.trainer.Hooks("line", trainer.ModeScan)
	g.Snapshots("ok", 1)
	g.SawUntil(time.Unix(1, 0))
	g.Loss(generator.Evaluation{})
	g.Refit("published", time.Second, 1)
	g.Validated(true, map[string]float64{"heldout": 1})
	g.RolledBack("auto")
	g.Served(1, time.Unix(1, 0), 1)
	g.Registry("read")
	g.Drift(trainer.DriftStatus{Channels: []string{"a"}, Divergence: []float64{.1}}, false)
	r.serve.Hooks().Request("sample", 200, time.Millisecond)
	s := r.store.Hooks()
	s.Conflict("x")
	s.Compaction(nil)
	s.Operation("get", "ok", time.Millisecond)
}

func (r *rig) gather(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := r.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*dto.MetricFamily{}
	for _, f := range all {
		byName[f.GetName()] = f
	}
	return byName
}

// values returns every counter and gauge as name{label values, by label name}, and of histograms their counts and sums.
func (r *rig) values(t *testing.T) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for name, f := range r.gather(t) {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			key := name + "{" + strings.Join(labels, ",") + "}"
			switch {
			case m.Counter != nil:
				found[key] = m.Counter.GetValue()
			case m.Gauge != nil:
				found[key] = m.Gauge.GetValue()
			case m.Histogram != nil:
				found[key+" count"], found[key+" sum"] = float64(m.Histogram.GetSampleCount()), m.Histogram.GetSampleSum()
			}
		}
	}
	return found
}

// expect checks the series whose names begin with prefix and that are not zero.
func (r *rig) expect(t *testing.T, prefix string, want map[string]float64) {
	t.Helper()
	found := r.values(t)
	maps.DeleteFunc(found, func(name string, v float64) bool {
		return v == 0 || !strings.HasPrefix(name, prefix) || strings.Contains(name, "build_info") || strings.Contains(name, "last_success")
	})
	for name, v := range found {
		if math.IsNaN(v) {
			found[name] = -12345 // NaN equals nothing.
		}
	}
	if d := cmp.Diff(want, found); d != "" {
		t.Errorf("wanted -, found +:\n%s", d)
	}
}

func TestFamiliesAreThoseOfTheTable(t *testing.T) {
	r := newRig()
	r.feedAll()
	all := r.gather(t)
	for _, line := range strings.Split(strings.TrimSpace(families), "\n") {
		col := strings.Split(line, "|")
		for i := range col {
			col[i] = strings.TrimSpace(col[i])
		}
		f := all[col[0]]
		if f == nil {
			t.Errorf("%s is not exported", col[0])
			continue
		}
		delete(all, col[0])
		if kind := strings.ToLower(f.GetType().String()); kind != col[1] {
			t.Errorf("%s is a %s, wanted a %s", col[0], kind, col[1])
		}
		if f.GetHelp() != col[3] {
			t.Errorf("%s helps with %q, wanted %q", col[0], f.GetHelp(), col[3])
		}
		want := slices.DeleteFunc(strings.Split(col[2], ","), func(s string) bool { return s == "" })
		slices.Sort(want)
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName())
			}
			if slices.Sort(labels); !slices.Equal(labels, want) {
				t.Errorf("%s has the labels %v, wanted %v", col[0], labels, want)
			}
		}
	}
	for name := range all {
		t.Errorf("%s is exported and not in the table", name)
	}
}

func TestLintFindsNothing(t *testing.T) {
	r := newRig()
	r.feedAll()
	problems, err := testutil.GatherAndLint(r.reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestPromtoolFindsNothing(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: ", err)
	}
	r := newRig()
	r.feedAll()
	var text bytes.Buffer
	for _, f := range r.gather(t) {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	c.Stdin = &text
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestHistogramsAreNativeAndClassic(t *testing.T) {
	r := newRig()
	r.feedAll()
	n := 0
	for name, f := range r.gather(t) {
		if f.GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		n++
		for _, m := range f.Metric {
			h := m.Histogram
			if len(h.Bucket) < 5 || h.Schema == nil || h.ZeroThreshold == nil {
				t.Errorf("%s: %d classic buckets, native schema %v", name, len(h.Bucket), h.Schema)
			}
			if h.GetSampleCount() > 0 && len(h.PositiveSpan) == 0 {
				t.Errorf("%s has no native buckets", name)
			}
		}
	}
	if n != 6 {
		t.Errorf("%d histograms, wanted 6", n)
	}
}

// Before anything has happened, every enumerated series is there at zero: rates and alerts need no first event.
func TestEnumeratedSeriesBeginAtZero(t *testing.T) {
	r := newRig()
	r.sketcher.Hooks("line", []string{"t", "u"})
	r.trainer.Hooks("line", trainer.ModeScan)
	r.trainer.Hooks("other", trainer.ModeRolling)
	found := r.values(t)
	want := []string{}
	add := func(name, label string, values ...string) {
		for _, v := range values {
			want = append(want, name+"{"+strings.ReplaceAll(label, "?", v)+"}")
		}
	}
	reasons := []string{"decode", "schema", "dimension", "nonfinite", "oversize", "tombstone", "filtered"}
	for _, topic := range []string{"t", "u"} {
		add("phasor_sketcher_records_rejected_total", "reason=?,topic="+topic, reasons...)
		add("phasor_sketcher_offset_gaps_total", "reason=?,topic="+topic, "retention", "truncation", "recreated", "replaced")
		for _, name := range []string{"records_consumed", "bytes_consumed", "records_duplicate", "values_clamped", "records_early", "records_late", "values_outer", "values_missing", "panes_sealed"} {
			add("phasor_sketcher_"+name+"_total", "topic="+topic, "")
		}
		add("phasor_sketcher_records_folded_total", "sketch=line,topic="+topic, "")
		add("phasor_sketcher_assigned_partitions", "topic="+topic, "")
	}
	add("phasor_sketcher_rebalances_total", "event=?", "assigned", "revoked", "lost")
	add("phasor_sketcher_restore_total", "result=?", "ok", "empty", "corrupt_fallback", "failed")
	add("phasor_sketcher_snapshots_total", "result=?,sketch=line", "ok", "error", "skipped")
	add("phasor_trainer_snapshots_seen_total", "result=?,sketch=line", "ok", "corrupt", "incompatible", "stale", "skipped")
	add("phasor_trainer_refits_total", "result=?,sketch=line", "published", "rejected", "diverged", "timeout", "error")
	add("phasor_trainer_validations_total", "result=?,sketch=line", "accepted", "rejected")
	add("phasor_trainer_rollbacks_total", "sketch=line,trigger=?", "auto", "operator")
	add("phasor_trainer_registry_errors_total", "operation=?", "read", "write", "list", "lock")
	add("phasor_trainer_refit_steps_total", "sketch=line", "")
	add("phasor_trainer_model_version", "sketch=line", "")
	add("phasor_drift_alarm", "detector=scan,sketch=line", "")
	add("phasor_drift_alarms_total", "detector=scan,sketch=line", "")
	add("phasor_drift_alarm", "detector=rolling,sketch=other", "")
	add("phasor_drift_alarms_total", "detector=rolling,sketch=other", "")
	for _, op := range []string{"get", "put", "create", "list", "delete"} {
		add("phasor_snapshot_bucket_operations_total", "operation="+op+",result=?", "ok", "not_exist", "exist", "canceled", "error")
	}
	add("phasor_snapshot_compactions_total", "result=?", "ok", "error")
	add("phasor_snapshot_pane_conflicts_total", "", "")
	for _, name := range want {
		if v, ok := found[name]; !ok || v != 0 {
			t.Errorf("%s: %v, %v", name, v, ok)
		}
	}
	for _, name := range []string{"phasor_drift_alarm", "phasor_drift_alarms_total"} {
		if n := count(found, name+"{"); n != 2 {
			t.Errorf("%d series of %s, wanted one a sketch: that of its mode", n, name)
		}
	}
	if len(decode.Reasons()) != len(reasons) {
		t.Errorf("%d reasons to reject a record, %d in the help text", len(decode.Reasons()), len(reasons))
	}
	for name, f := range r.gather(t) {
		if strings.HasSuffix(name, "_timestamp_seconds") && len(f.Metric) > 0 {
			t.Errorf("%s says 1970 before anything has happened", name)
		}
	}
}

func TestBuildInformation(t *testing.T) {
	r := newRig()
	for _, role := range []string{"sketcher", "trainer"} {
		f := r.gather(t)["phasor_"+role+"_build_info"]
		if f == nil || len(f.Metric) != 1 || f.Metric[0].Gauge.GetValue() != 1 {
			t.Fatalf("%s: %v", role, f)
		}
		for _, l := range f.Metric[0].Label {
			if l.GetValue() == "" || l.GetName() == "goversion" && !strings.HasPrefix(l.GetValue(), "go") && !strings.HasPrefix(l.GetValue(), "devel") {
				t.Errorf("%s: %s is %q", role, l.GetName(), l.GetValue())
			}
		}
	}
}
