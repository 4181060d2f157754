package trainer

import (
	"maps"
	"math"
	"slices"

	"phasor/sketcher/drift"
	"phasor/sketcher/sketch"
)

// Alarm is a change that was found and has not been answered yet.
type Alarm struct {
	Detector   string             `json:"detector,omitempty"`
	Pane       int64              `json:"pane_ms"`   // Start of the pane that raised it, Unix milliseconds.
	Change     int64              `json:"change_ms"` // Start of the first pane of the window that raised it: where the change is thought to be.
	Group      string             `json:"group"`
	Window     int                `json:"window_panes"`
	Statistic  float64            `json:"statistic"`
	Threshold  float64            `json:"threshold"`
	Channels   []string           `json:"channels,omitempty"`
	Moves      []Move             `json:"moves,omitempty"`
	Pairs      [][2]string        `json:"pairs,omitempty"`           // Whose correlation moved, if no channel did.
	Divergence map[string]float64 `json:"divergence_bits,omitempty"` // Of the histograms of the channels that moved.
}

// Move is one way in which a channel moved: its mean, scale or shape.
type Move struct {
	Channel string `json:"channel"`
	Aspect  string `json:"aspect"`
	Up      bool   `json:"up,omitempty"`
}

// String is the move in words: pressure mean up.
func (v Move) String() string {
	s := v.Channel + " " + v.Aspect
	switch {
	case v.Aspect == drift.AspectShape:
	case v.Up:
		s += " up"
	default:
		s += " down"
	}
	return s
}

// alarm is that of a pane; the panes of its window have been kept.
func (m *monitor) alarm(p timedPane, r drift.Result) *Alarm {
	a := &Alarm{Detector: m.status.Detector, Pane: p.start, Change: m.after[0].start, Group: r.Group.String(), Window: r.Window,
		Statistic: r.Statistic, Threshold: r.Threshold, Channels: slices.Clone(r.Channels)}
	for _, v := range r.Moves {
		a.Moves = append(a.Moves, Move{v.Channel, v.Aspect, v.Up})
	}
	recent := merged(m.after)
	if m.total != nil && recent != nil {
		if len(a.Channels) == 0 {
			a.Pairs = drift.Pairs(m.total, recent, r.EffectiveRatio)
		}
		if d, err := drift.Divergence(m.total, recent); err == nil {
			for k, name := range recent.Channels() {
				if slices.Contains(a.Channels, name) {
					if a.Divergence == nil {
						a.Divergence = map[string]float64{}
					}
					a.Divergence[name] = math.Round(d[k]*1e4) / 1e4
				}
			}
		}
	}
	return a
}

// diverge compares the histograms of the last panes with those of the reference.
func (m *monitor) diverge() {
	recent := merged(m.after[max(0, len(m.after)-recentPanes):])
	if m.total == nil || recent == nil {
		return
	}
	if d, err := drift.Divergence(m.total, recent); err == nil {
		m.status.Divergence = d[:min(len(d), MaxChannels)]
	}
}

// merged is the sketch of panes, nil if there are none.
func merged(panes []timedPane) (total *sketch.Accumulator) {
	for _, p := range panes {
		if p.acc != nil {
			_ = addPane(&total, p.acc) // Panes of another map were not scanned.
		}
	}
	return total
}

// roll is push of a rolling monitor, which begins a segment after each change by itself. While an alarm is latched, a
// later one takes its place.
func (m *monitor) roll(p timedPane) (raised bool, err error) {
	r, err := m.rolling.Push(p.acc)
	if err != nil {
		return false, err
	}
	m.status.ReferencePanes = m.rolling.Segment()
	switch r.Skip {
	case drift.Scanned:
	case drift.Learning:
		m.unknown(r.Skip.String())
		m.add(p.acc)
		return false, nil
	default:
		m.skip(r.Skip)
		return false, nil
	}
	m.show(r)
	if !r.Alarm {
		m.keep(p, longestWindow)
		m.diverge()
		m.add(p.acc)
		if m.passing && m.status.Alarm != nil {
			return false, m.answer(m.status.Alarm.Change)
		}
		return m.cooled(p), nil
	}
	m.keep(p, r.Window)
	m.diverge()
	m.cooling = m.alarm(p, r)
	raised = m.cooled(p)
	m.total = nil
	for _, pane := range m.after {
		m.add(pane.acc)
	}
	return raised, nil
}

// attributes are what a log line says of an alarm beside its place in time.
func (a *Alarm) attributes() []any {
	out := []any{"detector", a.Detector, "group", a.Group, "statistic", a.Statistic, "threshold", a.Threshold, "window", a.Window, "channels", a.Channels}
	if len(a.Moves) > 0 {
		words := make([]string, len(a.Moves))
		for i, v := range a.Moves {
			words[i] = v.String()
		}
		out = append(out, "moves", words)
	}
	if len(a.Pairs) > 0 {
		out = append(out, "pairs", a.Pairs)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Divergence)) {
		out = append(out, "divergence."+name, a.Divergence[name])
	}
	return out
}
