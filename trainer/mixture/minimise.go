package mixture

import (
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// minimise goes down f from x by L-BFGS and returns the best point found, which is x itself if no step was possible. It
// ends early if stopped says so.
func minimise(x []float64, iterations int, stopped func() bool, f func(x, grad []float64) float64) ([]float64, float64) {
	var at []float64 // The point of the last value and gradient, which are computed together.
	grad := make([]float64, len(x))
	var value float64
	eval := func(x []float64) {
		if at == nil || !slices.Equal(at, x) {
			at = append(at[:0], x...)
			value = f(x, grad)
		}
	}
	problem := optimize.Problem{
		Func: func(x []float64) float64 { eval(x); return value },
		Grad: func(g, x []float64) { eval(x); copy(g, grad) },
	}
	eval(x)
	first := value
	settings := &optimize.Settings{Recorder: stopper{stopped}, MajorIterations: iterations, FuncEvaluations: 3 * iterations, GradientThreshold: 1e-10,
		Converger: &optimize.FunctionConverge{Absolute: 1e-10, Relative: 1e-7, Iterations: 10}}
	// An error is a line search that rounding ended, or the stopper: the best point until then is as good as it gets.
	result, _ := optimize.Minimize(problem, x, settings, &optimize.LBFGS{Linesearcher: &optimize.MoreThuente{}})
	if result == nil || !(result.F <= first) {
		return x, first
	}
	return result.X, result.F
}

// stopper ends a minimisation between two steps: gonum does so at the error of a recorder.
type stopper struct{ stopped func() bool }

// Init implements optimize.Recorder.
func (stopper) Init() error { return nil }

// Record implements optimize.Recorder.
func (s stopper) Record(*optimize.Location, optimize.Operation, *optimize.Stats) error {
	if s.stopped() {
		return ErrStopped
	}
	return nil
}
