package trainer

import (
	"errors"
	"math"
	"slices"
	"time"

	"phasor/sketcher/drift"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// Alarm is a change that was found and has not been answered yet.
type Alarm struct {
	Pane      int64    `json:"pane_ms"`   // Start of the pane that raised it, Unix milliseconds.
	Change    int64    `json:"change_ms"` // Start of the first pane of the window that raised it: where the change is thought to be.
	Group     string   `json:"group"`
	Window    int      `json:"window_panes"`
	Statistic float64  `json:"statistic"`
	Threshold float64  `json:"threshold"`
	Channels  []string `json:"channels,omitempty"`
}

// DriftStatus is what the scan says after the newest complete pane. Numbers are NaN while they are undefined.
type DriftStatus struct {
	Pane                         int64 // Start of the newest pane, Unix milliseconds; 0 before the first.
	Statistic, Threshold, PValue float64
	EffectiveRatio               float64
	TargetRunLength              time.Duration
	Alarm                        *Alarm // Latched; nil if there is none.
	LastAlarm                    *Alarm // The newest, latched or answered.
	Alarms                       int    // Raised since the start of the process.
	ReferencePanes               int
	Why                          string // Why there is no threshold yet, in plain words.
}

// timedPane is one complete pane of all partitions.
type timedPane struct {
	start int64
	acc   *sketch.Accumulator
}

// monitor runs the scan over complete panes, one by one, and owns the reference and the latch.
type monitor struct {
	opt    drift.Options
	length int64 // Of a pane, milliseconds.
	most   int   // Panes of the reference.
	proj   *drift.Projection

	since   int64 // Panes that start before are of an older regime.
	last    int64 // Start of the newest pane that was pushed.
	pushed  bool
	ref     []*sketch.Accumulator
	scan    *drift.Scan
	nextRef int         // Number of panes at which the reference is estimated again.
	after   []timedPane // Scanned panes: those of the longest window, or since the change of a latched alarm.
	status  DriftStatus
}

const (
	leastReference = 20 // Panes from which the scan can work.
	longestWindow  = 64 // Panes of the longest window that the scan looks at.
)

func newMonitor(m *feature.Map, cfg *Config, c cutting) *monitor {
	opt := cfg.Drift
	if opt.ARL == 0 {
		opt.ARL = max(2, float64(cfg.FalseAlarms.Milliseconds())/float64(c.length))
	}
	most := int(min(MaxReference, max(leastReference, cfg.Reference.Milliseconds()/c.length)))
	mo := &monitor{opt: opt, length: c.length, most: most, proj: drift.NewProjection(m, opt.Groups...), nextRef: leastReference, since: math.MinInt64}
	mo.status = DriftStatus{TargetRunLength: time.Duration(opt.ARL * float64(c.length) * float64(time.Millisecond))}
	mo.unknown("no complete pane yet")
	return mo
}

func (m *monitor) unknown(why string) {
	nan := math.NaN()
	m.status.Statistic, m.status.Threshold, m.status.PValue, m.status.EffectiveRatio = nan, nan, nan, nan
	m.status.Why = why
}

// push takes the next complete pane and reports whether it raised an alarm.
func (m *monitor) push(p timedPane) (raised bool, err error) {
	if m.pushed && p.start <= m.last {
		return false, nil
	}
	gap := m.pushed && p.start > m.last+m.length
	m.last, m.pushed, m.status.Pane = p.start, true, p.start
	if p.start < m.since {
		return false, nil
	}
	if m.scan == nil {
		m.remember(p.acc)
		return false, m.estimate()
	}
	if gap {
		m.scan.Gap()
	}
	r := m.scan.Push(p.acc)
	if r.Skip != drift.Scanned {
		return false, nil
	}
	m.status.Statistic, m.status.Threshold, m.status.PValue = r.Statistic, r.Threshold, r.PValue
	m.status.EffectiveRatio, m.status.Why = r.EffectiveRatio, ""
	if m.status.Alarm != nil {
		if m.after = append(m.after, p); len(m.after) > m.most {
			m.after = slices.Delete(m.after, 0, len(m.after)-m.most)
		}
		return false, nil
	}
	if !r.Alarm {
		m.after = append(m.after, p)
		if n := len(m.after); n > longestWindow {
			m.after = slices.Delete(m.after, 0, n-longestWindow)
		}
		m.remember(p.acc)
		return false, m.estimate()
	}
	m.after = append(m.after, p)
	m.after = slices.Delete(m.after, 0, max(0, len(m.after)-r.Window))
	change := m.after[0].start
	m.status.Alarm = &Alarm{Pane: p.start, Change: change, Group: r.Group.String(), Window: r.Window,
		Statistic: r.Statistic, Threshold: r.Threshold, Channels: slices.Clone(r.Channels)}
	m.status.LastAlarm = m.status.Alarm
	m.status.Alarms++
	return true, nil
}

func (m *monitor) remember(a *sketch.Accumulator) {
	if len(m.ref) < m.most {
		m.ref = append(m.ref, a)
	}
}

// estimate makes the reference anew when the panes have reached the next number to do so.
func (m *monitor) estimate() error {
	if len(m.ref) < m.nextRef {
		if m.scan == nil {
			m.unknown((&drift.HistoryError{Lacks: drift.TooFewPanes, Have: len(m.ref), Need: leastReference}).Error())
		}
		return nil
	}
	m.nextRef = min(2*len(m.ref), m.most)
	if m.nextRef == len(m.ref) {
		m.nextRef = math.MaxInt
	}
	r, err := drift.NewReference(m.proj, m.ref, m.opt)
	if errors.Is(err, drift.ErrNotEnoughHistory) {
		if m.scan == nil {
			m.unknown(err.Error())
			m.nextRef = min(m.nextRef, len(m.ref)+leastReference/2)
			if len(m.ref) == m.most { // The oldest half may be what does not fit.
				m.ref = slices.Delete(m.ref, 0, len(m.ref)/2)
				m.nextRef = max(leastReference, len(m.ref)+1)
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	m.status.ReferencePanes, _ = r.Panes()
	m.status.Threshold, m.status.Why = r.Threshold(), ""
	if m.scan == nil {
		m.scan = drift.NewScan(r)
	} else {
		m.scan.Reset(r)
	}
	return nil
}

// answer lets go of the alarm: the panes from since on are the new regime and make the next reference.
func (m *monitor) answer(since int64) error {
	panes := m.after
	m.since, m.status.Alarm, m.scan, m.ref, m.after = since, nil, nil, nil, nil
	m.nextRef, m.status.ReferencePanes = leastReference, 0
	m.unknown("a new reference begins")
	for _, p := range panes {
		if p.start >= since {
			m.remember(p.acc)
		}
	}
	return m.estimate()
}
