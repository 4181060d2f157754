package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/trainer/generator"
)

// served is the version that is served, as far as the service has to know it.
type served struct {
	version    int
	generation int
	model      *generator.Model
	card       Card
}

// job is one refit: everything it needs, so that it runs beside the watching loop.
type job struct {
	epoch    *snapshot.Epoch
	target   *generator.Target
	card     Card
	records  int64
	served   *served // nil before the first version.
	answers  *Alarm
	sawUntil time.Time
}

// outcome is what became of a job.
type outcome struct {
	job
	result     string // published, rejected, diverged, timeout, error.
	err        error
	evaluation generator.Evaluation
	version    *served // If published, or rolled back to.
	took       time.Duration
	steps      int
}

// slack is by how much a fit may exceed its budget before it is dropped: the first measurement of a step is rough.
const slack = 4

var errTimeout = errors.New("the fit exceeded its budget")

// refit fits, validates and publishes.
func (s *Service) refit(ctx context.Context, j job) outcome {
	began := time.Now()
	o := outcome{job: j}
	o.result, o.err = s.tryRefit(ctx, &o)
	o.took = time.Since(began)
	return o
}

func (s *Service) tryRefit(ctx context.Context, o *outcome) (string, error) {
	var warm *generator.Model
	if o.served != nil {
		warm = o.served.model
	}
	f, err := generator.NewFitter(o.target, s.cfg.Fit, warm)
	if err != nil {
		return "error", err
	}
	began := time.Now()
	err = s.fit(ctx, f, began)
	o.steps, _ = f.Progress()
	switch {
	case errors.Is(err, generator.ErrDiverged):
		return "diverged", err
	case errors.Is(err, errTimeout):
		return "timeout", err
	case err != nil:
		return "error", err
	}
	model := f.Model()
	o.evaluation = f.Evaluate()
	accepted := true
	scores := map[string]float64{"heldout": o.evaluation.HeldOut / o.evaluation.Floor}
	if o.served != nil {
		current := generator.Evaluate(o.target, o.served.model, s.cfg.Fit.Seed)
		margin := 2 * max(o.evaluation.HeldOutSE, current.HeldOutSE)
		accepted = o.evaluation.HeldOut <= current.HeldOut+margin
		scores["served"] = current.HeldOut / current.Floor
		if !accepted {
			o.evaluation = current
		}
	}
	if s.cfg.Hooks.Validated != nil {
		s.cfg.Hooks.Validated(accepted, scores)
	}
	if !accepted {
		o.version, err = s.fallBack(ctx, o)
		return "rejected", err
	}
	c := o.card
	c.Loss, c.Gaussian = cardLoss(o.evaluation), cardLoss(generator.Gaussian(o.target))
	c.Steps, c.Seconds, c.Seed, c.Answers, c.Created = o.steps, time.Since(began).Seconds(), s.cfg.Fit.Seed, o.answers, time.Now().UTC()
	if o.served != nil {
		c.Warm = o.served.version
	}
	o.version, err = s.publish(ctx, o.epoch, model, c)
	if err != nil {
		return "error", err
	}
	return "published", nil
}

// fit takes the steps. With a budget, the number of steps and so the annealing follow from the measured time of one.
func (s *Service) fit(ctx context.Context, f *generator.Fitter, began time.Time) error {
	const probe = 16
	for !f.Done() {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := time.Now()
		if err := f.Step(probe); err != nil {
			return err
		}
		if s.cfg.Budget == 0 {
			continue
		}
		step, total := f.Progress()
		if spent := time.Since(began); spent > slack*s.cfg.Budget {
			return fmt.Errorf("trainer: %w: %v spent of %v, step %d of %d: raise fit.budget or give the process more processor time", errTimeout, spent.Round(time.Millisecond), s.cfg.Budget, step, total)
		}
		perStep := time.Since(t) / probe
		left := s.cfg.Budget - time.Since(began)
		if fits := step + int(max(0, left)/max(1, perStep)); fits < total {
			f.SetSteps(max(fits, step+probe))
		}
	}
	return nil
}

func (s *Service) publish(ctx context.Context, e *snapshot.Epoch, m *generator.Model, c Card) (*served, error) {
	card, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, err
	}
	data, err := m.Encode()
	if err != nil {
		return nil, err
	}
	version, err := e.SaveModel(ctx, data, card, nil)
	if err != nil {
		s.registry("write")
		return nil, err
	}
	reason := "refit"
	if c.Answers != nil {
		reason = "refit after drift"
	}
	generation, err := e.Publish(ctx, version, reason)
	if err != nil {
		s.registry("write")
		return nil, err
	}
	return &served{version: version, generation: generation, model: m, card: c}, nil
}

// fallBack goes back to the version before the served one if the newest sketch prefers it clearly. It returns nil if
// the served version stays.
func (s *Service) fallBack(ctx context.Context, o *outcome) (*served, error) {
	generations, err := o.epoch.Generations(ctx)
	if err != nil {
		s.registry("list")
		return nil, err
	}
	for _, g := range generations {
		if g.Version >= o.served.version {
			continue
		}
		older, err := loadVersion(ctx, o.epoch, g.Version)
		if errors.Is(err, snapshot.ErrNotExist) || errors.Is(err, snapshot.ErrCorrupt) {
			continue
		}
		if err != nil {
			s.registry("read")
			return nil, err
		}
		e := generator.Evaluate(o.target, older.model, s.cfg.Fit.Seed)
		if e.HeldOut > o.evaluation.HeldOut-2*max(e.HeldOutSE, o.evaluation.HeldOutSE) {
			return nil, nil
		}
		if older.generation, err = o.epoch.Publish(ctx, older.version, fmt.Sprintf("version %d loses to it on the newest sketch", o.served.version)); err != nil {
			s.registry("write")
			return nil, err
		}
		o.evaluation = e
		if s.cfg.Hooks.RolledBack != nil {
			s.cfg.Hooks.RolledBack("auto")
		}
		return older, nil
	}
	return nil, nil
}

// loadVersion reads a version with its card.
func loadVersion(ctx context.Context, e *snapshot.Epoch, version int) (*served, error) {
	m, err := e.LoadModel(ctx, version)
	if err != nil {
		return nil, err
	}
	g, err := generator.DecodeModel(m.Data)
	if err != nil {
		return nil, err
	}
	c, err := ReadCard(m)
	if err != nil {
		return nil, fmt.Errorf("trainer: the card of version %d: %w", version, err)
	}
	return &served{version: version, model: g, card: c}, nil
}

// target makes a fit's target of an accumulator.
func target(a *sketch.Accumulator) (*generator.Target, error) { return generator.NewTarget(a) }

func (s *Service) registry(operation string) {
	if s.cfg.Hooks.Registry != nil {
		s.cfg.Hooks.Registry(operation)
	}
}
