package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"phasor/trainer"
)

// driftState is the drift of a sketch as GET /drift.json gives it.
type driftState struct {
	Sketch         string         `json:"sketch"`
	Detector       string         `json:"detector"`
	Pane           int64          `json:"pane_ms"`
	Statistic      any            `json:"statistic"`
	Threshold      any            `json:"threshold"`
	PValue         any            `json:"p_value"`
	EffectiveRatio any            `json:"effective_sample_ratio"`
	RunLength      float64        `json:"target_run_length_seconds"`
	ReferencePanes int            `json:"reference_panes"`
	Fixed          bool           `json:"reference_fixed,omitempty"` // It is given and stays.
	Why            string         `json:"why,omitempty"`             // Why there is no threshold yet.
	Alarm          *trainer.Alarm `json:"alarm"`                     // Latched.
	LastAlarm      *trainer.Alarm `json:"last_alarm,omitempty"`
	Alarms         int            `json:"alarms"`
	Divergence     map[string]any `json:"divergence_bits,omitempty"`
}

func newDriftState(sketch string, d trainer.DriftStatus) driftState {
	s := driftState{Sketch: sketch, Detector: d.Detector, Pane: d.Pane, Statistic: number(d.Statistic), Threshold: number(d.Threshold), PValue: number(d.PValue),
		EffectiveRatio: number(d.EffectiveRatio), RunLength: d.TargetRunLength.Seconds(), ReferencePanes: d.ReferencePanes, Fixed: d.Fixed, Why: d.Why,
		Alarm: d.Alarm, LastAlarm: d.LastAlarm, Alarms: d.Alarms}
	for k, v := range d.Divergence {
		if s.Divergence == nil {
			s.Divergence = map[string]any{}
		}
		s.Divergence[d.Channels[k]] = number(v)
	}
	return s
}

// driftRoutes answer what a trainer's role is asked about drift: GET /drift.json, and POST /drift/acknowledge, which lets
// go of the alarm of ?sketch=NAME, or of all sketches, as a model that answers it would. With &pane=MS, the pane_ms of an
// alarm, no other is let go. It is a conflict if no such alarm is latched. Pages of other origins cannot.
func driftRoutes(names []string, trainers []*trainer.Service) map[string]http.Handler {
	acknowledge := func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		pane, err := strconv.ParseInt(q.Get("pane"), 10, 64)
		if q.Has("pane") && (err != nil || pane == 0) {
			http.Error(w, fmt.Sprintf("pane is %q: give the pane_ms of the alarm, or leave it out for the one that is latched", q.Get("pane")), http.StatusBadRequest)
			return
		}
		sketch, done := q.Get("sketch"), 0
		var errs []error
		for i, t := range trainers {
			if sketch != "" && sketch != names[i] {
				continue
			}
			if err := t.Acknowledge(pane); err != nil {
				errs = append(errs, fmt.Errorf("sketch %q: %w", names[i], err))
			} else {
				done++
			}
		}
		switch {
		case done > 0:
			w.WriteHeader(http.StatusAccepted)
		case len(errs) > 0:
			http.Error(w, errors.Join(errs...).Error(), http.StatusConflict)
		default:
			http.Error(w, fmt.Sprintf("no sketch is named %q here", sketch), http.StatusNotFound)
		}
	}
	show := func(w http.ResponseWriter, _ *http.Request) {
		all := make([]driftState, len(trainers))
		for i, t := range trainers {
			all[i] = newDriftState(names[i], t.Status().Drift)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = printJSON(w, map[string]any{"time": time.Now().UTC(), "sketches": all}) // A failed write means that the reader has gone.
	}
	return map[string]http.Handler{
		"GET /drift.json":         http.HandlerFunc(show),
		"POST /drift/acknowledge": http.NewCrossOriginProtection().Handler(http.HandlerFunc(acknowledge)),
	}
}
