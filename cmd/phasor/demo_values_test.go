package main

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"phasor/metrics"
)

// checkValues checks the families of a table in what a role exports.
func checkValues(t *testing.T, text string, table map[string]func(*family) bool) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, sensible := range table {
		f := all[name]
		if f == nil {
			t.Errorf("%s is not exported", name)
		} else if !sensible(&family{f}) {
			t.Errorf("%s is not what it should be: %v", name, f)
		}
	}
}

// family is one family of metrics as it was scraped.
type family struct{ *dto.MetricFamily }

// values are those of all series, or of those with a label; of histograms, the means of what was observed.
func (f *family) values(label ...string) (v []float64) {
	for _, m := range f.Metric {
		if len(label) == 2 && !slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == label[0] && l.GetValue() == label[1] }) {
			continue
		}
		switch {
		case m.Counter != nil:
			v = append(v, m.Counter.GetValue())
		case m.Gauge != nil:
			v = append(v, m.Gauge.GetValue())
		case m.Histogram != nil && m.Histogram.GetSampleCount() > 0:
			v = append(v, m.Histogram.GetSampleSum()/float64(m.Histogram.GetSampleCount()))
		}
	}
	return v
}

// The ways in which values are sensible.
type sensible = func(*family) bool

// between says that there are n series, or any number if it is 0, with values in [lo, hi].
func between(n int, lo, hi float64, label ...string) sensible {
	return func(f *family) bool {
		v := f.values(label...)
		return len(v) > 0 && (n == 0 || len(v) == n) && !slices.ContainsFunc(v, func(x float64) bool { return !(x >= lo && x <= hi) })
	}
}

// recent says that the values are times of the last hour.
func recent(f *family) bool {
	now := float64(time.Now().Unix())
	return between(0, now-3600, now+60)(f)
}

const many = 1e12

// duringDrift is what the families of drift say while an alarm is latched.
var duringDrift = map[string]sensible{
	"phasor_drift_statistic":                 between(1, 1, 1e6),
	"phasor_drift_threshold":                 between(1, 1, 1000),
	"phasor_drift_pvalue":                    between(1, 0, .05),
	"phasor_drift_alarm":                     between(1, 1, 1),
	"phasor_drift_alarms_total":              between(1, 1, 10),
	"phasor_drift_target_run_length_seconds": between(1, 1000, 1000),
	"phasor_drift_effective_sample_ratio":    between(1, .001, 2),
	"phasor_drift_channel_divergence":        between(8, 0, 128),
}

