package evaluate

import (
	"errors"
	"slices"
	"testing"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/streams"
)

// Planted changes are found within the panes that are stated, with one false alarm asked
// for in 1,000 panes, and the channel that changed is named. Reduced runs allow for half
// as many panes more.
func TestDelays(t *testing.T) {
	runs, simulations, room := 4, 60, 1.5
	if long() {
		runs, simulations, room = 100, 300, 1
	}
	most := map[string]float64{"mean +.3 in one channel": 6, "scale 1.15 in one channel": 12, "correlation +.3": 16, "bimodal, same moments": 5}
	named := map[string]float64{"mean +.3 in one channel": .95, "scale 1.15 in one channel": .8}
	changes := slices.DeleteFunc(streams.Changes(), func(c streams.Change) bool { return most[c.Name] == 0 })
	s := Setup{Seed: 30_103}
	found, err := Delays(streams.Independent, s, changes, runs, Scan("scan", drift.Options{Simulations: simulations}), Never())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		median, missed := d.Median()
		t.Logf("seed %d, %s, %s: median %v panes, missed %.2f, early %d of %d, named %d, others %d", s.Seed, d.Change, d.Detector, median, missed, d.Early, d.Runs, d.Named, d.Wrong)
		n := len(d.Panes)
		if d.Detector == "never" {
			if missed != 1 {
				t.Errorf("who raises no alarm missed %v", missed)
			}
			continue
		}
		if median > room*most[d.Change] {
			t.Errorf("%s: found after %v panes, wanted %v", d.Change, median, most[d.Change])
		}
		if long() && (float64(d.Named) < named[d.Change]*float64(n) || named[d.Change] > 0 && float64(d.Wrong) > .1*float64(n)) {
			t.Errorf("%s: named in %d of %d, others %d times", d.Change, d.Named, n, d.Wrong)
		}
	}
}

// A reference that does not do is counted, as in the run lengths, and leaves the other detectors their runs; another error
// is returned.
func TestDelaysCountRefusals(t *testing.T) {
	const runs = 3
	s := Setup{Reference: 15, Seed: 30_104}
	t.Logf("seed %d", s.Seed)
	found, err := Delays(streams.Independent, s, streams.Changes()[:2], runs, Scan("scan", drift.Options{}), Never())
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range found {
		want := []int{runs, 0}[i%2]
		if d.Refused != want || len(d.Panes) != runs-want || d.Early != 0 {
			t.Errorf("%s, %s: %d refused and %d delays of %d runs, wanted %d refused", d.Change, d.Detector, d.Refused, len(d.Panes), d.Runs, want)
		}
	}
	if _, err := Delays(streams.Independent, s, streams.Changes()[:1], runs, Scan("scan", drift.Options{Simulations: 1})); err == nil || errors.Is(err, drift.ErrNotEnoughHistory) {
		t.Errorf("one simulation: %v", err)
	}
}

// A stream that changes for good again and again is followed by the rolling comparison.
func TestRollingFollowsChanges(t *testing.T) {
	const seed, segments, panes = 31_415, 6, 30
	t.Logf("seed %d", seed)
	s := Setup{Seed: seed}.withDefaults()
	m, err := s.mapOf(streams.AR5)
	if err != nil {
		t.Fatal(err)
	}
	src := streams.New(streams.AR5, seed+1)
	first := s.panes(m, src, panes)
	make, err := Rolling("rolling", drift.Options{Simulations: 60}).New(m, first, seed)
	if err != nil {
		t.Fatal(err)
	}
	d := make()
	var late, others int
	for i := 1; i < segments; i++ {
		level := float64(i) * .8
		found := -1
		for p := range panes {
			rows := src.Records(s.Records, nil)
			for k := 0; k < len(rows); k += streams.Channels {
				rows[k+3] += level
			}
			alarm, _ := d.Push(Pane(m, rows))
			switch {
			case alarm && found < 0 && p < 6:
				found = p
			case alarm:
				others++
			}
		}
		if found < 0 {
			late++
		}
	}
	if late > 0 || others > 1 {
		t.Errorf("%d of %d changes were not found within 6 panes, and %d other alarms", late, segments-1, others)
	}
}
