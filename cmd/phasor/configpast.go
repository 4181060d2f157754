package main

import (
	"fmt"
	"slices"
	"strings"

	"phasor/trainer"
)

// trainerPast puts what the trainer is to look at of the past into its configuration.
func (s *SketchConfig) trainerPast(c *trainer.Config) error {
	span := func(key, text string) (sp Span, err error) {
		if text == "" {
			return sp, nil
		}
		if err = sp.UnmarshalText([]byte(text)); err != nil {
			err = fmt.Errorf("sketch %q: %s: %w", s.Name, key, err)
		}
		return sp, err
	}
	fit, err := span("fit.range", s.Fit.Range)
	if err != nil {
		return err
	}
	c.Horizon = trainer.Horizon{All: s.Fit.All, Last: s.Fit.Horizon.D(), From: fit.From.Time, To: fit.To.Time, HalfLife: s.Fit.HalfLife.D()}
	if err := c.Horizon.Validate(); err != nil {
		return fmt.Errorf("sketch %q: %w", s.Name, err)
	}
	c.Mode, c.Cooldown, c.Passing = s.Drift.Mode, s.Drift.Cooldown.D(), s.Drift.Passing
	if c.Mode != "" && !slices.Contains(trainer.Modes(), c.Mode) {
		return fmt.Errorf("sketch %q: drift.mode is %q: it must be one of %s", s.Name, c.Mode, strings.Join(trainer.Modes(), ", "))
	}
	if c.ReferenceModel = s.Drift.Against == "model"; c.ReferenceModel {
		return nil
	}
	against, err := span("drift.against (model, or a range)", s.Drift.Against)
	c.ReferenceFrom, c.ReferenceTo = against.From.Time, against.To.Time
	return err
}

// checkPast says what is wrong with it.
func (s *SketchConfig) checkPast() error { return s.trainerPast(new(trainer.Config)) }
