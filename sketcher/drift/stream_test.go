package drift

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"phasor/sketcher/drift/streams"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

func long() bool { return os.Getenv("PHASOR_LONG") == "1" }

const channels = streams.Channels

var names = streams.Names()

// process is a stream of which the records and panes are taken.
type process struct {
	*streams.Source
	rng *rand.Rand // for changes that draw
}

func newProcess(rho float64, seed uint64) *process { return newStream(streams.AR(rho), seed) }

func newStream(k streams.Kind, seed uint64) *process {
	return &process{streams.New(k, seed), rand.New(rand.NewPCG(seed, 8))}
}

// records returns n records, changed by f if it is not nil.
func (p *process) records(n int, f func(x *[channels]float64)) []float64 {
	if f == nil {
		return p.Records(n, nil)
	}
	return p.Records(n, func(x *streams.Record, _ *rand.Rand) { f(x) })
}

var maps sync.Map

// streamMap returns the map that 10,000 records of a stream with this dependence give.
func streamMap(t testing.TB, rho float64) *feature.Map {
	t.Helper()
	if m, ok := maps.Load(rho); ok {
		return m.(*feature.Map)
	}
	m := newMap(t, newProcess(rho, 1000).records(10_000, nil), 1)
	maps.Store(rho, m)
	return m
}

func newMap(t testing.TB, pilot []float64, seed uint64) *feature.Map {
	t.Helper()
	return newMapOf(t, pilot, 256, seed)
}

func newMapOf(t testing.TB, pilot []float64, features int, seed uint64) *feature.Map {
	t.Helper()
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: names, Features: features, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func pane(t testing.TB, m *feature.Map, x []float64) *sketch.Accumulator {
	t.Helper()
	a := sketch.New(m)
	q := make([]int32, len(x))
	for i := 0; i < len(x); i += m.Dim() {
		if !m.Quantise(q[i:i+m.Dim()], x[i:i+m.Dim()]) {
			t.Fatal("a record is not finite")
		}
	}
	a.Fold(q)
	return a
}

func (p *process) panes(t testing.TB, m *feature.Map, n, records int, f func(x *[channels]float64)) []*sketch.Accumulator {
	t.Helper()
	out := make([]*sketch.Accumulator, n)
	for i := range out {
		out[i] = pane(t, m, p.records(records, f))
	}
	return out
}
