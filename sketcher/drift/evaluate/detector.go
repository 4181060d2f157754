package evaluate

import (
	"math"

	"phasor/sketcher/drift"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// A Detector watches panes.
type Detector interface {
	// Push takes the next pane. The channels that it names are valid until the next Push.
	Push(*sketch.Accumulator) (alarm bool, channels []string)
}

// A Maker calibrates on a reference of panes, with a seed for what it draws, and returns a
// function that makes as many detectors of it as are wanted. Its error wraps
// drift.ErrNotEnoughHistory if the reference does not do.
type Maker struct {
	Name string
	New  func(m *feature.Map, reference []*sketch.Accumulator, seed uint64) (func() Detector, error)
}

// Scan is the pane scan with a threshold for one false alarm in so many panes.
func Scan(name string, opt drift.Options) Maker {
	return Maker{name, func(m *feature.Map, reference []*sketch.Accumulator, seed uint64) (func() Detector, error) {
		opt := opt
		opt.Seed = seed
		r, err := drift.NewReference(drift.NewProjection(m, opt.Groups...), reference, opt)
		if err != nil {
			return nil, err
		}
		return func() Detector { return &scan{drift.NewScan(r)} }, nil
	}}
}

type scan struct{ s *drift.Scan }

func (s *scan) Push(a *sketch.Accumulator) (bool, []string) {
	r := s.s.Push(a)
	return r.Alarm, r.Channels
}

// Rolling is the rolling comparison, which sees the reference as its first panes.
func Rolling(name string, opt drift.Options) Maker {
	return Maker{name, func(m *feature.Map, reference []*sketch.Accumulator, seed uint64) (func() Detector, error) {
		opt := opt
		opt.Seed = seed
		r, err := drift.NewRolling(drift.NewProjection(m, opt.Groups...), opt)
		if err != nil {
			return nil, err
		}
		for _, a := range reference {
			if _, err := r.Push(a); err != nil {
				return nil, err
			}
		}
		return func() Detector { return &rolling{r.Clone()} }, nil
	}}
}

type rolling struct{ r *drift.Rolling }

func (r *rolling) Push(a *sketch.Accumulator) (bool, []string) {
	res, err := r.r.Push(a)
	return err == nil && res.Alarm, res.Channels
}

// Every raises an alarm at every n-th pane, whatever is in it.
func Every(n int) Maker {
	return Maker{"alarm every n", func(*feature.Map, []*sketch.Accumulator, uint64) (func() Detector, error) {
		return func() Detector { return &every{n: n} }, nil
	}}
}

type every struct{ n, seen int }

func (e *every) Push(*sketch.Accumulator) (bool, []string) {
	e.seen++
	return e.seen%e.n == 0, nil
}

// Never raises no alarm.
func Never() Maker {
	return Maker{"never", func(*feature.Map, []*sketch.Accumulator, uint64) (func() Detector, error) {
		return func() Detector { return &every{n: math.MaxInt} }, nil
	}}
}

// ZTest compares each channel's mean of a pane with that of the reference, as if records
// were independent, at the level that gives one false alarm in arl panes if they are.
func ZTest(arl float64) Maker {
	return Maker{"z-test by channel", func(_ *feature.Map, reference []*sketch.Accumulator, _ uint64) (func() Detector, error) {
		var all *sketch.Accumulator
		for _, a := range reference {
			if all == nil {
				all = a.Clone()
			} else if err := all.Merge(a); err != nil {
				return nil, err
			}
		}
		z := &zTest{mean: all.Mean(nil), records: float64(all.Count()), names: all.Channels()}
		d := all.Dim()
		cov := all.Covariance(nil)
		z.variance = make([]float64, d)
		for k := range d {
			if z.variance[k] = cov[k]; len(cov) == d*d {
				z.variance[k] = cov[k*d+k]
			}
		}
		z.limit = math.Sqrt2 * math.Erfinv(1-1/(arl*float64(d)))
		return func() Detector { c := *z; return &c }, nil
	}}
}

type zTest struct {
	mean, variance []float64
	records, limit float64
	names, moved   []string
	now            []float64
}

func (z *zTest) Push(a *sketch.Accumulator) (bool, []string) {
	z.now = a.Mean(nil)
	z.moved = nil
	for k, v := range z.now {
		if math.Abs(v-z.mean[k]) > z.limit*math.Sqrt(z.variance[k]*(1/float64(a.Count())+1/z.records)) {
			z.moved = append(z.moved, z.names[k])
		}
	}
	return len(z.moved) > 0, z.moved
}
