package serve

import (
	"fmt"
	"sync"

	"phasor/trainer/inverse"
	"phasor/trainer/score"
)

// engine is all that requests need of one version. It does not change once made, but for its cache.
type engine struct {
	version *Version
	units   units
	prior   *inverse.Prior
	scorer  *score.Scorer
	solvers *cache

	// physical is the prior of records in physical units, which few requests need: it is made for the first.
	physical func() (*inverse.Prior, error)
}

// physicalPrior is the number of generated records of a prior in physical units.
const physicalPrior = 2048

func newEngine(v *Version, c Config) (*engine, error) {
	if err := v.Spec.Validate(); err != nil {
		return nil, fmt.Errorf("serve: version %d: %w", v.Version, err)
	}
	scorer, err := score.New(v.Model, v.Spec, nil, c.scoring)
	if err != nil {
		return nil, fmt.Errorf("serve: version %d: %w", v.Version, err)
	}
	prior, err := inverse.NewPrior(v.Model, c.Prior, c.Seed)
	if err != nil {
		return nil, fmt.Errorf("serve: version %d: %w", v.Version, err)
	}
	e := &engine{version: v, units: newUnits(v.Spec), prior: prior, scorer: scorer, solvers: newCache(c.Limits.Cache)}
	e.physical = sync.OnceValues(func() (*inverse.Prior, error) {
		return inverse.NewPrior(inverse.NewPhysical(v.Model), min(c.Prior, physicalPrior), c.Seed)
	})
	if err := e.warm(); err != nil {
		return nil, fmt.Errorf("serve: version %d: %w", v.Version, err)
	}
	return e, nil
}

func (e *engine) dim() int { return len(e.units.channels) }
