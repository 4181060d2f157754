package optim

import (
	"errors"
	"math"

	"phasor/trainer/generator/internal/kernel"
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
// memory of their squares would hold the steps back. NewAdam makes one.
type Adam struct {
	Beta1, Beta2, Epsilon float64
	Step                  int
	First, Second         []float32 // m and v

	set *kernel.Set
}

// NewAdam returns the optimiser of n parameters with the constants of a fit:
// 0.9, 0.99 and 1e-8.
func NewAdam(n int) *Adam {
	return &Adam{Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, First: make([]float32, n), Second: make([]float32, n), set: kernel.Select()}
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
	a.set.Adam(w, g, a.First, a.Second, kernel.Moments{
		Beta1: float32(a.Beta1), Beta2: float32(a.Beta2), Epsilon: float32(a.Epsilon),
		Rate: float32(lr / (1 - math.Pow(a.Beta1, t))), Correct: float32(1 / (1 - math.Pow(a.Beta2, t))),
	})
}
