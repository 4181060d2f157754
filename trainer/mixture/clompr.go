package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Sizes of the pursuit: random starts of an atom, those that are climbed from, and the iterations of L-BFGS for an atom,
// in a round, and at the end.
const (
	starts          = 100
	climbs          = 3
	atomIterations  = 60
	roundIterations = 60
	lastIterations  = 600
)

// Fit decodes a mixture. Errors wrap [ErrOptions] or [ErrStopped].
func Fit(t *Target, o Options) (*Mixture, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	var best *Mixture
	part := t.rows(o.frequencies(t.dim))
	for r := range o.restarts() {
		p := &pursuit{t: part, size: o.Shape.size(t.dim), stopped: o.stopped, rng: rand.New(rand.NewPCG(o.Seed, uint64(r)))}
		in := boundsOf(part)
		p.new = func() *atom { return newAtom(part, o.Shape, in) }
		p.room = p.new()
		m := p.run(o.Components)
		if o.stopped() {
			return nil, fmt.Errorf("mixture: %w", ErrStopped)
		}
		if m == nil {
			continue
		}
		m.Floor, m.spec = t.Floor(), t.spec
		m.Loss = m.LossOn(t)
		if best == nil || m.Loss < best.Loss {
			best = m
		}
		if best.Loss < 3*best.Floor {
			break
		}
	}
	if best == nil {
		return nil, fmt.Errorf("mixture: no component fits the sketch: it holds no number that could be fitted")
	}
	best.sort()
	return best, nil
}

// pursuit is one run of CLOMPR.
type pursuit struct {
	t       *Target
	size    int
	stopped func() bool
	new     func() *atom
	rng     *rand.Rand
	atoms   [][]float64
	weights []float64
	room    *atom // of the search for a new atom
	fitted  []*atom
}

// run goes through the rounds. Those after the first K replace atoms; they end when the sketch can no longer tell the
// mixture from the stream, or when two in a row have not helped. The best state is the one that is improved at the end.
func (p *pursuit) run(components int) *Mixture {
	re, im := make([]float64, len(p.t.z)), make([]float64, len(p.t.z))
	best, floor, idle := math.Inf(1), p.t.Floor(), 0
	var atoms [][]float64
	var weights []float64
	for round := 0; round < 2*components && best > floor && idle < 2 && !p.stopped(); round++ {
		p.residual(re, im)
		p.atoms = append(p.atoms, p.search(re, im))
		for _, theta := range p.atoms {
			p.room.loosen(theta, p.t.dim)
		}
		p.weigh(components)
		loss := p.improve(roundIterations)
		idle++
		if loss < .999*best || round < components {
			idle = 0
		}
		if loss < best {
			best, atoms, weights = loss, slices.Clone(p.atoms), slices.Clone(p.weights)
		}
	}
	p.atoms, p.weights, p.fitted = atoms, weights, nil
	for range atoms {
		p.fitted = append(p.fitted, p.new())
	}
	p.improve(lastIterations)
	return p.mixture()
}

// residual writes z less the weighted atoms to re and im.
func (p *pursuit) residual(re, im []float64) {
	for j, z := range p.t.z {
		re[j], im[j] = real(z), imag(z)
	}
	for i, w := range p.weights {
		for j := range re {
			re[j] -= w * p.fitted[i].re[j]
			im[j] -= w * p.fitted[i].im[j]
		}
	}
}

