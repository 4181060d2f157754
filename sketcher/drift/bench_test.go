package drift

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkPush(b *testing.B) {
	ref, m, p := small(b, 81)
	s := NewScan(ref)
	a := pane(b, m, p.records(64, nil))
	b.ReportAllocs()
	for b.Loop() {
		s.Push(a)
	}
}

// BenchmarkCoordinates is the projection of a pane of the default 1024 features.
func BenchmarkCoordinates(b *testing.B) {
	p := newProcess(0, 83)
	m := newMapOf(b, p.records(3000, nil), 1024, 1)
	proj := NewProjection(m)
	a := pane(b, m, p.records(64, nil))
	var c []float64
	b.ReportAllocs()
	for b.Loop() {
		c = proj.Coordinates(c, a)
	}
}

// BenchmarkCalibrate is the cost of the thresholds of 200 panes of 100 coordinates.
func BenchmarkCalibrate(b *testing.B) {
	l := plain(84, 16)
	x := normalPanes(l, 200, .2, rand.New(rand.NewPCG(82, 0)))
	opt := mustOptions(b, Options{})
	for b.Loop() {
		calibrate(fit(l, x), opt)
	}
}
