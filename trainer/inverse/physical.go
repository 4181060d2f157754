package inverse

import (
	"phasor/sketcher/feature"
	"phasor/trainer/generator"
)

// Units takes the records of a model between physical and standard units, in
// which channel k is (T(x) - offset[k]) scale[k].
type Units struct {
	transforms    []feature.Transform
	offset, scale []float64
}

// UnitsOf returns the units of a model.
func UnitsOf(m *generator.Model) *Units {
	parts := m.Parts()
	u := &Units{offset: parts.Offset, scale: parts.Scale}
	for _, c := range m.Channels() {
		u.transforms = append(u.transforms, c.Transform)
	}
	return u
}

// Standard returns the value x of channel k in standard units.
func (u *Units) Standard(k int, x float64) float64 {
	return (u.transforms[k].Apply(x) - u.offset[k]) * u.scale[k]
}

// Physical returns the value y of channel k in physical units, and the slope
// there: physical units in a standard one.
func (u *Units) Physical(k int, y float64) (x, slope float64) {
	t := u.transforms[k]
	v := y/u.scale[k] + u.offset[k]
	x = t.Invert(v)
	if t == feature.Identity {
		return x, 1 / u.scale[k]
	}
	const h = 1e-4
	return x, (t.Invert(v+h) - t.Invert(v-h)) / (2 * h * u.scale[k])
}

// Physical is the decoder of a model's records in physical units.
type Physical struct {
	model *generator.Model
	units *Units
}

// NewPhysical returns the decoder of m.
func NewPhysical(m *generator.Model) *Physical { return &Physical{m, UnitsOf(m)} }

// Latent returns the dimension of u, Dim that of a record.
func (p *Physical) Latent() int { return p.model.Latent() }
func (p *Physical) Dim() int    { return p.model.Dim() }

// Generate writes the records of the latents u to dst and returns it.
func (p *Physical) Generate(dst, u []float64) []float64 {
	p.model.Generate(dst, u)
	for i, y := range dst {
		dst[i], _ = p.units.Physical(i%p.Dim(), y)
	}
	return dst
}

// Pullback is that of [Decoder].
func (p *Physical) Pullback(dst, du, u, g []float64) {
	p.model.Generate(dst, u)
	back := make([]float64, len(g))
	for i, y := range dst {
		_, slope := p.units.Physical(i%p.Dim(), y)
		back[i] = g[i] * slope
	}
	p.model.Pullback(dst, du, u, back)
	for i, y := range dst {
		dst[i], _ = p.units.Physical(i%p.Dim(), y)
	}
}
