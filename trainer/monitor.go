package trainer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"phasor/sketcher/drift"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// DriftStatus is what the scan says after the newest complete pane. Numbers are NaN while they are undefined.
type DriftStatus struct {
	Detector                     string // The mode: scan, shiryaev-roberts or rolling.
	Pane                         int64  // Start of the newest pane, Unix milliseconds; 0 before the first.
	Statistic, Threshold, PValue float64
	EffectiveRatio               float64
	TargetRunLength              time.Duration
	Alarm                        *Alarm // Latched; nil if there is none.
	LastAlarm                    *Alarm // The newest, latched or answered.
	Alarms                       int    // Raised since the start of the process.
	ReferencePanes               int
	Fixed                        bool      // The reference is given and stays.
	Why                          string    // Why there is no threshold yet, in plain words.
	Channels                     []string  // At most MaxChannels of them.
	Divergence                   []float64 // Of their histograms, the last panes against the reference, in bits; nil before there is a reference.
}

// MaxChannels bounds the channels whose divergence is followed.
const MaxChannels = 128

// timedPane is one complete pane of all partitions.
type timedPane struct {
	start int64
	acc   *sketch.Accumulator
}

// monitor runs the scan over complete panes, one by one, and owns the reference and the latch.
type monitor struct {
	opt      drift.Options
	length   int64 // Of a pane, milliseconds.
	most     int   // Panes of the reference.
	proj     *drift.Projection
	cooldown int64 // Of event time, milliseconds: no alarm is raised for so long after one was let go.
	passing  bool  // An alarm lets go of itself when the change is over.

	since     int64 // Panes that start before are not scanned.
	regime    int64 // Panes that start before are of an older regime, which the next model is not to learn; 0: none is known.
	last      int64 // Start of the newest pane that was pushed.
	pushed    bool
	fixed     bool              // The reference is given and stays.
	reference snapshot.Interval // The given one.
	armed     bool              // An alarm may be raised: after one whose reference stayed, only when the stream has been like it again.
	crossed   int64             // Pane at which the statistic last crossed the threshold while it was not,
	proof     int64             // and for how long it must not, milliseconds, before the change is over.
	quiet     int64
	cooling   *Alarm // Of a rolling monitor, found during the cool-down.
	skipped   int    // Panes in a row that were not scanned.
	ref       []*sketch.Accumulator
	total     *sketch.Accumulator // Of ref; of a rolling monitor, all of the segment.
	scan      *drift.Scan
	rolling   *drift.Rolling
	nextRef   int         // Number of panes at which the reference is estimated again.
	after     []timedPane // Scanned panes: those of the longest window, or since the change of a latched alarm.
	status    DriftStatus
}

const (
	manySkipped   = 5  // Panes in a row that are not scanned, from which on the figures of the last one say nothing.
	retryPanes    = 10 // Panes after which a reference that was refused is tried again.
	leastProof    = 16 // Panes without an alarm, at least, after which evidence says that a change is over.
	longestWindow = 64 // Panes of the longest window that the scan looks at.
	recentPanes   = 16 // Panes whose histograms are compared with the reference.
)

func newMonitor(m *feature.Map, cfg *Config, c cutting) *monitor {
	opt := cfg.Drift
	if opt.ARL == 0 {
		opt.ARL = max(2, float64(cfg.FalseAlarms.Milliseconds())/float64(c.length))
	}
	if cfg.Mode == ModeShiryaevRoberts {
		opt.Method = drift.ShiryaevRoberts
	}
	least := opt.LeastReference()
	most := int(min(MaxReference, max(int64(least), cfg.Reference.Milliseconds()/c.length)))
	mo := &monitor{opt: opt, length: c.length, most: most, proj: drift.NewProjection(m, opt.Groups...), nextRef: least, since: math.MinInt64,
		cooldown: cfg.Cooldown.Milliseconds(), passing: cfg.Passing, armed: true, quiet: math.MinInt64}
	channels := m.Spec().Names()
	mo.status = DriftStatus{Detector: cfg.Mode, TargetRunLength: time.Duration(opt.ARL * float64(c.length) * float64(time.Millisecond)),
		Channels: channels[:min(len(channels), MaxChannels)]}
	mo.unknown("no complete pane yet")
	if cfg.Mode == ModeRolling {
		var err error
		if mo.rolling, err = drift.NewRolling(mo.proj, opt); err != nil {
			mo.unknown(err.Error()) // Config.Validate lets none of these pass.
		}
	}
	return mo
}

