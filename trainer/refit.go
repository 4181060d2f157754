package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"phasor/snapshot"
	"phasor/trainer/generator"
)

// job is one refit: everything it needs, so that it runs beside the watching loop.
type job struct {
	epoch      *snapshot.Epoch
	target     *generator.Target
	card       Card
	served     *served // nil before the first version.
	generation int     // In force when the job was made; 0 if there was none.
	answers    *Alarm
	sawUntil   time.Time
	finish     time.Duration // What the output map and the evaluation took last time; 0: not known.
}

// outcome is what became of a job.
type outcome struct {
	job
	result     string // published, rejected, diverged, timeout, error; pointless is not counted.
	err        error
	evaluation generator.Evaluation // Of the version that is served now.
	version    *served              // If published, or rolled back to.
	took       time.Duration
	steps      int
}

// errPointless ends a fit that nobody wants any more: the stream changed, or another version came into force.
var errPointless = errors.New("the fit has become pointless")

// refit fits, validates and publishes. Its context wanted ends with the cause errPointless when the fit is not wanted
// any more; what is being published then is published under ctx, so that no half of it stays behind.
func (s *Service) refit(ctx, wanted context.Context, j job) outcome {
	began := time.Now()
	o := outcome{job: j}
	o.err = s.tryRefit(ctx, wanted, &o, began)
	switch {
	case errors.Is(o.err, errPointless):
		o.result, o.err = "pointless", nil
	case errors.Is(o.err, generator.ErrDiverged):
		o.result = "diverged"
	case errors.Is(o.err, errTimeout):
		o.result = "timeout"
	case o.err != nil && o.result == "":
		o.result = "error"
	}
	o.took = time.Since(began)
	return o
}

func (s *Service) tryRefit(ctx, wanted context.Context, o *outcome, began time.Time) error {
	var warm *generator.Model
	var current generator.Evaluation
	if o.served != nil {
		warm = o.served.model
		current = generator.Evaluate(o.target, warm, s.cfg.Fit.Seed)
	}
	if err := context.Cause(wanted); err != nil {
		return err
	}
	f, err := generator.NewFitter(o.target, s.cfg.Fit, warm)
	if err != nil {
		return err
	}
	err = s.fit(wanted, f, s.cfg.Budget, o.finish, began)
	if o.steps = steps(f); err != nil {
		return err
	}
	if err := context.Cause(wanted); err != nil {
		return err
	}
	finishing := time.Now()
	model := f.Model()
	o.evaluation, o.finish = model.Evaluation(), time.Since(finishing)
	if err := context.Cause(wanted); err != nil {
		return err
	}
	if err := judged(o.evaluation); err != nil {
		return err
	}
	accepted := o.served == nil || o.evaluation.HeldOut <= current.HeldOut+margin(o.evaluation, current)
	if s.cfg.Hooks.Validated != nil {
		scores := map[string]float64{"heldout": overFloor(o.evaluation)}
		if o.served != nil {
			scores["served"] = overFloor(current)
		}
		s.cfg.Hooks.Validated(accepted, scores)
	}
	if !accepted {
		o.result, o.evaluation = "rejected", current
		return s.fallBack(ctx, o)
	}
	c := &o.card
	c.Loss, c.Gaussian = cardLoss(o.evaluation), cardLoss(generator.Gaussian(o.target))
	c.Steps, c.Seed, c.Answers = o.steps, s.cfg.Fit.Seed, o.answers
	if f.Warm() {
		c.Warm = o.served.version
	}
	c.Created = time.Now().UTC()
	c.Seconds = c.Created.Sub(began).Seconds()
	if o.version, err = s.publish(ctx, o, model); err != nil {
		return err
	}
	o.result = "published"
	return nil
}

// judged refuses a model of which nothing can be said: no comparison with its loss would hold, and the first version is
// compared with none.
func judged(e generator.Evaluation) error {
	if math.IsNaN(e.HeldOut) || math.IsInf(e.HeldOut, 0) || math.IsNaN(e.Unbiased) || math.IsInf(e.Unbiased, 0) {
		return fmt.Errorf("trainer: held-out loss %v, loss %v: %w", e.HeldOut, e.Unbiased, generator.ErrDiverged)
	}
	return nil
}

// margin is by how much the held-out losses of two models may differ by chance: two standard errors.
func margin(a, b generator.Evaluation) float64 { return 2 * max(a.HeldOutSE, b.HeldOutSE) }

// overFloor is a held-out loss in units of the noise floor, 1 for a perfect model. A sketch of equal records has no
// noise; the loss itself is given then.
func overFloor(e generator.Evaluation) float64 {
	if e.Floor > 0 {
		return e.HeldOut / e.Floor
	}
	return e.HeldOut
}
