package snapshot_test

import (
	"math/rand/v2"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// wideState is the state of a partition at d = 10, m = 1024 with 4 open panes.
func wideState(b *testing.B) *snapshot.State {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	names := make([]string, 10)
	for k := range names {
		names[k] = string(rune('a' + k))
	}
	pilot := make([]float64, 10*1000)
	for i := range pilot {
		pilot[i] = rng.NormFloat64()
	}
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: names, Features: 1024, Seed: 1})
	must(b, err)
	m, err := feature.NewMap(spec)
	must(b, err)
	s := stateAt(m, partition(0), 1)
	s.Open = map[int64]*sketch.Accumulator{}
	for i := range int64(4) {
		s.Open[i*minute] = fold(m, uint64(i), 100)
	}
	return s
}

func BenchmarkEncodeState(b *testing.B) {
	s := wideState(b)
	b.SetBytes(int64(len(encode(b, s))))
	for b.Loop() {
		encode(b, s)
	}
}

func BenchmarkDecodeState(b *testing.B) {
	data := encode(b, wideState(b))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := snapshot.DecodeState(data); err != nil {
			b.Fatal(err)
		}
	}
}