// afterRefit is what all others say when a version that answers the alarm has been published, one was rolled back and
// one promoted, and one request was answered.
var afterRefit = map[string]sensible{
	"phasor_sketcher_build_info":                              between(1, 1, 1),
	"phasor_sketcher_records_consumed_total":                  between(1, 10_000, many),
	"phasor_sketcher_bytes_consumed_total":                    between(1, 100*10_000, many),
	"phasor_sketcher_records_folded_total":                    between(1, 10_000, many),
	"phasor_sketcher_records_rejected_total":                  between(7, 0, 0),
	"phasor_sketcher_records_duplicate_total":                 between(1, 0, 0),
	"phasor_sketcher_offset_gaps_total":                       between(4, 0, 0),
	"phasor_sketcher_partition_lag_records":                   between(demoPartitions, 0, 1e6),
	"phasor_sketcher_partition_durable_offset":                between(demoPartitions, 1000, many),
	"phasor_sketcher_assigned_partitions":                     between(1, demoPartitions, demoPartitions),
	"phasor_sketcher_rebalances_total":                        between(1, demoPartitions, demoPartitions, "event", "assigned"),
	"phasor_sketcher_fold_duration_seconds":                   between(1, 1e-6, 10),
	"phasor_sketcher_fold_lateness_seconds":                   between(1, 0, 100),
	"phasor_sketcher_sketch_records":                          between(1, 10_000, many),
	"phasor_sketcher_sketch_features":                         between(1, 1024, 1024),
	"phasor_sketcher_sketch_dimension":                        between(1, 8, 8),
	"phasor_sketcher_sketch_bytes":                            between(1, 10_000, 1e7),
	"phasor_sketcher_sketches":                                between(1, 1, 1),
	"phasor_sketcher_pane_start_timestamp_seconds":            recent,
	"phasor_sketcher_snapshot_duration_seconds":               between(1, 1e-5, 10),
	"phasor_sketcher_snapshot_size_bytes":                     between(1, 10_000, 1e7),
	"phasor_sketcher_snapshots_total":                         between(1, 10, 10_000, "result", "ok"),
	"phasor_sketcher_snapshot_last_success_timestamp_seconds": recent,
	"phasor_sketcher_restore_total":                           between(1, demoPartitions, demoPartitions, "result", "empty"),
	"phasor_sketcher_values_clamped_total":                    between(1, 0, 1000),
	"phasor_sketcher_records_early_total":                     between(1, 0, 0),
	"phasor_sketcher_values_outer_total":                      between(1, 0, many),
	"phasor_sketcher_values_missing_total":                    between(1, 0, 0),
	"phasor_sketcher_records_late_total":                      between(1, 0, 100_000),
	"phasor_sketcher_panes_sealed_total":                      between(1, 30, 10_000),
	"phasor_sketcher_dead_letters_total":                      between(3, 0, 0),
	"phasor_sketcher_records_scored_total":                    between(2, 0, 0),
	"phasor_sketcher_records_odd_total":                       between(1, 0, 0),
	"phasor_sketcher_odd_records_sent_total":                  between(3, 0, 0),

	"phasor_trainer_build_info":                        between(1, 1, 1),
	"phasor_trainer_snapshots_seen_total":              between(1, 10, 100_000, "result", "ok"),
	"phasor_trainer_snapshot_timestamp_seconds":        recent,
	"phasor_trainer_loss":                              between(2, -1e-3, .5),
	"phasor_trainer_loss_noise_floor":                  between(1, 1e-9, .01),
	"phasor_trainer_loss_heldout":                      between(1, -1e-3, .5),
	"phasor_trainer_equivalent_records":                between(1, 10, many),
	"phasor_trainer_refit_duration_seconds":            between(1, .01, 300),
	"phasor_trainer_refit_steps_total":                 between(1, 100, 1e6),
	"phasor_trainer_refits_total":                      between(1, 2, 100, "result", "published"),
	"phasor_trainer_validations_total":                 between(1, 2, 100, "result", "accepted"),
	"phasor_trainer_validation_score":                  between(0, -10, 1e6),
	"phasor_trainer_rollbacks_total":                   between(1, 0, 10, "trigger", "operator"),
	"phasor_trainer_model_version":                     between(1, 1, 100),
	"phasor_trainer_model_published_timestamp_seconds": recent,
	"phasor_trainer_model_trained_records":             between(1, 1000, many),
	"phasor_trainer_registry_errors_total":             between(4, 0, 0),

	"phasor_serve_build_info":                           between(1, 1, 1),
	"phasor_serve_requests_total":                       between(1, 1, 1, "endpoint", "sample"),
	"phasor_serve_request_duration_seconds":             between(1, 1e-6, 60, "endpoint", "sample"),
	"phasor_snapshot_bucket_operations_total":           between(5, 0, 10, "result", "error"),
	"phasor_snapshot_bucket_operation_duration_seconds": between(0, 1e-7, 30),
	"phasor_snapshot_compactions_total":                 between(2, 0, 0),
	"phasor_snapshot_pane_conflicts_total":              between(1, 0, 0),
}

// names is a Registerer that writes down the names of families.
type names []string

func (n *names) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc)
	go func() {
		c.Describe(descs)
		close(descs)
	}()
	for d := range descs {
		*n = append(*n, regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1])
	}
	return nil
}

func (n *names) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		n.Register(c)
	}
}

func (n *names) Unregister(prometheus.Collector) bool { return false }

// Every family is checked by its value in a running demo, and nothing else is.
func TestEveryFamilyIsCheckedByValue(t *testing.T) {
	var all names
	metrics.NewSketcher(&all)
	metrics.NewTrainer(&all)
	metrics.NewServe(&all)
	metrics.NewStore(&all)
	if len(all) < 50 {
		t.Fatalf("only %d families", len(all))
	}
	for _, name := range all {
		_, during := duringDrift[name]
		_, after := afterRefit[name]
		if during == after {
			t.Errorf("%s is checked in %t and %t of two tables", name, during, after)
		}
	}
	if n := len(duringDrift) + len(afterRefit); n != len(all) {
		t.Errorf("%d families are checked, and there are %d", n, len(all))
	}
	if between(0, 1, 2)(&family{&dto.MetricFamily{Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: new(math.NaN())}}}}}) {
		t.Error("NaN is sensible")
	}
}
