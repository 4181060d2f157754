package main

import (
	"fmt"
	"math"

	"phasor/metrics/status"
)

// newBoard makes the page of a pipeline that answers at a listener.
func (p *pipeline) newBoard(l *listener) *status.Board {
	role := map[roles]string{{sketch: true}: "sketcher", {train: true}: "trainer", {sketch: true, train: true}: "run"}[p.roles]
	return status.New(status.Config{Title: p.title, Role: role, API: p.roles.sketch && p.roles.train && len(p.cfg.Sketches) == 1, Guard: l.guard()})
}

func figure(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.4g", v)
}
