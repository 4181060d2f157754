package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"phasor/trainer"
	"phasor/trainer/generator"
)

// Trainer feeds the families of the trainer's role, and those of drift, which it evaluates.
type Trainer struct {
	snapshots, steps, refits, validations, rollbacks, registry, alarms *prometheus.CounterVec
	snapshotTime, loss, floor, heldOut, equivalent, score              *prometheus.GaugeVec
	version, published, trained                                        *prometheus.GaugeVec
	statistic, threshold, pvalue, alarm, runLength, effective          *prometheus.GaugeVec
	divergence                                                         *prometheus.GaugeVec
	seconds                                                            *prometheus.HistogramVec
}

// NewTrainer registers the families of the trainer's role and of drift.
func NewTrainer(reg prometheus.Registerer) *Trainer {
	f := family{reg, "trainer"}
	f.build()
	m := &Trainer{
		snapshots:    f.counter("snapshots_seen_total", "Snapshots picked up: ok, corrupt, incompatible, stale, skipped.", "sketch", "result"),
		snapshotTime: f.gauge("snapshot_timestamp_seconds", "Time of the oldest state behind the last fit.", "sketch"),
		loss:         f.gauge("loss", "Sketch-matching loss; kind is biased or unbiased.", "sketch", "kind"),
		floor:        f.gauge("loss_noise_floor", "Expected loss of a perfect model at the snapshot's count.", "sketch"),
		heldOut:      f.gauge("loss_heldout", "Unbiased loss on the frequencies the fit never saw.", "sketch"),
		equivalent:   f.gauge("equivalent_records", "Records a true sample would need to be as far from the stream's sketch as the generator is.", "sketch"),
		seconds:      f.histogram("refit_duration_seconds", "Wall time of one refit.", seconds, "sketch"),
		steps:        f.counter("refit_steps_total", "Optimizer steps taken.", "sketch"),
		refits:       f.counter("refits_total", "Refits: published, rejected, diverged, timeout, error.", "sketch", "result"),
		validations:  f.counter("validations_total", "Validation outcomes: accepted, rejected.", "sketch", "result"),
		score:        f.gauge("validation_score", "Latest score of each validation check, higher is worse.", "sketch", "check"),
		rollbacks:    f.counter("rollbacks_total", "Rollbacks to an older version: auto, operator.", "sketch", "trigger"),
		version:      f.gauge("model_version", "Sequence number of the published generator.", "sketch"),
		published:    f.gauge("model_published_timestamp_seconds", "Unix time the current version was published.", "sketch"),
		trained:      f.gauge("model_trained_records", "Records in the snapshot behind the current version.", "sketch"),
		registry:     f.counter("registry_errors_total", "Model registry failures: read, write, list, lock.", "operation"),
	}
	d := family{reg, "drift"}
	m.statistic = d.gauge("statistic", "Drift statistic, same scale as the threshold.", "sketch", "detector")
	m.threshold = d.gauge("threshold", "Alarm threshold.", "sketch", "detector")
	m.pvalue = d.gauge("pvalue", "p-value of the current window against the reference; NaN if undefined.", "sketch", "detector")
	m.alarm = d.gauge("alarm", "1 while an alarm is latched.", "sketch", "detector")
	m.alarms = d.counter("alarms_total", "Alarms raised since start.", "sketch", "detector")
	m.runLength = d.gauge("target_run_length_seconds", "Configured mean time between false alarms.", "sketch", "detector")
	m.effective = d.gauge("effective_sample_ratio", "Effective over nominal sample size used to calibrate under autocorrelation.", "sketch")
	m.divergence = d.gauge("channel_divergence", "Histogram divergence of a channel, recent against reference (at most 128 configured names).", "sketch", "channel")
	for _, o := range []string{"read", "write", "list", "lock"} {
		m.registry.WithLabelValues(o)
	}
	return m
}

