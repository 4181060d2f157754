package generator

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"phasor/trainer/generator/internal/draw"
	"phasor/trainer/generator/optim"
)

// ErrDiverged is wrapped by the error of a fit whose loss is no longer a number.
var ErrDiverged = errors.New("fit diverged")

const (
	// warmRecords is the number of equivalent records above which a served
	// model is worth starting from.
	warmRecords = 100
	// checkEvery is the number of steps between two looks at whether the
	// sketch can still tell the generator from the stream.
	checkEvery = 500
	// matchedRecords is the number of equivalent records that is enough to end
	// a fit early.
	matchedRecords = 20000
	// memory is the weight of the past in the running loss.
	memory = 0.98
)

// Fitter fits a generator to a target, step by step. It is not safe for
// concurrent use.
type Fitter struct {
	target   *Target
	config   Config
	warm     bool
	shape    shape
	flat     []float32 // weights
	weights  weights
	mean     []float32 // their running average, which is served
	adam     *optim.Adam
	schedule optim.Cosine
	step     int
	loss     float64
	early    bool // the sketch was matched and the annealing brought forward
	diverged error
	stepper  *stepper
	model    *Model // of the current step, or nil
}

// NewFitter prepares a fit. A warm model of the same feature map and size is
// the start if it is worth more than 100 equivalent records on the target; if
// not, or if warm is nil, the fit starts from the sketch's mean and covariance.
// Errors wrap [ErrConfig].
func NewFitter(t *Target, c Config, warm *Model) (*Fitter, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	cold := c.withDefaults(t.problem.dim, false)
	s := shape{cold.Latent, cold.Hidden, t.problem.dim}
	if s.latent < s.dim {
		return nil, fmt.Errorf("generator: %w: Latent is %d for %d channels: give at least as many latents as channels, or 0", ErrConfig, s.latent, s.dim)
	}
	f := &Fitter{target: t, shape: s}
	if warm != nil && warm.shape == s && warm.fingerprint == t.fingerprint {
		e := t.evaluate(warm, c.Seed, quickGroups, cold.Threads)
		f.warm = e.EquivalentRecords > warmRecords
	}
	f.config = c.withDefaults(s.dim, f.warm)
	if f.warm {
		f.flat = slices.Clone(warm.flat)
	} else {
		f.flat = s.start(t.mean, t.covariance, c.Seed)
	}
	f.mean = slices.Clone(f.flat)
	f.adam = optim.NewAdam(len(f.flat))
	f.schedule = optim.Cosine{Start: f.config.LR, End: finalRate * f.config.LR, To: f.config.Steps}
	f.prepare()
	return f, nil
}

// prepare makes what follows from the rest.
func (f *Fitter) prepare() {
	f.weights = f.shape.view(f.flat)
	f.stepper = newStepper(f.target.problem, f.shape, f.config)
}

// Step takes n optimiser steps, or fewer if the fit is done before. Its error
// wraps [ErrDiverged], and then stays.
func (f *Fitter) Step(n int) error {
	for range n {
		if f.diverged != nil || f.Done() {
			return f.diverged
		}
		loss := f.stepper.gradient(&f.weights, f.step)
		if math.IsNaN(loss) {
			f.diverged = fmt.Errorf("generator: %w at step %d of %d with learning rate %.3g: give a lower one", ErrDiverged, f.step, f.schedule.To, f.schedule.At(f.step))
			return f.diverged
		}
		f.adam.Update(f.flat, f.stepper.grad, f.schedule.At(f.step))
		f.stepper.set.Average(f.mean, f.flat, decay)
		if f.step == 0 {
			f.loss = loss
		}
		f.loss = memory*f.loss + (1-memory)*loss
		f.step++
		f.model = nil
		if f.step%checkEvery == 0 {
			f.finishIfMatched()
		}
	}
	return nil
}

// finishIfMatched brings the end of the annealing forward once the averaged
// weights are within two standard errors of the noise floor, and those are so
// small that a generator worth half of the stream's records, or matchedRecords,
// would have been told apart.
func (f *Fitter) finishIfMatched() {
	left := f.schedule.To - f.step
	rest := max(100, f.step/4)
	if f.config.Full || f.early || left <= rest {
		return
	}
	w := f.shape.view(f.mean)
	for _, n := range []int{quickGroups, groups} {
		r := measure(f.target.problem, f.target.problem.heldOut, n, groupSize, f.config.Threads,
			func() source { return w.raw(f.config.Seed, draw.Validation) })
		loss, se, _ := r.loss(0, len(f.target.problem.heldOut))
		low, spread := floor(f.target.problem.z, f.target.problem.heldOut, f.target.problem.count)
		if loss-low >= 2*se || 2*se > max(2*low, spread/matchedRecords) {
			return
		}
	}
	f.early = true
	f.SetSteps(f.step + rest)
}

// SetSteps makes the fit end at step total: the learning rate falls from where
// it is to its end by then. A total that has passed ends the fit now.
func (f *Fitter) SetSteps(total int) {
	f.schedule = f.schedule.Retarget(f.step, max(total, f.step))
}

// Done says whether the fit has taken its last step.
func (f *Fitter) Done() bool { return f.step >= f.schedule.To }

// Progress returns the steps taken and the steps of the whole fit.
func (f *Fitter) Progress() (step, total int) { return f.step, f.schedule.To }

// Warm says whether the fit started from the model it was given.
func (f *Fitter) Warm() bool { return f.warm }

// Early says whether the fit was shortened because it had matched the sketch.
func (f *Fitter) Early() bool { return f.early }

// Loss returns the running mean of the unbiased loss of the last steps.
func (f *Fitter) Loss() float64 { return f.loss }

// Evaluate judges the current model on the target, with the latents of
// [Evaluate] for the seed of the fit.
func (f *Fitter) Evaluate() Evaluation { return f.Model().evaluation }

// Model returns the current model: the averaged weights and the output map
// that belongs to them, with its evaluation on the target. It takes about a
// second, once a step.
func (f *Fitter) Model() *Model {
	if f.model == nil {
		f.model = f.target.finish(f.shape, slices.Clone(f.mean), f.config.Seed, f.step, f.config.Threads)
	}
	return f.model.clone()
}
