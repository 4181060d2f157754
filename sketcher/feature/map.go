package feature

import (
	"fmt"

	"phasor/sketcher/feature/internal/kernel"
)

// Map is a spec made ready for use: packed frequencies and tables of bins. It
// does not change and is safe for concurrent use.
type Map struct {
	spec        *Spec
	fingerprint string
	kernel      kernel.Set
	omega       *kernel.Packed
	bins        []binning // [d]
	transformed bool      // some channel is
}

// NewMap compiles a spec, which must not be changed any more. It fails if the
// spec is not valid, or if the environment forces a kernel that is not there.
func NewMap(s *Spec) (*Map, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	set, err := kernel.Select()
	if err != nil {
		return nil, fmt.Errorf("feature: %w", err)
	}
	return newMap(s, set), nil
}

func newMap(s *Spec, set kernel.Set) *Map {
	d := s.Dim()
	m := &Map{
		spec:        s,
		fingerprint: s.Fingerprint(),
		kernel:      set,
		bins:        make([]binning, d),
	}
	for _, c := range s.Channels {
		m.transformed = m.transformed || c.Transform != Identity
	}
	m.omega = set.Pack(blocks(s.Omega, d), d)
	for k := range m.bins {
		m.bins[k] = newBinning(s.Edges[k*(Bins+1) : (k+1)*(Bins+1)])
	}
	return m
}

// Kernel returns the name of the kernel that maps use in this process: avx512vnni,
// avx512, avx2 or portable; or the text of the error that [NewMap] returns.
func Kernel() string {
	set, err := kernel.Select()
	if err != nil {
		return err.Error()
	}
	return set.Name
}

// Spec returns the spec, which must not be changed.
func (m *Map) Spec() *Spec { return m.spec }

// Dim returns the number of channels, d.
func (m *Map) Dim() int { return m.spec.Dim() }

// Features returns the number of frequencies, m.
func (m *Map) Features() int { return m.spec.Features }

// Fingerprint returns [Spec.Fingerprint].
func (m *Map) Fingerprint() string { return m.fingerprint }

// Quantise writes the quantised record of x to q, both of length d:
//
//	q_k = int32(rne(clamp((T(x_k) - offset_k) * scale_k * 2^16, ±Limit)))
//
// It returns false, and q is unspecified, if an x_k or its transform is NaN or
// infinite.
func (m *Map) Quantise(q []int32, x []float64) bool {
	s := m.spec
	if !m.transformed {
		return m.kernel.Quantise(q, x[:len(s.Channels)], s.Offset, s.Scale)
	}
	for k, v := range x[:len(s.Channels)] {
		if t := s.Channels[k].Transform; t != Identity {
			if !finite(v) {
				return false
			}
			v = t.Apply(v)
		}
		if !kernel.PortableQuantise(q[k:k+1], []float64{v}, s.Offset[k:], s.Scale[k:]) {
			return false
		}
	}
	return true
}

// Dequantise writes the physical values of q to x, both of length d.
func (m *Map) Dequantise(x []float64, q []int32) {
	for k := range m.spec.Channels {
		x[k] = m.physical(k, float64(q[k])/Unit) // #nosec G602 -- both have length d, or the caller's error shows
	}
}

// Standardise writes the standard units of the physical values x to y, both of
// length d, without quantising or clamping them. They may be the same slice.
func (m *Map) Standardise(y, x []float64) {
	s := m.spec
	for k, c := range s.Channels {
		y[k] = float64((c.Transform.Apply(x[k]) - s.Offset[k]) * s.Scale[k])
	}
}

// Physical is the inverse of [Map.Standardise].
func (m *Map) Physical(x, y []float64) {
	for k := range m.spec.Channels {
		x[k] = m.physical(k, y[k])
	}
}

func (m *Map) physical(k int, y float64) float64 {
	s := m.spec
	return s.Channels[k].Transform.Invert(float64(y/s.Scale[k]) + s.Offset[k])
}
