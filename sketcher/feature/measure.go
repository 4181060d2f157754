package feature

import (
	"fmt"

	"phasor/sketcher/feature/internal/kernel"
)

// What follows is for programs that measure the kernels on a machine.

// Kernels returns the names of the kernels that run here, the fastest first.
func Kernels() []string { return kernel.Names() }

// NewMapWith is [NewMap] with the kernel of that name, one of [Kernels], whatever
// the environment says. All kernels give equal sums.
func NewMapWith(s *Spec, name string) (*Map, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	set, err := kernel.Named(name)
	if err != nil {
		return nil, fmt.Errorf("feature: %w", err)
	}
	return newMap(s, set), nil
}

// FoldPhasors is the part of [Map.Fold] that adds to A and B. It leaves the moments,
// the range and the histogram alone, so that the difference of both is their cost.
func (m *Map) FoldPhasors(s *Sums, q []int32) {
	d := m.Dim()
	if len(q)%d != 0 {
		panic("feature: FoldPhasors of a part of a record")
	}
	for size := d * even(len(q)/d, d); len(q) > 0; {
		part := q[:min(size, len(q))]
		m.kernel.Blocks(s.A, s.B, m.omega, part, d)
		q = q[len(part):]
	}
}

// MultiplyAdds does at least n fused multiply-adds of binary32 in the widest
// registers of this processor, with no memory and no other arithmetic beside them,
// and returns how many it did: 0 if this build or processor has no such instruction.
// Its rate is what the kernels can be compared with.
func MultiplyAdds(n int) int { return kernel.MultiplyAdds(n) }
