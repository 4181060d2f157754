package generator

import (
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// accumulate calibrates on the first records of x, at most 10,000, and sketches
// all of them.
func accumulate(t testing.TB, x []float64, opt feature.CalibrateOptions) *sketch.Accumulator {
	t.Helper()
	d := len(opt.Names)
	spec, _, err := feature.Calibrate(x[:min(len(x), 10000*d)], opt)
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	return fold(t, m, x)
}

// fold sketches the records x under a map.
func fold(t testing.TB, m *feature.Map, x []float64) *sketch.Accumulator {
	t.Helper()
	d := m.Dim()
	a := sketch.New(m)
	q := make([]int32, len(x))
	for i := 0; i < len(x); i += d {
		if !m.Quantise(q[i:i+d], x[i:i+d]) {
			t.Fatalf("record %d is not finite", i/d)
		}
	}
	a.Fold(q)
	return a
}

func names(d int) []string {
	n := make([]string, d)
	for k := range n {
		n[k] = string(rune('a' + k))
	}
	return n
}

// targetOf calibrates 256 frequencies, sketches and reads the target of x.
func targetOf(t testing.TB, x []float64, d int, seed uint64) *Target {
	t.Helper()
	target, err := NewTarget(accumulate(t, x, feature.CalibrateOptions{Names: names(d), Seed: seed, Features: 256}))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// fitted fits a model to a target with a configuration.
func fitted(t testing.TB, target *Target, c Config) *Model {
	t.Helper()
	f, err := NewFitter(target, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Step(1 << 20); err != nil {
		t.Fatal(err)
	}
	return f.Model()
}

// skipRaced leaves out a test whose numbers take long under the race detector
// and whose code other tests run on several goroutines.
func skipRaced(t testing.TB) {
	t.Helper()
	if raced {
		t.Skip("the race detector has other tests of this code")
	}
}
