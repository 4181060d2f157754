package optim

import (
	"errors"
	"math"
)

// ErrShape is the panic of vectors of unequal length.
var ErrShape = errors.New("optim: vectors of unequal length")

// Adam minimises by
//
//	m = b1 m + (1-b1) g,   v = b2 v + (1-b2) g^2
//	w = w - lr m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps)
//
// with b1 = Beta1, b2 = Beta2, eps = Epsilon. A fit over random latents wants
// Beta2 = 0.99: its gradients grow smaller by orders of magnitude, and a longer
// memory of their squares would hold the steps back.
type Adam struct {
	Beta1, Beta2, Epsilon float64
	Step                  int
	First, Second         []float32 // m and v
}

// NewAdam returns the optimiser of n parameters with the constants of a fit:
// 0.9, 0.99 and 1e-8.
func NewAdam(n int) *Adam {
	return &Adam{Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, First: make([]float32, n), Second: make([]float32, n)}
}

// Update takes one step of learning rate lr along gradient g from w, in place.
// It panics with ErrShape when a length differs from the optimiser's.
func (a *Adam) Update(w, g []float32, lr float64) {
	n := len(a.First)
	if len(w) != n || len(g) != n || len(a.Second) != n {
		panic(ErrShape)
	}
	a.Step++
	t := float64(a.Step)
	rate := float32(lr / (1 - math.Pow(a.Beta1, t)))
	correct := float32(1 / (1 - math.Pow(a.Beta2, t)))
	b1, b2, eps := float32(a.Beta1), float32(a.Beta2), float32(a.Epsilon)
	c1, c2 := 1-b1, 1-b2
	m, v := a.First, a.Second[:n]
	for i := range m {
		x := g[i]
		m[i] = b1*m[i] + c1*x
		v[i] = b2*v[i] + c2*x*x
		w[i] -= rate * m[i] / (float32(math.Sqrt(float64(v[i]*correct))) + eps)
	}
}

// Average moves mean towards w: mean = decay mean + (1-decay) w. It panics
// with ErrShape when the lengths differ.
func Average(mean, w []float32, decay float64) {
	if len(mean) != len(w) {
		panic(ErrShape)
	}
	d := float32(decay)
	c := 1 - d
	for i, x := range w {
		mean[i] = d*mean[i] + c*x
	}
}
