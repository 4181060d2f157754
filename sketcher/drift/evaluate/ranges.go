package evaluate

import (
	"errors"
	"math"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/streams"
)

// Level is how often tests of two ranges without a change call one.
type Level struct {
	Stream         string
	Window, Trials int
	Refused        int // not enough history
	Five, One      int // p-values below 5 % and 1 %
}

// Rates returns the shares of p-values below 5 % and 1 % of the tests that gave one, and
// their standard errors; NaN without any.
func (l Level) Rates() (five, fiveSE, one, oneSE float64) {
	n := float64(l.Trials - l.Refused)
	five, one = float64(l.Five)/n, float64(l.One)/n
	return five, math.Sqrt(five * (1 - five) / n), one, math.Sqrt(one * (1 - one) / n)
}

// TwoRanges tests, in so many trials, window panes that follow a reference.
func TwoRanges(k streams.Kind, s Setup, window, trials int, opt drift.Options) (Level, error) {
	s = s.withDefaults()
	m, err := s.mapOf(k)
	if err != nil {
		return Level{}, err
	}
	p := make([]float64, trials)
	err = parallel(trials, func(i int) error {
		src := streams.New(k, s.trialSeed(i))
		past := s.panes(m, src, s.Reference)
		r, err := drift.TwoRanges(past, s.panes(m, src, window), opt)
		if p[i] = r.PValue; errors.Is(err, drift.ErrNotEnoughHistory) {
			p[i], err = math.NaN(), nil
		}
		return err
	})
	l := Level{Stream: k.Name, Window: window, Trials: trials}
	for _, p := range p {
		switch {
		case math.IsNaN(p):
			l.Refused++
		case p < .01:
			l.One++
			fallthrough
		case p < .05:
			l.Five++
		}
	}
	return l, err
}
