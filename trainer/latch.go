package trainer

import "phasor/sketcher/drift"

// latch raises an alarm, which stays until it is let go.
func (m *monitor) latch(a *Alarm) {
	m.status.Alarm, m.status.LastAlarm = a, a
	m.status.Alarms++
}

// letGo lets go of the alarm. The reference stays, and the next alarm is raised when the stream has been like it again.
func (m *monitor) letGo() {
	m.status.Alarm, m.armed = nil, false
	if m.cooldown > 0 {
		m.quiet = m.last + m.length + m.cooldown
	}
}

// answer lets go of the alarm: the panes from since on are the new regime and make the next reference, unless it is
// fixed.
func (m *monitor) answer(since int64) error {
	panes := m.after
	m.letGo()
	m.regime = since
	if m.fixed {
		return nil
	}
	m.armed = true
	if m.rolling != nil {
		m.since = since
		return nil
	}
	m.since, m.scan, m.ref, m.total, m.after = since, nil, nil, nil, nil
	m.nextRef, m.status.ReferencePanes = m.opt.LeastReference(), 0
	m.unknown("a new reference begins")
	for _, p := range panes {
		if p.start >= since {
			m.remember(p.acc)
		}
	}
	return m.estimate()
}

// over reports whether a change is over after which the reference stayed: the statistic is at most half the threshold, and
// has not crossed it for long enough.
func (m *monitor) over(p timedPane, r drift.Result) bool {
	if r.Alarm {
		m.cross(p, r)
	}
	return (m.proof == 0 || p.start-m.crossed >= m.proof) && r.Statistic <= r.Threshold/2
}

// cross notes a pane with an alarm: the windows of a scan hold the change now. Evidence in the method of Shiryaev and
// Roberts would take as long to vanish as it took to grow; it begins anew instead, and must not cross again for several
// times as long as it took.
func (m *monitor) cross(p timedPane, r drift.Result) {
	m.crossed, m.proof = p.start, 0
	if m.opt.Method == drift.ShiryaevRoberts {
		m.proof = int64(max(leastProof, 4*r.Window)) * m.length
		m.scan.Reset(nil)
	}
}

// arm lets an alarm be raised again. What is over must not be found again in a longer window.
func (m *monitor) arm() {
	m.armed = true
	m.scan.Reset(nil)
}

// cooled latches the alarm that waits for the cool-down to end, once it has, and reports whether it did. A rolling monitor
// would not find the change again: its segment began there.
func (m *monitor) cooled(p timedPane) bool {
	if m.cooling == nil || p.start < m.quiet {
		return false
	}
	m.latch(m.cooling)
	m.cooling = nil
	return true
}