func (m *monitor) unknown(why string) {
	nan := math.NaN()
	m.status.Statistic, m.status.Threshold, m.status.PValue, m.status.EffectiveRatio = nan, nan, nan, nan
	m.status.Why, m.status.Divergence = why, nil
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
	if m.rolling != nil {
		return m.roll(p)
	}
	if m.scan == nil {
		if m.fixed {
			return false, nil
		}
		m.remember(p.acc)
		return false, m.estimate()
	}
	if gap {
		m.scan.Gap()
	}
	r := m.scan.Push(p.acc)
	if r.Skip != drift.Scanned {
		m.skip(r.Skip)
		return false, nil
	}
	m.show(r)
	if m.status.Alarm != nil {
		m.keep(p, m.most)
		m.diverge()
		if m.passing && m.over(p, r) {
			m.letGo()
			m.arm()
		}
		return false, nil
	}
	if !r.Alarm || !m.armed || p.start < m.quiet {
		m.keep(p, longestWindow)
		m.diverge()
		if !m.armed && m.over(p, r) {
			m.arm()
		}
		if r.Alarm || !m.armed { // What is alarming must not become the reference.
			return false, nil
		}
		m.remember(p.acc)
		return false, m.estimate()
	}
	m.keep(p, r.Window)
	m.diverge()
	m.latch(m.alarm(p, r))
	if m.fixed || m.passing {
		m.cross(p, r)
	}
	return true, nil
}

// show takes over the figures of a scanned pane.
func (m *monitor) show(r drift.Result) {
	m.status.Statistic, m.status.Threshold, m.status.PValue = r.Statistic, r.Threshold, r.PValue
	m.status.EffectiveRatio, m.status.Why = r.EffectiveRatio, ""
	m.skipped = 0
}

// skip counts a pane that was not scanned.
func (m *monitor) skip(why drift.Skip) {
	if m.skipped++; m.skipped >= manySkipped {
		m.unknown(fmt.Sprintf("the last %d panes were not scanned: %s", m.skipped, why))
	}
}

// keep adds a pane to the scanned ones and drops all but so many.
func (m *monitor) keep(p timedPane, most int) {
	m.after = append(m.after, p)
	m.after = slices.Delete(m.after, 0, max(0, len(m.after)-most))
}

func (m *monitor) remember(a *sketch.Accumulator) {
	if m.fixed || len(m.ref) >= m.most {
		return
	}
	m.ref = append(m.ref, a)
	m.add(a)
}

// add counts a pane in the total of the reference. Panes of another map are not of it.
func (m *monitor) add(a *sketch.Accumulator) {
	if a == nil {
		return
	}
	_ = addPane(&m.total, a)
}

// estimate makes the reference anew when the panes have reached the next number to do so.
func (m *monitor) estimate() error {
	if m.fixed {
		return nil
	}
	if len(m.ref) < m.nextRef {
		if m.scan == nil && len(m.ref) < m.opt.LeastReference() {
			m.unknown((&drift.HistoryError{Lacks: drift.TooFewPanes, Have: len(m.ref), Need: m.opt.LeastReference()}).Error())
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
			m.nextRef = min(m.nextRef, len(m.ref)+retryPanes)
			if len(m.ref) == m.most { // The oldest half may be what does not fit.
				m.refer(slices.Delete(m.ref, 0, len(m.ref)/2))
				m.nextRef = max(m.opt.LeastReference(), len(m.ref)+1)
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	m.use(r)
	return nil
}

// use scans against a reference from now on.
func (m *monitor) use(r *drift.Reference) {
	m.status.ReferencePanes, _ = r.Panes()
	m.status.Threshold, m.status.Why = r.Threshold(), ""
	if m.scan == nil {
		m.scan = drift.NewScan(r)
	} else {
		m.scan.Reset(r)
	}
}

// refer makes panes the reference's.
func (m *monitor) refer(panes []*sketch.Accumulator) {
	m.ref, m.total = panes, nil
	for _, a := range panes {
		m.add(a)
	}
}

// await says that the reference is that of a given interval, for good: panes before its end are not scanned, and none is
// before the reference is fixed. If the stream was last answered to have changed after the interval, it may still differ
// from it, and that raises no alarm again.
func (m *monitor) await(i snapshot.Interval, change int64) {
	m.fixed, m.status.Fixed, m.reference, m.since = true, true, i, max(m.since, i.To)
	if change >= i.To {
		m.armed, m.crossed, m.proof = false, change, longestWindow*m.length // The windows are empty, and may have to fill.
	}
	m.unknown("the reference has not been read yet")
}

// fix scans against the panes of the given interval from now on. If they do not make a reference, the status says why and
// nothing is scanned.
func (m *monitor) fix(panes []*sketch.Accumulator) error {
	m.refer(panes)
	r, err := drift.NewReference(m.proj, panes, m.opt)
	if errors.Is(err, drift.ErrNotEnoughHistory) {
		m.unknown(err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	m.pushed = false // What came while there was no reference is scanned now.
	m.use(r)
	return nil
}
