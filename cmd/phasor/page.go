package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"phasor/metrics/status"
	"phasor/trainer"
)

// trainerSection describes a trainer to the page; notice is what needs attention.
func trainerSection(sketch string, st trainer.Status) (sections []status.Section, notice string) {
	d := st.Drift
	drift := status.Section{Name: "Drift: " + sketch, Rows: []status.Row{
		{Name: "Mode", Value: d.Detector},
		{Name: "Statistic", Value: figure(d.Statistic), Help: "of the newest complete pane"},
		{Name: "Threshold", Value: figure(d.Threshold), Help: "above it is an alarm"},
		{Name: "p-value", Value: figure(d.PValue)},
		{Name: "Alarms", Value: fmt.Sprint(d.Alarms), Help: "since this process started"},
		{Name: "Asked for", Value: "1 false alarm in " + Duration(d.TargetRunLength.Round(time.Second)).String()},
		{Name: "Reference", Value: fmt.Sprintf("%d panes", d.ReferencePanes), Help: d.Why},
	}}
	if d.Pane > 0 {
		drift.Rows = append(drift.Rows, status.Row{Name: "Newest pane", Value: time.UnixMilli(d.Pane).UTC().Format(time.RFC3339)})
	}
	for k, v := range d.Divergence[:min(len(d.Divergence), 12)] {
		drift.Rows = append(drift.Rows, status.Row{Name: d.Channels[k], Value: figure(v) + " bits", Help: "divergence of the last panes from the reference"})
	}
	if a := d.Alarm; a != nil {
		for _, v := range a.Moves {
			drift.Rows = append(drift.Rows, status.Row{Name: "Moved", Value: v.String()})
		}
		for _, v := range a.Pairs {
			drift.Rows = append(drift.Rows, status.Row{Name: "Correlation moved", Value: v[0] + " and " + v[1]})
		}
		notice = fmt.Sprintf("Drift in %s since %s: %s above its threshold", sketch, time.UnixMilli(a.Change).UTC().Format(time.RFC3339), a.Group)
		if len(a.Channels) > 0 {
			notice += "; channels " + strings.Join(a.Channels, ", ")
		}
	}
	m := status.Section{Name: "Model: " + sketch, Rows: []status.Row{
		{Name: "Version", Value: version(st.Version), Help: "served"},
		{Name: "Records", Value: fmt.Sprint(st.Records), Help: fmt.Sprintf("in the newest states of %d partitions", st.Partitions)},
	}}
	if !st.Published.IsZero() {
		m.Rows = append(m.Rows, status.Row{Name: "Published", Value: st.Published.Format(time.RFC3339)})
	}
	if st.Evaluated {
		e := st.Evaluation
		n := fmt.Sprintf("%.0f", e.EquivalentRecords)
		if e.AtLeast {
			n = "at least " + n
		}
		m.Rows = append(m.Rows,
			status.Row{Name: "Loss", Value: figure(e.Unbiased), Help: "unbiased, on the frequencies of the fit"},
			status.Row{Name: "Held-out loss", Value: figure(e.HeldOut), Help: "on frequencies that no fit saw"},
			status.Row{Name: "Noise floor", Value: figure(e.Floor), Help: "the loss of a perfect model"},
			status.Row{Name: "Equivalent records", Value: n, Help: "true records that are as close to the stream"})
	}
	if st.Fitting {
		m.Rows = append(m.Rows, status.Row{Name: "Now", Value: "fitting"})
	}
	if st.LastError != "" {
		notice = st.LastError
	}
	return []status.Section{drift, m}, notice
}

func version(v int) string {
	if v == 0 {
		return "none yet"
	}
	return fmt.Sprint(v)
}

func figure(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.4g", v)
}
