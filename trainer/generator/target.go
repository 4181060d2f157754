package generator

import (
	"errors"
	"fmt"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// ErrTarget is wrapped by every error about a sketch that nothing can be
// fitted to.
var ErrTarget = errors.New("unusable sketch")

// Target is the sketch that a generator is fitted to or judged on. It copies
// what it needs of an accumulator and never changes.
type Target struct {
	spec        *feature.Spec
	fingerprint string
	problem     *problem
	mean        []float64 // standard units
	covariance  []float64 // d by d, standard units
	marginals   []marginal
}

// NewTarget reads an accumulator, which must hold records and be bound to its
// feature map. Errors wrap [ErrTarget].
func NewTarget(a *sketch.Accumulator) (*Target, error) {
	switch {
	case a == nil:
		return nil, fmt.Errorf("generator: %w: there is none", ErrTarget)
	case a.Map() == nil:
		return nil, fmt.Errorf("generator: %w: it is not bound to its feature map: bind the spec with fingerprint %s", ErrTarget, a.Fingerprint())
	case a.Count() < 1:
		return nil, fmt.Errorf("generator: %w: it holds no records: fold some first", ErrTarget)
	case a.Features() < 2:
		return nil, fmt.Errorf("generator: %w: it has %d frequencies: one is held out, so that two are the least", ErrTarget, a.Features())
	}
	spec := a.Map().Spec()
	d := spec.Dim()
	turns := feature.Turns(spec)
	omega := make([]float32, len(turns))
	for i, v := range turns {
		omega[i] = float32(v)
	}
	t := &Target{
		spec: spec, fingerprint: a.Fingerprint(), mean: a.Mean(nil), covariance: a.Covariance(nil),
		problem: newProblem(d, float64(a.Count()), omega, a.Phasor(nil), spec.Seed),
	}
	for k := range d {
		lo, hi := a.Range(k)
		t.marginals = append(t.marginals, newMarginal(spec, k, a.Histogram(k), lo, hi))
	}
	return t, nil
}

// Spec returns the spec of the sketch's feature map.
func (t *Target) Spec() *feature.Spec { return t.spec }

// Fingerprint returns that of the feature map.
func (t *Target) Fingerprint() string { return t.fingerprint }

// Count returns the number of records behind the sketch.
func (t *Target) Count() int64 { return int64(t.problem.count) }

// Dim returns the number of channels.
func (t *Target) Dim() int { return t.problem.dim }

// HeldOut returns the number of frequencies that judge a fit.
func (t *Target) HeldOut() int { return len(t.problem.heldOut) }
