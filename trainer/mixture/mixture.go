package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"phasor/sketcher/feature"
)

// Mixture is a mixture of normal distributions in the standard units of a feature map.
type Mixture struct {
	Dim        int
	Weights    []float64   // one a component, positive, of sum 1, the heaviest first
	Means      [][]float64 // Dim each
	Covariance [][]float64 // Dim by Dim each, row-major
	Loss       float64     // mean_j |z_j - phi_j|^2 on the sketch that it was decoded from
	Floor      float64     // what the noise of that sketch leaves to the true distribution

	spec *feature.Spec
}

// Components returns their number.
func (m *Mixture) Components() int { return len(m.Weights) }

// Spec returns the spec of the feature map.
func (m *Mixture) Spec() *feature.Spec { return m.spec }

// Deviations returns the standard deviations of the channels in component k, in standard units.
func (m *Mixture) Deviations(k int) []float64 {
	s := make([]float64, m.Dim)
	for i := range s {
		s[i] = math.Sqrt(m.Covariance[k][i*m.Dim+i])
	}
	return s
}

// Physical returns a point of standard units in physical ones.
func (m *Mixture) Physical(y []float64) []float64 { return physical(m.spec, y) }

func physical(s *feature.Spec, y []float64) []float64 {
	x := make([]float64, len(y))
	for k, v := range y {
		x[k] = s.Channels[k].Transform.Invert(v/s.Scale[k] + s.Offset[k])
	}
	return x
}

// LogDensity returns the logarithm of the density at y, in standard units. It panics if len(y) is not Dim.
func (m *Mixture) LogDensity(y []float64) float64 {
	if len(y) != m.Dim {
		panic(fmt.Sprintf("mixture: LogDensity of %d channels, there are %d", len(y), m.Dim))
	}
	logs := make([]float64, len(m.Weights))
	v := make([]float64, m.Dim)
	for k := range logs {
		l := cholesky(m.Covariance[k], m.Dim)
		sum := math.Log(m.Weights[k]) - float64(m.Dim)/2*math.Log(2*math.Pi)
		for i := range v {
			r := y[i] - m.Means[k][i]
			for j := range i {
				r -= l[i*m.Dim+j] * v[j]
			}
			v[i] = r / l[i*m.Dim+i]
			sum -= v[i]*v[i]/2 + math.Log(l[i*m.Dim+i])
		}
		logs[k] = sum
	}
	top := slices.Max(logs)
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum)
}

// Sample returns n records in standard units, row-major. Equal seeds give equal records.
func (m *Mixture) Sample(n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0x6d697874))
	factors := make([][]float64, len(m.Weights))
	for k := range factors {
		factors[k] = cholesky(m.Covariance[k], m.Dim)
	}
	y, e := make([]float64, n*m.Dim), make([]float64, m.Dim)
	for r := range n {
		k, at := 0, rng.Float64()
		for ; k < len(m.Weights)-1 && at >= m.Weights[k]; k++ {
			at -= m.Weights[k]
		}
		for i := range e {
			e[i] = rng.NormFloat64()
		}
		row := y[r*m.Dim : (r+1)*m.Dim]
		for i := range row {
			row[i] = m.Means[k][i]
			for j := range i + 1 {
				row[i] += factors[k][i*m.Dim+j] * e[j]
			}
		}
	}
	return y
}

// Phasors returns the expectation of the phasors under the mixture at the frequencies of a target.
func (m *Mixture) Phasors(t *Target) []complex128 {
	phi := make([]complex128, len(t.z))
	for j := range phi {
		w := t.w[j*t.dim : (j+1)*t.dim]
		for k, a := range m.Weights {
			phase, form := 0.0, 0.0
			for i, v := range w {
				phase += v * m.Means[k][i]
				for l, u := range w {
					form += v * m.Covariance[k][i*m.Dim+l] * u
				}
			}
			sin, cos := math.Sincos(phase)
			a *= math.Exp(-form / 2)
			phi[j] += complex(a*cos, a*sin)
		}
	}
	return phi
}

// LossOn returns mean_j |z_j - phi_j|^2 on a target of the same feature map.
func (m *Mixture) LossOn(t *Target) float64 {
	sum := 0.0
	for j, p := range m.Phasors(t) {
		r := t.z[j] - p
		sum += real(r)*real(r) + imag(r)*imag(r)
	}
	return sum / float64(len(t.z))
}

// sort orders the components by weight.
func (m *Mixture) sort() {
	order := make([]int, len(m.Weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case m.Weights[a] > m.Weights[b]:
			return -1
		case m.Weights[a] < m.Weights[b]:
			return 1
		}
		return slices.Compare(m.Means[a], m.Means[b])
	})
	w, mu, c := make([]float64, len(order)), make([][]float64, len(order)), make([][]float64, len(order))
	for i, o := range order {
		w[i], mu[i], c[i] = m.Weights[o], m.Means[o], m.Covariance[o]
	}
	m.Weights, m.Means, m.Covariance = w, mu, c
}

// cholesky returns the lower factor of a covariance, d by d. A direction without variance, or of a negative one by
// rounding, gets one of 1e-12 of the largest.
func cholesky(c []float64, d int) []float64 {
	l := make([]float64, d*d)
	least := 0.0
	for i := range d {
		least = max(least, c[i*d+i])
	}
	least = max(1e-12*least, 1e-24)
	for i := range d {
		for j := range i + 1 {
			sum := c[i*d+j]
			for k := range j {
				sum -= l[i*d+k] * l[j*d+k]
			}
			if i == j {
				l[i*d+i] = math.Sqrt(max(sum, least))
			} else {
				l[i*d+j] = sum / l[j*d+j]
			}
		}
	}
	return l
}
