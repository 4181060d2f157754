package mixture

import (
	"slices"

	"phasor/sketcher/feature"
)

// Centres are those of k-means in the standard units of a feature map.
type Centres struct {
	Dim     int
	Weights []float64   // share of the records that each has, of sum 1, the largest first
	Means   [][]float64 // Dim each
	Cost    float64     // expected squared distance of a record to the nearest, in squared standard units
	Fitted  *Mixture    // the density that the cost is of

	spec *feature.Spec
}

// Spec returns the spec of the feature map.
func (c *Centres) Spec() *feature.Spec { return c.spec }

// Physical returns a point of standard units in physical ones.
func (c *Centres) Physical(y []float64) []float64 { return physical(c.spec, y) }

// Sizes of the second step: records drawn from the mixture, and starts of Lloyd's iteration.
const (
	drawn      = 20_000
	lloydRuns  = 10
	moreShapes = 2 // components of the mixture for a centre
)

// Means decodes the centres of k-means, o.Components of them. The shape is that of the mixture between: it has twice as
// many components, so that clusters need not be round. Errors wrap [ErrOptions].
func Means(t *Target, o Options) (*Centres, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	wide := o
	wide.Components = min(moreShapes*o.Components, mostComponents)
	m, err := Fit(t, wide)
	if err != nil {
		return nil, err
	}
	return m.Centres(o.Components, o.Seed), nil
}

// Centres returns the k centres of k-means of a mixture.
func (m *Mixture) Centres(k int, seed uint64) *Centres {
	c := &Centres{Dim: m.Dim, Fitted: m, spec: m.spec}
	flat, shares, cost := Lloyd(m.Sample(drawn, seed), m.Dim, k, lloydRuns, seed)
	c.Cost = cost
	order := make([]int, k)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case shares[a] > shares[b]:
			return -1
		case shares[a] < shares[b]:
			return 1
		}
		return 0
	})
	for _, i := range order {
		c.Weights = append(c.Weights, shares[i])
		c.Means = append(c.Means, flat[i*m.Dim:(i+1)*m.Dim])
	}
	return c
}
