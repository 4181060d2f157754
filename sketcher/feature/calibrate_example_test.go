package feature_test

import (
	"fmt"
	"math/rand/v2"

	"phasor/sketcher/feature"
)

func ExampleCalibrate() {
	// A pilot of 2,000 records: a pump's temperature, and whether it runs.
	rng := rand.New(rand.NewPCG(1, 2))
	var pilot []float64
	for i := range 2000 {
		running := float64(i % 2)
		pilot = append(pilot, 20+40*running+rng.NormFloat64(), running)
	}
	spec, report, err := feature.Calibrate(pilot, feature.CalibrateOptions{
		Names: []string{"temperature", "running"},
		Seed:  1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for k, c := range spec.Channels {
		fmt.Printf("%s: %v, offset %.2g, scale %.2g\n", c.Name, c.Kind, spec.Offset[k], spec.Scale[k])
	}
	fmt.Printf("%d features, radii %.1f to %.1f\n", spec.Features, report.R0, report.R1)
	fmt.Printf("worth a generator: %t\n", report.Health >= 10)
	// Output:
	// temperature: continuous, offset 40, scale 0.05
	// running: discrete, offset 0.5, scale 2
	// 1024 features, radii 0.3 to 6.0
	// worth a generator: true
}
