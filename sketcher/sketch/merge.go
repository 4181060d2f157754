package sketch

import (
	"errors"
	"fmt"

	"phasor/sketcher/feature"
)

var (
	// ErrMismatch is wrapped by the errors of joining what different feature
	// maps made.
	ErrMismatch = errors.New("different feature maps")

	// ErrOverflow is wrapped by the error of a merge that would hold more
	// than 2^62 records.
	ErrOverflow = errors.New("too many records")
)

// MismatchError says which two maps differ.
type MismatchError struct {
	A, B string // fingerprints
}

// Error names both fingerprints.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("sketch: %v: %s and %s: sketches merge only if they come from the same spec", ErrMismatch, e.A, e.B)
}

// Unwrap returns [ErrMismatch].
func (e *MismatchError) Unwrap() error { return ErrMismatch }

// compatible reports why a and o cannot be joined.
func (a *Accumulator) compatible(o *Accumulator) error {
	return a.same(o.fingerprint, len(o.channels), o.features)
}

func (a *Accumulator) same(fingerprint string, d, m int) error {
	if a.fingerprint != fingerprint {
		return &MismatchError{A: a.fingerprint, B: fingerprint}
	}
	if len(a.channels) != d || a.features != m {
		return fmt.Errorf("sketch: %w: both claim the map %s, but one has d=%d, m=%d and the other d=%d, m=%d: one of them is corrupt",
			ErrMismatch, fingerprint, len(a.channels), a.features, d, m)
	}
	return nil
}

// Merge adds the records of o to a. A nil o adds nothing. On an error, a
// [MismatchError] or one that wraps [ErrMismatch] or [ErrOverflow], a is as
// before. o is not changed and may be a itself.
func (a *Accumulator) Merge(o *Accumulator) error {
	if o == nil {
		return nil
	}
	if err := a.compatible(o); err != nil {
		return err
	}
	if o.count > maxCount-a.count {
		return fmt.Errorf("sketch: %w: %d and %d exceed 2^62", ErrOverflow, a.count, o.count)
	}
	if a.since+o.since > room {
		a.carry()
	}
	if o.high != nil {
		if a.high == nil {
			a.high = make([]int64, len(a.low))
		}
		addTo(a.high, o.high)
	}
	addTo(a.low, o.low)
	a.since += o.since
	a.count += o.count
	for k := range a.channels {
		a.sums.Min[k] = min(a.sums.Min[k], o.sums.Min[k])
		a.sums.Max[k] = max(a.sums.Max[k], o.sums.Max[k])
	}
	addTo(a.sums.Histogram, o.sums.Histogram)
	addTo(a.sums.Clamped, o.sums.Clamped)
	return nil
}

func addTo(to, from []int64) {
	from = from[:len(to)]
	for i := range to {
		to[i] += from[i]
	}
}

// Bind attaches the map that a was made with, so that records can be folded and
// quantiles asked for. It fails if m is another map.
func (a *Accumulator) Bind(m *feature.Map) error {
	if err := a.same(m.Fingerprint(), m.Dim(), m.Features()); err != nil {
		return err
	}
	a.m = m
	return nil
}
