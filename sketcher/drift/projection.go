package drift

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// maxCovariance bounds the principal components whose covariance is group C, and
// maxChannels the channels up to which an accumulator holds a whole covariance.
const (
	maxCovariance = 12
	maxChannels   = 128
	maxShapes     = 64 // channels up to which H is among the default groups
)

// A Projection turns the sketch of a pane into coordinates. It holds scratch space:
// one goroutine at a time; Clone is cheap.
type Projection struct {
	layout
	fingerprint string
	names       []string

	d, m       int
	components blas64.General // k×2m, the stored 2m×k transposed
	rotation   blas64.General // r×d, rows V'/sqrt(eigenvalue)
	q          int            // components of group C

	waves waves // of group H; learned from a reference, and before from the bins' numbers

	phasor     []complex128
	stacked    []float64 // cos then sin
	mean, cov  []float64
	half, turn []float64 // q×d and q×q: V'cov and V'cov V
}

// NewProjection returns the projection of m's sketches onto groups; none named means
// DefaultGroups. Groups that the map cannot give are left out: S without components, M
// and C without a rotation, C above 128 channels or for one component; see Groups.
func NewProjection(m *feature.Map, groups ...Group) *Projection {
	s := m.Spec()
	d, features := m.Dim(), m.Features()
	if len(groups) == 0 {
		groups = DefaultGroups()
		if d > maxShapes {
			groups = slices.DeleteFunc(groups, func(g Group) bool { return g == GroupH })
		}
	}
	p := &Projection{fingerprint: m.Fingerprint(), names: s.Names(), d: d, m: features, waves: rankWaves(d)}
	if d <= maxChannels {
		p.q = min(len(s.Rotation)/d, maxCovariance)
	}
	r, k := len(s.Rotation)/d, len(s.Components)/(2*features)
	if r > 0 {
		p.rotation = general(r, d)
		for i, v := range s.Rotation[:r*d] {
			p.rotation.Data[i] = float64(v)
		}
	}
	if k > 0 {
		p.components = general(k, 2*features)
		for i := range 2 * features {
			for j := range k {
				p.components.Data[j*2*features+i] = float64(s.Components[i*k+j])
			}
		}
	}
	p.arrange(groups)
	p.scratch()
	return p
}

// arrange lays out the groups that the map can give.
func (p *Projection) arrange(groups []Group) {
	p.layout = layout{}
	seen := make(map[Group]bool)
	for _, g := range groups {
		var width int
		switch g {
		case GroupS:
			width = p.components.Rows
		case GroupCM, GroupCV:
			width = p.d
		case GroupM:
			width = p.rotation.Rows
		case GroupC:
			width = p.q * (p.q + 1) / 2
		case GroupH:
			width = p.d * shapeOrder
		default:
			panic(fmt.Sprintf("drift: %v is no group of coordinates", g))
		}
		if width == 0 || seen[g] {
			continue
		}
		seen[g] = true
		lo := len(p.spread)
		p.blocks = append(p.blocks, block{group: g, lo: lo, hi: lo + width})
		for i := range width {
			p.spread = append(p.spread, g == GroupCV || g == GroupC && i < p.q)
		}
	}
}

// restrict returns a Projection of p's map onto some of its groups.
func (p *Projection) restrict(groups []Group) (*Projection, error) {
	c := p.Clone()
	have := p.Groups()
	for _, g := range groups {
		if !slices.Contains(have, g) {
			return nil, fmt.Errorf("drift: group %v is asked for and the projection gives %v: build the projection with it, on a map that has it", g, have)
		}
	}
	if len(groups) == 0 {
		return nil, fmt.Errorf("drift: no groups: name at least one of %v", have)
	}
	c.arrange(groups)
	return c, nil
}

func general(rows, cols int) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float64, rows*cols)}
}

func (p *Projection) scratch() {
	p.phasor = make([]complex128, p.m)
	p.stacked = make([]float64, 2*p.m)
	p.mean = make([]float64, p.d)
	p.cov = make([]float64, p.d*p.d)
	p.half = make([]float64, p.q*p.d)
	p.turn = make([]float64, p.q*p.q)
}

// Clone returns a Projection that shares all but the scratch space.
func (p *Projection) Clone() *Projection {
	c := *p
	c.scratch()
	return &c
}

// Groups returns the groups that the projection gives, in the order of their columns.
func (p *Projection) Groups() []Group {
	g := make([]Group, len(p.blocks))
	for i, b := range p.blocks {
		g[i] = b.group
	}
	return g
}

// Len returns the number of coordinates.
func (p *Projection) Len() int { return len(p.spread) }

