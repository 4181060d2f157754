package mixture_test

import (
	"fmt"
	"math/rand/v2"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/mixture"
)

// Two kinds of days, told apart by a sketch that holds neither of them.
func ExampleFit() {
	rng := rand.New(rand.NewPCG(1, 2))
	var x []float64
	for range 20_000 {
		if rng.IntN(4) == 0 {
			x = append(x, 80+2*rng.NormFloat64())
		} else {
			x = append(x, 20+5*rng.NormFloat64())
		}
	}
	spec, _, err := feature.Calibrate(x[:5000], feature.CalibrateOptions{Names: []string{"load"}, Seed: 1})
	if err != nil {
		panic(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		panic(err)
	}
	a := sketch.New(m)
	q := make([]int32, 1)
	for i := range x {
		m.Quantise(q, x[i:i+1])
		a.Fold(q)
	}
	target, err := mixture.NewTarget(a)
	if err != nil {
		panic(err)
	}
	fitted, err := mixture.Fit(target, mixture.Options{Components: 2, Seed: 1})
	if err != nil {
		panic(err)
	}
	for k, w := range fitted.Weights {
		fmt.Printf("%.1f of the records around %.0f\n", w, fitted.Physical(fitted.Means[k])[0])
	}
	// Output:
	// 0.8 of the records around 20
	// 0.2 of the records around 80
}