// Hooks returns the hooks of one sketch, with every enumerated series at zero. The detector is the trainer's mode.
func (m *Trainer) Hooks(sketch, detector string) trainer.Hooks {
	for v, values := range map[*prometheus.CounterVec][]string{
		m.snapshots:   {"ok", "corrupt", "incompatible", "stale", "skipped"},
		m.refits:      {"published", "rejected", "diverged", "timeout", "error"},
		m.validations: {"accepted", "rejected"},
		m.rollbacks:   {"auto", "operator"},
	} {
		for _, x := range values {
			v.WithLabelValues(sketch, x)
		}
	}
	m.steps.WithLabelValues(sketch)
	m.seconds.WithLabelValues(sketch)
	m.alarms.WithLabelValues(sketch, detector)
	m.alarm.WithLabelValues(sketch, detector)
	m.version.WithLabelValues(sketch)
	return trainer.Hooks{
		Snapshots: func(result string, n int) { m.snapshots.WithLabelValues(sketch, result).Add(float64(n)) },
		SawUntil:  func(t time.Time) { m.snapshotTime.WithLabelValues(sketch).Set(unix(t)) },
		Loss:      func(e generator.Evaluation) { m.onLoss(sketch, e) },
		Refit: func(result string, took time.Duration, steps int) {
			m.refits.WithLabelValues(sketch, result).Inc()
			m.seconds.WithLabelValues(sketch).Observe(took.Seconds())
			m.steps.WithLabelValues(sketch).Add(float64(steps))
		},
		Validated: func(accepted bool, scores map[string]float64) {
			r := "rejected"
			if accepted {
				r = "accepted"
			}
			m.validations.WithLabelValues(sketch, r).Inc()
			for check, v := range scores {
				m.score.WithLabelValues(sketch, check).Set(v)
			}
		},
		RolledBack: func(trigger string) { m.rollbacks.WithLabelValues(sketch, trigger).Inc() },
		Served:     func(version int, published time.Time, records int64) { m.onServed(sketch, version, published, records) },
		Registry:   func(operation string) { m.registry.WithLabelValues(operation).Inc() },
		Drift:      func(d trainer.DriftStatus, newAlarm bool) { m.onDrift(sketch, detector, d, newAlarm) },
	}
}

func (m *Trainer) onServed(sketch string, version int, published time.Time, records int64) {
	m.version.WithLabelValues(sketch).Set(float64(version))
	m.trained.WithLabelValues(sketch).Set(float64(records))
	if published.IsZero() { // A version that nobody wrote a card for.
		m.published.DeleteLabelValues(sketch)
		return
	}
	m.published.WithLabelValues(sketch).Set(unix(published))
}

func (m *Trainer) onLoss(sketch string, e generator.Evaluation) {
	m.loss.WithLabelValues(sketch, "unbiased").Set(e.Unbiased)
	m.loss.WithLabelValues(sketch, "biased").Set(e.Biased)
	m.floor.WithLabelValues(sketch).Set(e.Floor)
	m.heldOut.WithLabelValues(sketch).Set(e.HeldOut)
	m.equivalent.WithLabelValues(sketch).Set(e.EquivalentRecords)
}

func (m *Trainer) onDrift(sketch, detector string, d trainer.DriftStatus, newAlarm bool) {
	m.statistic.WithLabelValues(sketch, detector).Set(d.Statistic)
	m.threshold.WithLabelValues(sketch, detector).Set(d.Threshold)
	m.pvalue.WithLabelValues(sketch, detector).Set(d.PValue)
	m.runLength.WithLabelValues(sketch, detector).Set(d.TargetRunLength.Seconds())
	m.effective.WithLabelValues(sketch).Set(d.EffectiveRatio)
	latched := 0.0
	if d.Alarm != nil {
		latched = 1
	}
	m.alarm.WithLabelValues(sketch, detector).Set(latched)
	alarms := m.alarms.WithLabelValues(sketch, detector)
	if newAlarm {
		alarms.Inc()
	}
	if d.Divergence == nil { // There is no reference: what was said of the last one holds no more.
		m.divergence.DeletePartialMatch(prometheus.Labels{"sketch": sketch})
	}
	for k, v := range d.Divergence[:min(len(d.Divergence), trainer.MaxChannels)] {
		m.divergence.WithLabelValues(sketch, d.Channels[k]).Set(v)
	}
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
