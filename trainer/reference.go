package trainer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// newMonitor makes the monitor, which begins where the served model says that the stream has been as it is.
func (s *Service) newMonitor() {
	m := newMonitor(s.epoch.Map(), &s.cfg, s.cutting)
	m.status.Alarms, m.status.LastAlarm = s.status.Drift.Alarms, s.status.Drift.LastAlarm
	var card Card
	if s.served != nil {
		card = s.served.card
	}
	if since := max(card.From, card.Change); since > 0 {
		m.since = since
	}
	m.regime = card.Change
	if m.cooldown > 0 {
		m.quiet = max(m.quiet, s.quiet, card.Quiet)
		if card.Answers != nil {
			m.quiet = max(m.quiet, card.To+m.cooldown)
		}
	}
	s.monitor, s.readAt = m, time.Time{}
	if s.cfg.Mode == ModeRolling {
		return
	}
	if i := (snapshot.Interval{From: card.From, To: card.To}); s.cfg.ReferenceModel && i.To > 0 {
		m.await(i, card.Change)
	} else if !s.cfg.ReferenceTo.IsZero() {
		m.await(snapshot.Interval{From: s.cfg.ReferenceFrom.UnixMilli(), To: s.cfg.ReferenceTo.UnixMilli()}, card.Change)
	}
}

// readReference gives the monitor the reference that the configuration names, once all its panes are complete. One that
// is refused is read again later.
func (s *Service) readReference(ctx context.Context, f frontier) error {
	m := s.monitor
	if !m.fixed || m.scan != nil || time.Since(s.readAt) < pruneEvery {
		return nil
	}
	defer func() { s.publishDrift(false) }()
	i := m.reference
	if f.until < i.To {
		m.unknown(fmt.Sprintf("not enough history: the reference ends at %s, and panes are complete until %s", clock(i.To), clock(f.until)))
		return nil
	}
	s.readAt = time.Now()
	var panes []*sketch.Accumulator
	err := eachInterval(ctx, s.epoch, i.From, frontier{until: i.To, open: f.open}, s.cutting.length, func(p timedPane) error {
		if panes = append(panes, p.acc); len(panes) > MaxReference {
			panes = panes[1:]
		}
		return nil
	})
	if err == nil {
		err = m.fix(panes)
	}
	if err != nil {
		s.readAt = time.Time{}
		return err
	}
	if m.scan != nil {
		s.cfg.Log.Info("reference", "from", clock(i.From), "to", clock(i.To), "panes", len(panes))
		return nil
	}
	if len(panes) == 0 {
		m.status.Why = fmt.Sprintf("not enough history: epoch %d has no pane of %v in the reference's interval, %s to %s", s.epoch.Number, time.Duration(m.length)*time.Millisecond, clock(i.From), clock(i.To))
	}
	refs, err := s.epoch.ListPanes(ctx, math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(refs, func(r snapshot.PaneRef) bool {
		return r.Length > s.cutting.length && r.Start < i.To && r.End() > i.From
	}) {
		m.status.Why += "; panes of the reference's interval have been merged into longer ones, which cannot be scanned: "
		if s.cfg.ReferenceModel {
			m.status.Why += "those of the next version will take their place"
		} else {
			m.status.Why += "name a later interval"
		}
	}
	s.cfg.Log.Warn("nothing is scanned: no reference", "from", clock(i.From), "to", clock(i.To), "why", m.status.Why)
	return nil
}

// held are the intervals whose panes stay short, because the monitor has them yet to scan or would read them again after
// a restart: its reference, and as many panes as a reference has before the newest one and before a latched change. What
// is not complete yet is held while event time catches up, faster than the clock: when one partition stands still or stays
// behind, the others' past is bounded all the same.
func (s *Service) held(f frontier, now time.Time) (held []snapshot.Interval) {
	m := s.monitor
	if m.fixed {
		held = append(held, snapshot.Interval{From: max(m.reference.From, m.reference.To-MaxReference*m.length), To: m.reference.To})
	}
	if f.until == math.MinInt64 {
		return held
	}
	i := snapshot.Interval{From: f.until, To: f.until}
	if a := m.status.Alarm; a != nil {
		i.From = max(min(a.Change, f.until), f.until-MaxReference*m.length)
	}
	i.From -= int64(m.most) * m.length
	passed := now.Sub(s.heldAt).Milliseconds()
	if s.heldAt.IsZero() || f.until-s.heldUntil > passed+passed/4+m.length {
		i.To = math.MaxInt64
	}
	s.heldUntil, s.heldAt = f.until, now
	return append(held, i)
}

// clock is a time in words.
func clock(ms int64) string {
	if ms == math.MinInt64 {
		return "no time yet"
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
}
