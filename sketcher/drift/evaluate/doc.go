// Package evaluate measures what detectors of drift do on streams of known truth: how
// often a quiet stream raises an alarm, and how long a planted change takes to raise one.
//
// Trials are independent streams of their own seeds, each with a reference of its own, so
// the errors of a rate are binomial over trials. The feature map of a stream is that of a
// pilot of 10,000 records.
package evaluate

import (
	"fmt"
	"runtime"
	"sync"

	"phasor/sketcher/drift/streams"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// Setup says how panes are made.
type Setup struct {
	Features  int    // of the map; 256
	Reference int    // panes; 200
	Records   int    // of a pane; 64
	Seed      uint64 // of the pilot, and from which the trials' seeds follow
}

func (s Setup) withDefaults() Setup {
	if s.Features == 0 {
		s.Features = 256
	}
	if s.Reference == 0 {
		s.Reference = 200
	}
	if s.Records == 0 {
		s.Records = 64
	}
	return s
}

// pilot is the number of records that a map is calibrated on.
const pilot = 10_000

// MapOf returns the map of a pilot by rows of d channels.
func MapOf(rows []float64, names []string, features int, seed uint64) (*feature.Map, error) {
	spec, _, err := feature.Calibrate(rows, feature.CalibrateOptions{Names: names, Features: features, Seed: seed})
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return feature.NewMap(spec)
}

// Pane returns the sketch of records by rows.
func Pane(m *feature.Map, rows []float64) *sketch.Accumulator {
	d := m.Dim()
	q := make([]int32, 0, len(rows))
	row := make([]int32, d)
	for i := 0; i+d <= len(rows); i += d {
		if m.Quantise(row, rows[i:i+d]) {
			q = append(q, row...)
		}
	}
	a := sketch.New(m)
	a.Fold(q)
	return a
}

func (s Setup) mapOf(k streams.Kind) (*feature.Map, error) {
	return MapOf(streams.New(k, s.Seed).Records(pilot, nil), streams.Names(), s.Features, s.Seed)
}

func (s Setup) panes(m *feature.Map, src *streams.Source, n int) []*sketch.Accumulator {
	p := make([]*sketch.Accumulator, n)
	for i := range p {
		p[i] = Pane(m, src.Records(s.Records, nil))
	}
	return p
}

// trialSeed gives trial i a seed that no other trial of a setup has.
func (s Setup) trialSeed(i int) uint64 { return s.Seed*1_000_003 + uint64(i) + 1 }

// parallel calls f for 0 to n-1 on all processors and returns the first error.
func parallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range n {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			errs[i] = f(i)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
