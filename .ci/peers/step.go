package main

import (
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
)

// stepFeatures are so many that at least 1024 are fitted: a tenth is held out.
const stepFeatures = 1152

// stepTasks is one optimiser step of a generator: 1024 latents, drawn anew, through a network with three hidden layers
// of 128, all 1037 fitted frequencies, backward, Adam.
func stepTasks() ([]task, error) {
	m, err := feature.NewMap(spec(dim, stepFeatures))
	if err != nil {
		return nil, err
	}
	x, q := vectors(20*batch, dim), make([]int32, 20*batch*dim)
	if err := quantise(m, q, x); err != nil {
		return nil, err
	}
	a := sketch.New(m)
	a.Fold(q)
	target, err := generator.NewTarget(a)
	if err != nil {
		return nil, err
	}
	f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: 1 << 24, Full: true, Batch: 1024, Subset: stepFeatures, Hidden: 128}, nil)
	if err != nil {
		return nil, err
	}
	return []task{{"step", func() (float64, error) { return 1, f.Step(1) }}}, nil
}
