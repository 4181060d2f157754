package generator

import (
	"errors"
	"fmt"
)

// ErrConfig is wrapped by every error about a configuration that cannot be fitted.
var ErrConfig = errors.New("invalid configuration")

// Config says how a generator is fitted. The zero value of a field stands for
// its default.
type Config struct {
	// Seed decides the first weights, the latents and the order of the
	// frequencies. Equal seeds give equal bits, whatever Threads is.
	Seed uint64
	// Steps is the number of optimiser steps; 4000, or 1000 from a warm start.
	Steps int
	// Batch is the number of records generated in a step; 512.
	Batch int
	// Hidden is the width of the three hidden layers; 64, or 128 for more than
	// 20 channels.
	Hidden int
	// Latent is the dimension of u: at least that of a record. Its default is
	// the larger of that and 16, or 8 for two channels.
	Latent int
	// LR is the learning rate at the start; 1e-2 for at most 2 channels, 5e-3
	// for at most 20, 3e-3 above, but at most 0.1 over the channels, and 2e-3 from
	// a warm start, with the same bound. It falls to one hundredth along half a
	// cosine.
	LR float64
	// Subset is the number of frequencies used in a step, about; 256. A sketch
	// with more takes turns over a random partition of them.
	Subset int
	// Threads is the number of goroutines that share a step; 1.
	Threads int
	// Full keeps a fit from finishing early once the sketch can no longer tell
	// it from the stream.
	Full bool
}

// Validate reports, wrapping [ErrConfig], a value that no fit can use.
func (c Config) Validate() error {
	const most = 1 << 24
	for _, f := range []struct {
		name  string
		value int
		least int
	}{
		{"Steps", c.Steps, 1}, {"Batch", c.Batch, 2}, {"Hidden", c.Hidden, 1},
		{"Latent", c.Latent, 1}, {"Subset", c.Subset, 1}, {"Threads", c.Threads, 1},
	} {
		if f.value != 0 && (f.value < f.least || f.value > most) {
			return fmt.Errorf("generator: %w: %s is %d: give %d to %d, or 0 for the default", ErrConfig, f.name, f.value, f.least, most)
		}
	}
	if !(c.LR >= 0 && c.LR <= 1) {
		return fmt.Errorf("generator: %w: LR is %v: give a rate in (0, 1], or 0 for the default", ErrConfig, c.LR)
	}
	return nil
}

const (
	defaultSteps  = 4000
	defaultBatch  = 512
	defaultSubset = 256
	warmSteps     = 1000
	warmRate      = 2e-3
	manyRate      = 0.1  // times the channels
	finalRate     = 0.01 // of the rate at the start
	decay         = 0.99 // of the average of the weights
)

// withDefaults fills in what is zero for records of dim channels.
func (c Config) withDefaults(dim int, warm bool) Config {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	// A channel's error from one step is that of the rate in each of its weights
	// together, and these grow with the channels: for many, 3e-3 is so much that
	// the directions of least variance are lost in it.
	most := manyRate / float64(dim)
	steps, rate := defaultSteps, min(3e-3, most)
	switch {
	case warm:
		steps, rate = warmSteps, min(warmRate, most)
	case dim <= 2:
		rate = 1e-2
	case dim <= 20:
		rate = 5e-3
	}
	if c.LR == 0 {
		c.LR = rate
	}
	set(&c.Steps, steps)
	set(&c.Batch, defaultBatch)
	set(&c.Subset, defaultSubset)
	set(&c.Threads, 1)
	if dim > 20 {
		set(&c.Hidden, 128)
	}
	set(&c.Hidden, 64)
	if dim == 2 {
		set(&c.Latent, 8)
	}
	set(&c.Latent, max(dim, 16))
	return c
}
