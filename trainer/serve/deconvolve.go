package serve

import (
	"context"
	"errors"
	"strings"

	"phasor/trainer/inverse"
)

// deconvolveRequest asks for signals of which y = h * x + w was measured, a channel a sample.
type deconvolveRequest struct {
	Measurements [][]float64 `json:"measurements"`
	Kernel       []float64   `json:"kernel"` // h
	Taps         *int        `json:"taps"`   // of h, if it is not known
	Noise        *float64    `json:"noise"`
	Method       method      `json:"method"`
}

// mostBlind is the number of signals of an unknown kernel in a request: each takes long.
const mostBlind = 16

// deconvolved answers /v1/deconvolve.
func deconvolved(ctx context.Context, e *engine, l Limits, r *deconvolveRequest) (any, error) {
	d := e.dim()
	switch {
	case (r.Kernel == nil) == (r.Taps == nil):
		return nil, unanswerable("give \"kernel\", or \"taps\" if the kernel is not known")
	case r.Taps != nil:
		return e.blind(ctx, r)
	case len(r.Kernel) > 2*d:
		return nil, unanswerable("\"kernel\" has %d numbers for a signal of %d: give at most %d", len(r.Kernel), d, 2*d)
	case len(r.Kernel) == 0:
		return nil, unanswerable("\"kernel\" is empty")
	}
	m := inverse.Matrix(inverse.Convolution(d, r.Kernel))
	matrix := make([][]float64, d)
	for i := range matrix {
		matrix[i] = m.RawRowView(i)
	}
	return e.measured(ctx, l, &recoverRequest{Matrix: matrix, Measurements: r.Measurements, Noise: r.Noise, Method: r.Method})
}

// blind deconvolves signals in physical units, in which the convolution is one.
func (e *engine) blind(ctx context.Context, r *deconvolveRequest) (any, error) {
	d := e.dim()
	switch {
	case *r.Taps < 1 || *r.Taps > d:
		return nil, unanswerable("\"taps\" is %d: give 1 to %d, the length of the signal", *r.Taps, d)
	case r.Method != "" && r.Method != "auto":
		return nil, unanswerable("\"method\" cannot be chosen where the kernel is not known")
	}
	if err := checkMeasurements(r.Measurements, d, r.Noise, mostBlind); err != nil {
		return nil, err
	}
	prior, err := e.physical()
	if err != nil {
		return nil, err
	}
	answers, err := each(ctx, len(r.Measurements), func(i int) (answerOf, error) {
		b, err := inverse.Blind{Taps: *r.Taps, Stop: ctx.Err}.Solve(prior, r.Measurements[i], *r.Noise)
		if errors.Is(err, inverse.ErrProblem) {
			return answerOf{}, unanswerable("measurement %d: %v", i, strings.TrimPrefix(err.Error(), "inverse: "))
		}
		if err != nil {
			return answerOf{}, err
		}
		out := plain(b.Answer)
		out.Kernel = b.Kernel
		return out.checked(i)
	})
	return solveAnswer{e.head(), answers}, err
}
