package evaluate

import (
	"errors"
	"math"
	"slices"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/streams"
	"phasor/sketcher/sketch"
)

// Delay is how long a detector takes to find a planted change.
type Delay struct {
	Stream, Change, Detector string
	Runs, Early              int       // runs, and those with an alarm before the change, which are left out
	Refused                  int       // runs of which the reference did not do, left out too
	Panes                    []float64 // until the alarm, by run, ascending; +Inf: not within the stretch
	Named                    int       // alarms that name the channel that changed
	Wrong                    int       // other channels that alarms name
}

// Median returns the median delay in panes, and the share of runs that missed the change.
func (d Delay) Median() (panes, missed float64) {
	n := len(d.Panes)
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	i, _ := slices.BinarySearch(d.Panes, math.Inf(1))
	return d.Panes[(n-1)/2], float64(n-i) / float64(n)
}

// The quiet panes between reference and change, and those after it.
const (
	quietBefore = 60
	stretch     = 260
)

// Delays plants changes into streams, each into so many, and watches for their alarms.
func Delays(k streams.Kind, s Setup, changes []streams.Change, runs int, makers ...Maker) ([]Delay, error) {
	s = s.withDefaults()
	m, err := s.mapOf(k)
	if err != nil {
		return nil, err
	}
	out := make([]Delay, 0, len(changes)*len(makers))
	for _, c := range changes {
		for _, maker := range makers {
			out = append(out, Delay{Stream: k.Name, Change: c.Name, Detector: maker.Name, Runs: runs})
		}
	}
	type found struct {
		panes                 float64
		refused, early, named bool
		wrong                 int
	}
	all := make([][]found, runs)
	err = parallel(runs, func(i int) error {
		src := streams.New(k, s.trialSeed(i))
		past := append(s.panes(m, src, s.Reference), s.panes(m, src, quietBefore)...)
		fresh := make([]func() Detector, len(makers))
		for j, maker := range makers {
			d, err := maker.New(m, past[:s.Reference], s.trialSeed(i))
			if errors.Is(err, drift.ErrNotEnoughHistory) {
				continue
			}
			if err != nil {
				return err
			}
			fresh[j] = d
		}
		for _, c := range changes {
			after := src.Clone()
			next := make([]*sketch.Accumulator, stretch)
			for t := range next {
				next[t] = Pane(m, after.Records(s.Records, c.Shift))
			}
			for _, detector := range fresh {
				if detector == nil {
					all[i] = append(all[i], found{refused: true})
					continue
				}
				f, d := found{panes: math.Inf(1)}, detector()
				for _, a := range past[s.Reference:] {
					alarm, _ := d.Push(a)
					f.early = f.early || alarm
				}
				for t, a := range next {
					alarm, channels := d.Push(a)
					if !alarm {
						continue
					}
					f.panes = float64(t + 1)
					for _, name := range channels {
						if name == c.Channel {
							f.named = true
						} else {
							f.wrong++
						}
					}
					break
				}
				all[i] = append(all[i], f)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for j := range out {
		for _, run := range all {
			switch f := run[j]; {
			case f.refused:
				out[j].Refused++
			case f.early:
				out[j].Early++
			default:
				out[j].Panes = append(out[j].Panes, f.panes)
				out[j].Wrong += f.wrong
				if f.named {
					out[j].Named++
				}
			}
		}
		slices.Sort(out[j].Panes)
	}
	return out, nil
}
