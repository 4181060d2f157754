package main

import (
	"context"
	"math"
	"slices"
	"time"
)

// benchProbe measures something again and again.
type benchProbe struct {
	name     string
	measures []benchMeasure // of each run, the first one of the name alone
	wall     bool           // waits for others, so that CPU time says little
	prepare  func() error   // makes run ready, once
	run      func(ctx context.Context, least time.Duration) ([]float64, error)
}

// benchMeasure is one of the figures of a probe.
type benchMeasure struct{ suffix, unit string }

// The units, as they are printed. The two shares are fractions of 1, and printed in per cent.
const (
	perSecond  = "records/s"
	nsRecord   = "ns/record"
	cpuRecord  = "ns CPU/record"
	allocs     = "allocations/record"
	fmaSecond  = "multiply-adds/s"
	ofLimit    = "of the limit"
	ofSlots    = "of the slots"
	overKernel = "over the kernel alone"
	msStep     = "ms/step"
	usMerge    = "us/merge"
	usEncoding = "us/encoding"
	msSave     = "ms/save"
)

// timed is work that is timed apart from the work that it takes turns with.
type timed struct {
	do      func() (work float64, err error)
	work    float64
	seconds float64
}

func (p *timed) rate() float64 { return p.work / p.seconds }
func (p *timed) cost() float64 { return p.seconds / p.work }

// benchClock tells the time that has passed since some moment.
type benchClock func() time.Duration

var benchStart = time.Now()

func wallClock() time.Duration { return time.Since(benchStart) }

// cpuClock stands while other programs have the core. Where CPU time is not known it is the wall's.
func cpuClock() time.Duration {
	if t, ok := cpuTime(); ok {
		return t
	}
	return wallClock()
}

// takeTurns repeats parts until the first one has taken its least time. What slows the machine slows them all. Each
// part should last for a millisecond or so, beside which reading the clock is nothing.
func takeTurns(ctx context.Context, clock benchClock, least time.Duration, parts ...*timed) error {
	for _, p := range parts {
		p.work, p.seconds = 0, 0
	}
	for parts[0].seconds < least.Seconds() {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, p := range parts {
			began := clock()
			n, err := p.do()
			if err != nil {
				return err
			}
			p.seconds += (clock() - began).Seconds()
			p.work += n
		}
	}
	return nil
}

// benchFigure is what was measured of one name.
type benchFigure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"` // the median
	Unit  string  `json:"unit"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	Runs  int     `json:"runs"`
	Clock string  `json:"clock"` // cpu: time of this process; wall: time that passed

	first bool // of its probe
}

func newFigure(p *benchProbe, m benchMeasure, values []float64) benchFigure {
	f := benchFigure{Name: p.name, Value: median(values), Unit: m.unit, Min: slices.Min(values), Max: slices.Max(values), Runs: len(values), Clock: "cpu", first: m.suffix == ""}
	if !f.first {
		f.Name += "/" + m.suffix
	}
	if _, ok := cpuTime(); !ok || p.wall && m.unit != cpuRecord {
		f.Clock = "wall"
	}
	return f
}

// median returns the middle of the values, or the mean of the two middle ones.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}
