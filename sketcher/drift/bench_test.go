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

// BenchmarkCalibrate is the cost of the thresholds of 200 panes of 100 coordinates.
func BenchmarkCalibrate(b *testing.B) {
	l := plain(84, 16)
	x := normalPanes(l, 200, .2, rand.New(rand.NewPCG(82, 0)))
	opt := mustOptions(b, Options{})
	for b.Loop() {
		calibrate(fit(l, x), opt)
	}
}
