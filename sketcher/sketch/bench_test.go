package sketch

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"phasor/sketcher/feature/featuretest"
)

func BenchmarkFold(b *testing.B) {
	for _, shape := range [][2]int{{2, 1024}, {8, 1024}, {10, 1024}, {16, 2048}, {52, 4096}, {128, 4096}} {
		d, m := shape[0], shape[1]
		b.Run(fmt.Sprintf("d=%d/m=%d", d, m), func(b *testing.B) {
			const n = 500
			a := New(featuretest.Map(1, d, m))
			q := featuretest.Quantised(rand.New(rand.NewPCG(1, 1)), n, d)
			for b.Loop() {
				a.Fold(q)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkMerge(b *testing.B) {
	m := featuretest.Map(1, 10, 1024)
	a, o := New(m), folded(m, featuretest.Quantised(rand.New(rand.NewPCG(1, 1)), 500, 10))
	for b.Loop() {
		if err := a.Merge(o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	a := folded(featuretest.Map(1, 10, 1024), featuretest.Quantised(rand.New(rand.NewPCG(1, 1)), 500, 10))
	for b.Loop() {
		if _, err := a.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCovariance(b *testing.B) {
	var dst []float64
	a := folded(featuretest.Map(1, 10, 1024), featuretest.Quantised(rand.New(rand.NewPCG(1, 1)), 500, 10))
	for b.Loop() {
		dst = a.Covariance(dst)
	}
}
