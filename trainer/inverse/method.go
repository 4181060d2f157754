package inverse

import (
	"math"
	"math/rand/v2"
)

// Answer is what a method makes of one measurement.
type Answer struct {
	Method string    // the name of the method that gave it
	X      []float64 // the record
	// SD is the standard deviation of each of its coordinates: of the posterior
	// where the method has one, else of the method's errors on held-out
	// generated records once [Recommend] has measured them, else nil.
	SD []float64
	// ESS is the effective sample size 1/sum w^2 of the weighted samples behind
	// the answer, 0 for methods without samples.
	ESS float64
	// Warning says in a sentence what the answer should not be trusted for.
	Warning string
}

// Method is a way to solve y = A x + w.
type Method interface {
	// Name is a short word, unique among the methods.
	Name() string
	// Prepare does the work that does not depend on y. Its errors wrap
	// [ErrProblem].
	Prepare(p *Prior, q Problem) (Solver, error)
}

// Solver answers measurements of one problem by one method. It is safe for
// concurrent use, does not keep y, and panics with [ErrShape] if y does not
// have a number for each measurement.
type Solver interface{ Solve(y []float64) Answer }

// solverFunc is a solver that is no more than an estimate.
type solverFunc struct {
	name string
	rows int
	f    func(y []float64) (x, sd []float64)
}

func (s solverFunc) Solve(y []float64) Answer {
	if len(y) != s.rows {
		panic(ErrShape)
	}
	x, sd := s.f(y)
	return Answer{Method: s.name, X: x, SD: sd}
}

// tuneRecords is the number of held-out records that a parameter is chosen by.
const tuneRecords = 24

// tune returns the number, from 0 to n-1, of the estimator whose mean squared
// error on measurements of the first held-out records is least.
func (p *Prior) tune(q Problem, n int, estimate func(i int, y []float64) []float64) int {
	rng := rand.New(rand.NewPCG(1, 0x74756e65))
	h, _ := p.held.Dims()
	h = min(h, tuneRecords)
	y := make([][]float64, h)
	for j := range y {
		y[j] = q.measure(p.held.RawRowView(j), rng)
	}
	best, least := 0, math.Inf(1)
	for i := range n {
		var sum float64
		for j := range y {
			sum += squared(estimate(i, y[j]), p.held.RawRowView(j))
		}
		if sum < least {
			best, least = i, sum
		}
	}
	return best
}

// squared returns |x - y|^2.
func squared(x, y []float64) float64 {
	var s float64
	for i, v := range x {
		s += (v - y[i]) * (v - y[i])
	}
	return s
}
