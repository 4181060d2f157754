package generator_test

import (
	"fmt"
	"math/rand/v2"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
)

// A pump is on or off; its flow is 3 when it is on and 0 when it is off. The
// records are folded into a sketch, and the generator sees the sketch alone.
func Example() {
	rng := rand.New(rand.NewPCG(1, 2))
	var records []float64
	for range 5000 {
		on := float64(rng.IntN(2))
		records = append(records, on, 3*on)
	}
	spec, _, err := feature.Calibrate(records, feature.CalibrateOptions{Names: []string{"on", "flow"}, Features: 64})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	acc := sketch.New(m)
	q := make([]int32, 2)
	for i := 0; i < len(records); i += 2 {
		m.Quantise(q, records[i:i+2])
		acc.Fold(q)
	}

	target, err := generator.NewTarget(acc)
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: 300, Hidden: 16}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := f.Step(300); err != nil {
		fmt.Println(err)
		return
	}
	seen := map[[2]float64]int{}
	x := f.Model().Sample(1000, 7)
	for i := 0; i < len(x); i += 2 {
		seen[[2]float64{x[i], x[i+1]}]++
	}
	fmt.Println("off without flow:", seen[[2]float64{0, 0}] > 400)
	fmt.Println("on with a flow of 3:", seen[[2]float64{1, 3}] > 400)
	// Output:
	// off without flow: true
	// on with a flow of 3: true
}
