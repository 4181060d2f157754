package evaluate

import (
	"errors"
	"math"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/streams"
)

// RunLength is how often a quiet stream raised an alarm. A run ends with its first one.
type RunLength struct {
	Stream, Detector string
	Runs, Refused    int
	Panes            int // scanned in all runs
	Alarms           int // runs that ended with one
}

// Panes between false alarms and its standard error, +Inf without an alarm.
func (r RunLength) Mean() (panes, se float64) {
	if r.Alarms == 0 {
		return math.Inf(1), math.Inf(1)
	}
	panes = float64(r.Panes) / float64(r.Alarms)
	return panes, panes / math.Sqrt(float64(r.Alarms))
}

// RunLengths watches so many quiet streams for so many panes each.
func RunLengths(k streams.Kind, s Setup, runs, panes int, makers ...Maker) ([]RunLength, error) {
	s = s.withDefaults()
	m, err := s.mapOf(k)
	if err != nil {
		return nil, err
	}
	type run struct {
		panes   int
		alarm   bool
		refused bool
	}
	all := make([][]run, runs)
	err = parallel(runs, func(i int) error {
		src := streams.New(k, s.trialSeed(i))
		past := s.panes(m, src, s.Reference)
		all[i] = make([]run, len(makers))
		detectors := make([]Detector, len(makers))
		quiet := 0
		for j, maker := range makers {
			d, err := maker.New(m, past, s.trialSeed(i))
			if errors.Is(err, drift.ErrNotEnoughHistory) {
				all[i][j].refused = true
				continue
			}
			if err != nil {
				return err
			}
			detectors[j] = d()
			quiet++
		}
		for t := 0; t < panes && quiet > 0; t++ {
			a := Pane(m, src.Records(s.Records, nil))
			for j, d := range detectors {
				if d == nil {
					continue
				}
				all[i][j].panes++
				if alarm, _ := d.Push(a); alarm {
					all[i][j].alarm, detectors[j] = true, nil
					quiet--
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]RunLength, len(makers))
	for j, maker := range makers {
		out[j] = RunLength{Stream: k.Name, Detector: maker.Name, Runs: runs}
		for _, r := range all {
			out[j].Panes += r[j].panes
			if r[j].alarm {
				out[j].Alarms++
			}
			if r[j].refused {
				out[j].Refused++
			}
		}
	}
	return out, nil
}
