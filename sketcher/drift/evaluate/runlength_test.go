package evaluate

import (
	"errors"
	"math"
	"testing"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/streams"
)

// A quiet stream raises at most the one alarm in 1,000 panes that was asked for. Reduced
// runs allow for their chance by four standard deviations.
func TestRunLengths(t *testing.T) {
	runs, panes, simulations := 3, 250, 60
	if long() {
		runs, panes, simulations = 200, 2000, 300
	}
	const asked = 1000
	scan := drift.Options{ARL: asked, Simulations: simulations}
	sr := drift.Options{ARL: asked, Simulations: simulations, Method: drift.ShiryaevRoberts}
	for _, c := range []struct {
		kind      streams.Kind
		reference int
		least     float64 // panes between false alarms
		slow      bool
	}{
		{streams.Independent, 200, asked, false},
		{streams.AR5, 200, asked, true},
		{streams.AR9, 200, asked, false},
		{streams.Mixed, 400, 400, true},
	} {
		if c.slow && !long() {
			continue
		}
		s := Setup{Reference: c.reference, Seed: 57_721}
		found, err := RunLengths(c.kind, s, runs, panes, Scan("scan", scan), Scan("Shiryaev-Roberts", sr), ZTest(asked))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			mean, se := r.Mean()
			t.Logf("seed %d, %s, %s: %d alarms in %d runs and %d panes, one in %.0f ± %.0f, %d refused", s.Seed, r.Stream, r.Detector, r.Alarms, r.Runs, r.Panes, mean, se, r.Refused)
			if expected := float64(r.Panes) / c.least; r.Detector != "z-test by channel" && float64(r.Alarms) > expected+4*math.Sqrt(expected)+1 {
				t.Errorf("%s on %s: %d alarms where %.1f are expected", r.Detector, r.Stream, r.Alarms, expected)
			}
		}
		// The test that ignores the dependence is the measure of what it costs to do so.
		if z := found[2]; c.kind.Name == streams.AR9.Name && z.Alarms != z.Runs {
			t.Errorf("a z-test of dependent records raised an alarm in %d of %d runs only", z.Alarms, z.Runs)
		}
	}
}

// So does the rolling comparison, which has no reference but what it has seen. Reduced runs
// notice when most of them raise an alarm.
func TestRollingRunLengths(t *testing.T) {
	runs, reference, panes, simulations := 5, 60, 60, 60
	if long() {
		runs, reference, panes, simulations = 24, 200, 800, 300
	}
	const asked = 1000
	rolling := Rolling("rolling", drift.Options{ARL: asked, Simulations: simulations})
	for _, k := range []streams.Kind{streams.Independent, streams.AR9} {
		s := Setup{Reference: reference, Seed: 16_180}
		found, err := RunLengths(k, s, runs, panes, rolling)
		if err != nil {
			t.Fatal(err)
		}
		r := found[0]
		mean, se := r.Mean()
		t.Logf("seed %d, %s, %s: %d alarms in %d runs and %d panes, one in %.0f ± %.0f", s.Seed, r.Stream, r.Detector, r.Alarms, r.Runs, r.Panes, mean, se)
		if expected := float64(r.Panes) / asked; float64(r.Alarms) > expected+4*math.Sqrt(expected)+1 {
			t.Errorf("rolling on %s: %d alarms where %.1f are expected", r.Stream, r.Alarms, expected)
		}
	}
}

func TestDummies(t *testing.T) {
	s := Setup{Reference: 20, Seed: 14_142}
	found, err := RunLengths(streams.Independent, s, 3, 25, Every(10), Never(), Scan("refused", drift.Options{Windows: []int{1}, Simulations: 20}))
	if err != nil {
		t.Fatal(err)
	}
	if e := found[0]; e.Alarms != 3 || e.Panes != 30 {
		t.Errorf("an alarm at every 10th pane: %+v", e)
	}
	if n := found[1]; n.Alarms != 0 || n.Panes != 75 {
		t.Errorf("no alarm: %+v", n)
	}
	if mean, _ := found[1].Mean(); !math.IsInf(mean, 1) {
		t.Errorf("a mean of %v panes without an alarm", mean)
	}
	s.Reference = 10
	if found, err = RunLengths(streams.Independent, s, 2, 5, Scan("scan", drift.Options{})); err != nil || found[0].Refused != 2 || found[0].Panes != 0 {
		t.Errorf("10 panes: %+v, %v", found, err)
	}
	if _, err := RunLengths(streams.Independent, s, 1, 1, Scan("scan", drift.Options{ARL: -1})); err == nil || errors.Is(err, drift.ErrNotEnoughHistory) {
		t.Errorf("options that are wrong: %v", err)
	}
}
