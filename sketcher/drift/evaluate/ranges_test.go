package evaluate

import (
	"math"
	"os"
	"testing"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/streams"
)

func long() bool { return os.Getenv("PHASOR_LONG") == "1" }

// above reports whether so many of n trials are more than a rate explains, by four
// standard deviations: a false failure in some 30,000 runs of a test at the rate itself.
func above(found, n int, rate float64) bool {
	return float64(found) > float64(n)*rate+4*math.Sqrt(float64(n)*rate*(1-rate))
}

// Two equal ranges are called different about as often as the level says, whatever the
// dependence between records. The rates that are allowed for are those of the names.
func TestTwoRangesHoldTheirLevel(t *testing.T) {
	trials := 40
	if long() {
		trials = 1000
	}
	for _, c := range []struct {
		kind              streams.Kind
		reference, window int
		most              float64 // times the level; 0: no bound, the figure is for the reader
		least             float64 // times the level
		slow              bool
	}{
		{streams.Independent, 200, 32, 1.5, .5, false},
		{streams.AR5, 200, 32, 1.5, .5, true},
		{streams.AR9, 200, 32, 1.5, .5, false},
		{streams.AR9, 200, 64, 1.5, .5, true},
		{streams.AR98, 400, 64, 2, 0, true},
		{streams.Season1000, 200, 32, 2, 0, true},
		{streams.Mixed, 400, 64, 0, 0, true},
		{streams.Heavy, 200, 32, 0, 0, true},
	} {
		if c.slow && !long() {
			continue
		}
		s := Setup{Reference: c.reference, Seed: 61_803}
		l, err := TwoRanges(c.kind, s, c.window, trials, drift.Options{})
		if err != nil {
			t.Fatal(err)
		}
		five, fiveSE, one, oneSE := l.Rates()
		t.Logf("seed %d, %s, %d panes against %d: %.3f ± %.3f below 5 %%, %.3f ± %.3f below 1 %%, %d of %d refused", s.Seed, c.kind.Name, c.window, c.reference, five, fiveSE, one, oneSE, l.Refused, trials)
		n := trials - l.Refused
		if c.most > 0 && (above(l.Five, n, c.most*.05) || above(l.One, n, c.most*.01) || n < trials*9/10) {
			t.Errorf("%s: more than %v times the level, or too many refused", c.kind.Name, c.most)
		}
		if c.least > 0 && long() && above(n-l.Five, n, 1-c.least*.05) {
			t.Errorf("%s: less than %v times the level", c.kind.Name, c.least)
		}
	}
}

// What the panes cannot show is refused, not guessed.
func TestNotEnoughHistoryIsSaid(t *testing.T) {
	for _, c := range []struct {
		kind              streams.Kind
		reference, window int
	}{
		{streams.Season20000, 200, 32}, // a season longer than the reference
		{streams.Independent, 60, 16},  // too few panes for 1 %
	} {
		s := Setup{Reference: c.reference, Seed: 27_182}
		l, err := TwoRanges(c.kind, s, c.window, 10, drift.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d, %s, %d panes against %d: %d of %d refused", s.Seed, c.kind.Name, c.window, c.reference, l.Refused, l.Trials)
		if l.Refused != l.Trials {
			t.Errorf("%s, %d panes: %d of %d refused", c.kind.Name, c.reference, l.Refused, l.Trials)
		}
	}
}
