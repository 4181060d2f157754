package mixture

import (
	"errors"
	"fmt"
	"math"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// ErrTarget is wrapped by every error about a sketch that nothing can be decoded from.
var ErrTarget = errors.New("unusable sketch")

// Target is the sketch that a mixture is decoded from. It copies what it needs of an accumulator and never changes.
type Target struct {
	spec       *feature.Spec
	dim        int
	w          []float64 // m by dim, radians per standard unit
	z          []complex128
	count      float64
	mean       []float64 // standard units
	covariance []float64 // dim by dim
	lo, hi     []float64 // range of each channel
}

// NewTarget reads an accumulator, which must hold records and be bound to its feature map. Errors wrap [ErrTarget].
func NewTarget(a *sketch.Accumulator) (*Target, error) {
	switch {
	case a == nil:
		return nil, fmt.Errorf("mixture: %w: there is none", ErrTarget)
	case a.Map() == nil:
		return nil, fmt.Errorf("mixture: %w: it is not bound to its feature map: bind the spec with fingerprint %s", ErrTarget, a.Fingerprint())
	case a.Count() < 2:
		return nil, fmt.Errorf("mixture: %w: it holds %d records: fold some first", ErrTarget, a.Count())
	}
	spec := a.Map().Spec()
	t := &Target{spec: spec, dim: spec.Dim(), w: feature.Turns(spec), z: a.Phasor(nil), count: float64(a.Count()),
		mean: a.Mean(nil), covariance: a.Covariance(nil)}
	for i := range t.w {
		t.w[i] *= 2 * math.Pi
	}
	for k := range t.dim {
		lo, hi := a.Range(k)
		t.lo, t.hi = append(t.lo, lo), append(t.hi, hi)
	}
	return t, nil
}

// Dim returns the number of channels, Features that of frequencies, and Count that of records.
func (t *Target) Dim() int      { return t.dim }
func (t *Target) Features() int { return len(t.z) }
func (t *Target) Count() int64  { return int64(t.count) }

// Spec returns the spec of the sketch's feature map.
func (t *Target) Spec() *feature.Spec { return t.spec }

// Floor returns the loss that the noise of the sketch of so many independent records leaves even to the true
// distribution: mean_j (1 - |z_j|^2) / (N - 1).
func (t *Target) Floor() float64 {
	sum := 0.0
	for _, z := range t.z {
		sum += max(0, 1-real(z)*real(z)-imag(z)*imag(z))
	}
	return sum / float64(len(t.z)) / (t.count - 1)
}

// rows returns a target with a part of the frequencies, evenly taken.
func (t *Target) rows(n int) *Target {
	m := len(t.z)
	if n >= m {
		return t
	}
	part := *t
	part.w, part.z = nil, nil
	for i := range n {
		j := i * m / n
		part.w, part.z = append(part.w, t.w[j*t.dim:(j+1)*t.dim]...), append(part.z, t.z[j])
	}
	return &part
}