// Coordinates stores in dst, and returns, the Len coordinates of a, scaled so that
// independent records give variance 1; they are about their place under the map's
// standard units, not about a reference. dst is grown if it is too short. It panics if a
// holds fewer than 2 records or has another shape than the map.
func (p *Projection) Coordinates(dst []float64, a *sketch.Accumulator) []float64 {
	if a.Count() < 2 || a.Dim() != p.d || a.Features() != p.m {
		panic(fmt.Sprintf("drift: coordinates of %d records in %d channels and %d features: at least 2 in %d and %d are needed", a.Count(), a.Dim(), a.Features(), p.d, p.m))
	}
	if cap(dst) < len(p.spread) {
		dst = make([]float64, len(p.spread))
	}
	dst = dst[:len(p.spread)]
	n := float64(a.Count())
	var haveMean, haveCov bool
	for _, b := range p.blocks {
		out := dst[b.lo:b.hi]
		if !haveMean && (b.group == GroupCM || b.group == GroupM) {
			p.mean, haveMean = a.Mean(p.mean), true
		}
		if !haveCov && b.group.sized() {
			p.cov, haveCov = a.Covariance(p.cov), true
		}
		switch b.group {
		case GroupS:
			p.sketch(out, a)
			scale(out, gain(n, false))
		case GroupCM:
			copy(out, p.mean)
			scale(out, gain(n, false))
		case GroupM:
			multiply(out, p.rotation, p.mean)
			scale(out, gain(n, false))
		case GroupCV:
			for k := range out {
				out[k] = gain(n, true) * rootVariance(p.cov[k*p.d+k], n)
			}
		case GroupC:
			p.covariance(out, n)
		case GroupH:
			for c := range p.d {
				p.waves.mean(out[c*shapeOrder:(c+1)*shapeOrder], c, a.Histogram(c), n)
			}
			scale(out, gain(n, false))
		}
	}
	return dst
}

// gain is the scale by which an average over n records becomes a coordinate of unit
// variance: sqrt(n), and 3 sqrt((n-1)/2) for the cube root of a variance.
func gain(n float64, spread bool) float64 {
	if spread {
		return 3 * math.Sqrt((n-1)/2)
	}
	return math.Sqrt(n)
}

// rootVariance is the cube root of the unbiased variance, of which Wilson and Hilferty
// showed that it is nearly normal, freed of its bias 2/(9(n-1)).
func rootVariance(v, n float64) float64 {
	return math.Cbrt(max(v, 0)*n/(n-1)) / (1 - 2/(9*(n-1)))
}

// rootedVariance is the variance, over n, of which rootVariance is c.
func rootedVariance(c, n float64) float64 {
	c *= 1 - 2/(9*(n-1))
	return c * c * c
}

func scale(x []float64, by float64) {
	for i := range x {
		x[i] *= by
	}
}

func multiply(dst []float64, a blas64.General, x []float64) {
	blas64.Gemv(blas.NoTrans, 1, a, blas64.Vector{N: a.Cols, Inc: 1, Data: x}, 0, blas64.Vector{N: a.Rows, Inc: 1, Data: dst})
}

// sketch sets out = B'(cos z, sin z).
func (p *Projection) sketch(out []float64, a *sketch.Accumulator) {
	p.phasor = a.Phasor(p.phasor)
	for j, z := range p.phasor {
		p.stacked[j], p.stacked[p.m+j] = real(z), imag(z)
	}
	multiply(out, p.components, p.stacked)
}

// covariance sets out to the q scales and then the q(q-1)/2 correlations of V'x.
func (p *Projection) covariance(out []float64, n float64) {
	v := blas64.General{Rows: p.q, Cols: p.d, Stride: p.d, Data: p.rotation.Data}
	cov := blas64.General{Rows: p.d, Cols: p.d, Stride: p.d, Data: p.cov}
	half := blas64.General{Rows: p.q, Cols: p.d, Stride: p.d, Data: p.half}
	turn := blas64.General{Rows: p.q, Cols: p.q, Stride: p.q, Data: p.turn}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, v, cov, 0, half)
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, half, v, 0, turn)
	at := p.q
	for i := range p.q {
		vi := turn.Data[i*p.q+i]
		out[i] = gain(n, true) * rootVariance(vi, n)
		for j := i + 1; j < p.q; j++ {
			// The floor keeps a component without spread from dividing by zero.
			out[at] = gain(n, false) * turn.Data[i*p.q+j] / math.Sqrt(max(vi, 1e-12)*max(turn.Data[j*p.q+j], 1e-12))
			at++
		}
	}
}
