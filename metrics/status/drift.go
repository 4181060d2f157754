package status

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"phasor/trainer"
)

const (
	verdictEntries  = 240 // Of the history of drift, in panes; then in up to 32 panes, of which the largest is kept.
	verdictCoarsest = 32
	maxAlarms       = 32
)

// driftLog listens to the trainer of one sketch.
type driftLog struct {
	status func() trainer.Status

	mu       sync.Mutex
	verdicts *history
	pane     int64
	alarms   []Alarm // The oldest first.
}

func newDriftLog() *driftLog {
	return &driftLog{verdicts: newHistory(verdictEntries, verdictCoarsest, larger, newer)}
}

// hooks returns h with the log beside it.
func (l *driftLog) hooks(h trainer.Hooks) trainer.Hooks {
	hear := h.Drift
	h.Drift = func(d trainer.DriftStatus, raised bool) {
		if hear != nil {
			hear(d, raised)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if d.Pane > l.pane {
			l.pane = d.Pane
			l.verdicts.add(d.Pane, d.Statistic, d.Threshold)
		}
		if n := len(l.alarms); n > 0 && (raised || d.Alarm == nil) && l.alarms[n-1].Ended.IsZero() {
			l.alarms[n-1].Ended = utc(time.Now())
		}
		if raised && d.Alarm != nil {
			l.alarms = append(l.alarms, Alarm{Alarm: *d.Alarm, What: inWords(d.Alarm)})
			l.alarms = l.alarms[max(0, len(l.alarms)-maxAlarms):]
		}
	}
	return h
}

// changed is where the newest change is thought to be, 0 if none was found.
func (l *driftLog) changed() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.alarms) == 0 {
		return 0
	}
	return l.alarms[len(l.alarms)-1].Change
}

// groups say what the coordinates of a group are about, as cmd/phasor does.
var groups = map[string]string{"s": "the distribution as a whole", "cm": "the mean of a channel", "cv": "the spread of a channel",
	"m": "the means together", "c": "spreads and correlations together", "h": "the shape of a channel"}

// inWords says what moved.
func inWords(a *trainer.Alarm) string {
	var parts []string
	for _, m := range a.Moves {
		parts = append(parts, m.String())
	}
	if len(parts) == 0 {
		parts = slices.Clone(a.Channels)
	}
	for _, p := range a.Pairs {
		parts = append(parts, "correlation of "+p[0]+" and "+p[1])
	}
	const most = 6
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], "and "+plural(int64(more), "more"))
	}
	if len(parts) == 0 {
		return cmp.Or(groups[strings.ToLower(a.Group)], a.Group)
	}
	return strings.Join(parts, ", ")
}

// describe returns what is shown of drift, and the trainer's own words.
func (l *driftLog) describe() (*Drift, trainer.Status) {
	st := l.status()
	d := st.Drift
	s := &Drift{Detector: d.Detector, Statistic: Number(d.Statistic), Threshold: Number(d.Threshold), PValue: Number(d.PValue), Ratio: Number(d.EffectiveRatio),
		RunLength: d.TargetRunLength, Seconds: d.TargetRunLength.Seconds(), Reference: d.ReferencePanes, Fixed: d.Fixed, Why: d.Why, Pane: d.Pane, Raised: d.Alarms,
		Alarms: []Alarm{}, History: []Verdict{}, Divergence: []Divergence{}}
	for k, v := range d.Divergence[:min(len(d.Divergence), len(d.Channels))] {
		s.Divergence = append(s.Divergence, Divergence{d.Channels[k], Number(v)})
	}
	slices.SortStableFunc(s.Divergence, func(a, b Divergence) int { return -cmp.Compare(float64(a.Bits), float64(b.Bits)) })
	if d.Alarm != nil {
		s.Latched = &Alarm{Alarm: *d.Alarm, What: inWords(d.Alarm)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Alarms = append(s.Alarms, l.alarms...)
	slices.Reverse(s.Alarms)
	for _, e := range l.verdicts.entries {
		s.History = append(s.History, Verdict{e.time, Number(e.values[0]), Number(e.values[1])})
	}
	return s, st
}

// follow puts what a trainer says of the served version over what the store says.
func (m *Model) follow(st trainer.Status) {
	m.Fitting, m.Fits = st.Fitting, counts(st.RefitResults)
	if st.Version == 0 {
		return
	}
	m.Version, m.Published = st.Version, utc(st.Published)
	if st.Evaluated {
		e := st.Evaluation
		m.Loss, m.HeldOut, m.Floor = Number(e.Unbiased), Number(e.HeldOut), Number(e.Floor)
		m.Equivalent, m.AtLeast = Number(e.EquivalentRecords), e.AtLeast
	}
}

// answer is the version that was fitted because of the alarm of a pane, 0 if there is none.
func (m *Model) answer(pane int64) int {
	for _, v := range slices.Backward(m.Versions) { // The oldest one.
		if v.Answers == pane {
			return v.Version
		}
	}
	return 0
}
