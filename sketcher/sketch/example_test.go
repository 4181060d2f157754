package sketch_test

import (
	"fmt"
	"math/cmplx"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// Two partitions of a stream are sketched apart, and merged.
func Example() {
	spec := &feature.Spec{
		Channels: []feature.Channel{{Name: "temperature"}},
		Features: 32,
		Omega:    make([]int32, 32),
		Offset:   []float64{20},
		Scale:    []float64{0.5}, // a standard unit is 2 degrees
		Edges:    make([]int32, feature.Bins+1),
		Values:   make([]int32, feature.Bins),
	}
	for j := range spec.Omega {
		spec.Omega[j] = int32(j) * feature.Unit / 8 // j/8 turns per standard unit
	}
	for b := range spec.Edges {
		spec.Edges[b] = int32(b-64) * feature.Unit / 16
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, b := sketch.New(m), sketch.New(m)
	q := make([]int32, 1)
	for i := range 1000 {
		if !m.Quantise(q, []float64{20 + float64(i%5)}) {
			continue // not finite
		}
		if i%3 == 0 {
			a.Fold(q)
		} else {
			b.Fold(q)
		}
	}
	if err := a.Merge(b); err != nil {
		fmt.Println(err)
		return
	}
	z := a.Phasor(nil)
	fmt.Println(a.Count(), "records")
	fmt.Printf("|z_0| = %.3f, |z_4| = %.3f, |z_8| = %.3f\n", cmplx.Abs(z[0]), cmplx.Abs(z[4]), cmplx.Abs(z[8]))
	fmt.Printf("mean %.3f standard units above the offset\n", a.Mean(nil)[0])
	// Output:
	// 1000 records
	// |z_0| = 1.000, |z_4| = 0.200, |z_8| = 0.200
	// mean 1.000 standard units above the offset
}
