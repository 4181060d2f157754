package metrics

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"phasor/trainer"
	"phasor/trainer/generator"
)

func TestTrainerHooksFeedTheirSeries(t *testing.T) {
	r := newRig()
	h := r.trainer.Hooks("line", trainer.ModeScan)
	h.Snapshots("ok", 3)
	h.Snapshots("skipped", 2)
	h.Snapshots("corrupt", 1)
	h.SawUntil(time.UnixMilli(1_700_000_000_500))
	h.Loss(generator.Evaluation{Unbiased: .1, Biased: .2, HeldOut: .3, Floor: .4, EquivalentRecords: 500})
	h.Refit("published", 2*time.Second, 1000)
	h.Refit("diverged", time.Second, 10)
	h.Validated(true, map[string]float64{"heldout": 1.5, "served": 1.25})
	h.Validated(false, map[string]float64{"heldout": 2.5})
	h.RolledBack("auto")
	h.RolledBack("operator")
	h.Served(7, time.UnixMilli(1_600_000_000_250), 12345)
	h.Registry("write")
	r.expect(t, "phasor_trainer_", map[string]float64{
		"phasor_trainer_snapshots_seen_total{result=ok,sketch=line}":      3,
		"phasor_trainer_snapshots_seen_total{result=skipped,sketch=line}": 2,
		"phasor_trainer_snapshots_seen_total{result=corrupt,sketch=line}": 1,
		"phasor_trainer_snapshot_timestamp_seconds{sketch=line}":          1_700_000_000.5,
		"phasor_trainer_loss{kind=unbiased,sketch=line}":                  .1,
		"phasor_trainer_loss{kind=biased,sketch=line}":                    .2,
		"phasor_trainer_loss_heldout{sketch=line}":                        .3,
		"phasor_trainer_loss_noise_floor{sketch=line}":                    .4,
		"phasor_trainer_equivalent_records{sketch=line}":                  500,
		"phasor_trainer_refit_duration_seconds{sketch=line} count":        2,
		"phasor_trainer_refit_duration_seconds{sketch=line} sum":          3,
		"phasor_trainer_refit_steps_total{sketch=line}":                   1010,
		"phasor_trainer_refits_total{result=published,sketch=line}":       1,
		"phasor_trainer_refits_total{result=diverged,sketch=line}":        1,
		"phasor_trainer_validations_total{result=accepted,sketch=line}":   1,
		"phasor_trainer_validations_total{result=rejected,sketch=line}":   1,
		"phasor_trainer_validation_score{check=heldout,sketch=line}":      2.5,
		"phasor_trainer_validation_score{check=served,sketch=line}":       1.25,
		"phasor_trainer_rollbacks_total{sketch=line,trigger=auto}":        1,
		"phasor_trainer_rollbacks_total{sketch=line,trigger=operator}":    1,
		"phasor_trainer_model_version{sketch=line}":                       7,
		"phasor_trainer_model_published_timestamp_seconds{sketch=line}":   1_600_000_000.25,
		"phasor_trainer_model_trained_records{sketch=line}":               12345,
		"phasor_trainer_registry_errors_total{operation=write}":           1,
	})
}

func TestDriftSeriesFollowTheStatus(t *testing.T) {
	r := newRig()
	h := r.trainer.Hooks("line", trainer.ModeScan)
	nan := math.NaN()
	h.Drift(trainer.DriftStatus{Statistic: nan, Threshold: nan, PValue: nan, EffectiveRatio: nan, TargetRunLength: time.Hour}, false)
	const undefined = -12345 // How expect shows NaN.
	r.expect(t, "phasor_drift_", map[string]float64{
		"phasor_drift_statistic{detector=scan,sketch=line}":                 undefined,
		"phasor_drift_threshold{detector=scan,sketch=line}":                 undefined,
		"phasor_drift_pvalue{detector=scan,sketch=line}":                    undefined,
		"phasor_drift_effective_sample_ratio{sketch=line}":                  undefined,
		"phasor_drift_target_run_length_seconds{detector=scan,sketch=line}": 3600,
	})
	a := &trainer.Alarm{Pane: 1}
	st := trainer.DriftStatus{Statistic: 9, Threshold: 5, PValue: 1e-9, EffectiveRatio: .5, TargetRunLength: time.Hour, Alarm: a, LastAlarm: a, Alarms: 1}
	h.Drift(st, true)
	want := map[string]float64{
		"phasor_drift_statistic{detector=scan,sketch=line}":                 9,
		"phasor_drift_threshold{detector=scan,sketch=line}":                 5,
		"phasor_drift_pvalue{detector=scan,sketch=line}":                    1e-9,
		"phasor_drift_effective_sample_ratio{sketch=line}":                  .5,
		"phasor_drift_target_run_length_seconds{detector=scan,sketch=line}": 3600,
		"phasor_drift_alarm{detector=scan,sketch=line}":                     1,
		"phasor_drift_alarms_total{detector=scan,sketch=line}":              1,
	}
	r.expect(t, "phasor_drift_", want)
	h.Drift(st, false) // It latches, and is not counted again.
	r.expect(t, "phasor_drift_", want)
	st.Alarm = nil
	h.Drift(st, false)
	delete(want, "phasor_drift_alarm{detector=scan,sketch=line}")
	r.expect(t, "phasor_drift_", want)
}

// A version without a card has no time; it must not be shown as one of 1754.
func TestVersionWithoutATimeHasNone(t *testing.T) {
	r := newRig()
	h := r.trainer.Hooks("line", trainer.ModeScan)
	h.Served(1, time.Unix(5, 0), 10)
	h.Served(2, time.Time{}, 0)
	if f := r.gather(t)["phasor_trainer_model_published_timestamp_seconds"]; f != nil {
		t.Errorf("%v", f.Metric)
	}
	if v := r.values(t)["phasor_trainer_model_version{sketch=line}"]; v != 2 {
		t.Errorf("version %v", v)
	}
}

func TestChannelDivergenceFollowsTheReference(t *testing.T) {
	r := newRig()
	h := r.trainer.Hooks("line", trainer.ModeRolling)
	many := trainer.DriftStatus{Alarm: &trainer.Alarm{}}
	for i := range trainer.MaxChannels + 5 {
		many.Channels = append(many.Channels, fmt.Sprint("channel", i))
		many.Divergence = append(many.Divergence, .5)
	}
	h.Drift(many, true)
	found := r.values(t)
	if n := count(found, "phasor_drift_channel_divergence{"); n != trainer.MaxChannels {
		t.Errorf("%d channels, wanted %d", n, trainer.MaxChannels)
	}
	if found["phasor_drift_alarm{detector=rolling,sketch=line}"] != 1 || found["phasor_drift_alarms_total{detector=rolling,sketch=line}"] != 1 {
		t.Errorf("the mode's alarm is not counted as its own: %v", found)
	}
	many.Divergence = nil
	h.Drift(many, false)
	if n := count(r.values(t), "phasor_drift_channel_divergence{"); n != 0 {
		t.Errorf("%d channels without a reference", n)
	}
}

func count(found map[string]float64, prefix string) (n int) {
	for name := range found {
		if strings.HasPrefix(name, prefix) {
			n++
		}
	}
	return n
}