// search returns the atom A that maximises Re<A, r> / |A|, climbed to from the best of many random starts.
func (p *pursuit) search(re, im []float64) []float64 {
	d := p.t.dim
	type start struct {
		theta []float64
		value float64
	}
	factor := cholesky(p.t.covariance, d)
	all := make([]start, 0, starts)
	e, mean := make([]float64, d), make([]float64, d)
	for range starts {
		for k := range e {
			e[k] = p.rng.NormFloat64()
		}
		for k := range mean {
			mean[k] = p.t.mean[k]
			for l := range k + 1 {
				mean[k] += factor[k*d+l] * e[l]
			}
			mean[k] = min(max(mean[k], p.t.lo[k]), p.t.hi[k])
		}
		theta := make([]float64, p.size)
		p.room.round(p.t, theta, mean, math.Exp(-5*p.rng.Float64()))
		all = append(all, start{theta, p.correlation(theta, nil, re, im, nil, nil)})
	}
	slices.SortStableFunc(all, func(a, b start) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	best := all[0]
	gRe, gIm := make([]float64, len(re)), make([]float64, len(im))
	for _, s := range all[:climbs] {
		theta, value := minimise(s.theta, atomIterations, p.stopped, func(x, grad []float64) float64 { return p.correlation(x, grad, re, im, gRe, gIm) })
		if value < best.value {
			best = start{theta, value}
		}
	}
	return best.theta
}

// correlation returns -Re<A, r> / |A| and, if there is a grad, its gradient.
func (p *pursuit) correlation(theta, grad, re, im, gRe, gIm []float64) float64 {
	p.room.set(p.t, theta)
	inner, square := 0.0, 0.0
	for j, a := range p.room.re {
		b := p.room.im[j]
		inner += a*re[j] + b*im[j]
		square += a*a + b*b
	}
	norm := math.Sqrt(square)
	if norm == 0 {
		clear(grad)
		return 0
	}
	if grad != nil {
		for j, a := range p.room.re {
			gRe[j] = -(re[j] - inner/square*a) / norm
			gIm[j] = -(im[j] - inner/square*p.room.im[j]) / norm
		}
		clear(grad)
		p.room.gradient(p.t, gRe, gIm, grad)
	}
	return -inner / norm
}

// weigh finds the weights of the atoms, and drops those that have none and those beyond the heaviest.
func (p *pursuit) weigh(most int) {
	for len(p.fitted) < len(p.atoms) {
		p.fitted = append(p.fitted, p.new())
	}
	for i, theta := range p.atoms {
		p.fitted[i].set(p.t, theta)
	}
	p.balance()
	kept := make([]int, 0, len(p.atoms))
	for i, w := range p.weights {
		if w > 0 {
			kept = append(kept, i)
		}
	}
	if len(kept) > most {
		slices.SortStableFunc(kept, func(a, b int) int {
			switch {
			case p.weights[a] > p.weights[b]:
				return -1
			case p.weights[a] < p.weights[b]:
				return 1
			}
			return 0
		})
		kept = kept[:most]
		slices.Sort(kept)
	}
	var atoms [][]float64
	var fitted []*atom
	for _, i := range kept {
		atoms, fitted = append(atoms, p.atoms[i]), append(fitted, p.fitted[i])
	}
	p.atoms, p.fitted = atoms, fitted
	p.balance()
}

// balance sets the weights by non-negative least squares.
func (p *pursuit) balance() {
	n := len(p.atoms)
	g, h := make([]float64, n*n), make([]float64, n)
	for i := range n {
		a := p.fitted[i]
		for j, z := range p.t.z {
			h[i] += a.re[j]*real(z) + a.im[j]*imag(z)
		}
		for k := range i + 1 {
			b, sum := p.fitted[k], 0.0
			for j := range a.re {
				sum += a.re[j]*b.re[j] + a.im[j]*b.im[j]
			}
			g[i*n+k], g[k*n+i] = sum, sum
		}
	}
	p.weights = nnls(g, h)
}

// improve moves weights and atoms together down the loss. The weights are exponentials, so that they stay positive.
// It returns the mean loss.
func (p *pursuit) improve(iterations int) float64 {
	n := len(p.atoms)
	if n == 0 {
		return math.Inf(1)
	}
	x := make([]float64, 0, n*(p.size+1))
	for i, theta := range p.atoms {
		x = append(append(x, math.Log(max(p.weights[i], 1e-6))), theta...)
	}
	m := len(p.t.z)
	re, im, gRe, gIm := make([]float64, m), make([]float64, m), make([]float64, m), make([]float64, m)
	x, loss := minimise(x, iterations, p.stopped, func(x, grad []float64) float64 {
		for i := range n {
			at := x[i*(p.size+1):]
			p.weights[i] = math.Exp(min(at[0], 5))
			p.fitted[i].set(p.t, at[1:1+p.size])
		}
		p.residual(re, im)
		loss := 0.0
		for j := range re {
			loss += re[j]*re[j] + im[j]*im[j]
		}
		clear(grad)
		for i := range n {
			a, w, slope := p.fitted[i], p.weights[i], 0.0
			for j := range re {
				gRe[j], gIm[j] = -2*w*re[j], -2*w*im[j]
				slope += gRe[j]*a.re[j] + gIm[j]*a.im[j]
			}
			lo := i * (p.size + 1)
			grad[lo] = slope
			a.gradient(p.t, gRe, gIm, grad[lo+1:lo+1+p.size])
		}
		return loss
	})
	for i := range n {
		at := x[i*(p.size+1):]
		p.weights[i] = math.Exp(min(at[0], 5))
		p.atoms[i] = slices.Clone(at[1 : 1+p.size])
		p.fitted[i].set(p.t, p.atoms[i])
	}
	return loss / float64(m)
}

// mixture returns the atoms with weights of sum 1, nil if there are none.
func (p *pursuit) mixture() *Mixture {
	sum := 0.0
	for _, w := range p.weights {
		sum += w
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return nil
	}
	m := &Mixture{Dim: p.t.dim}
	for i, theta := range p.atoms {
		if w := p.weights[i] / sum; w > 1e-9 {
			m.Weights = append(m.Weights, w)
			m.Means = append(m.Means, slices.Clone(theta[:p.t.dim]))
			m.Covariance = append(m.Covariance, p.room.covariance(theta, p.t.dim))
		}
	}
	return m
}
