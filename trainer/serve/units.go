package serve

import (
	"math"

	"phasor/sketcher/feature"
)

// units take records from physical units to the standard ones of a feature map, and back.
type units struct {
	channels      []feature.Channel
	offset, scale []float64
}

func newUnits(s *feature.Spec) units {
	return units{s.Channels, s.Offset, s.Scale}
}

// standard returns a value of channel k in standard units, as it would be folded; NaN if the channel cannot have it.
func (u units) standard(k int, x float64) float64 {
	return max(-128, min(128, (u.channels[k].Transform.Apply(x)-u.offset[k])*u.scale[k]))
}

// physical returns a value of channel k in physical units.
func (u units) physical(k int, y float64) float64 {
	return u.channels[k].Transform.Invert(y/u.scale[k] + u.offset[k])
}

// deviation returns, for a standard deviation s around y, half of the way in physical units from one deviation below to
// one above.
func (u units) deviation(k int, y, s float64) float64 {
	if u.linear(k) {
		return s / u.scale[k]
	}
	return math.Abs(u.physical(k, y+s)-u.physical(k, y-s)) / 2
}

// linear says that channel k has no transform, so that linear measurements of it are linear in standard units.
func (u units) linear(k int) bool { return u.channels[k].Transform == feature.Identity }
