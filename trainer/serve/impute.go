package serve

import (
	"context"
	"math"

	"phasor/trainer/inverse"
)

// restoreRequest asks for records from which something is missing or that have noise.
type restoreRequest struct {
	Records []row  `json:"records"`
	Noise   noise  `json:"noise"`
	Method  method `json:"method"`
}

// What a request to fill in does not say: the noise of what is there, in standard deviations, and the method. There are
// too many sets of channels that may be missing to try methods on each before the first answer, and sampling falls back to
// the Gaussian by itself where it should.
const (
	imputeNoise  = 0.02
	imputeMethod = "sampling"
)

// imputed answers /v1/impute: what is there stays as it is.
func imputed(ctx context.Context, e *engine, l Limits, r *restoreRequest) (any, error) {
	x, err := e.rows(r.Records, l.Records)
	if err != nil {
		return nil, err
	}
	y, err := e.standard(x)
	if err != nil {
		return nil, err
	}
	sd, key, err := r.Noise.standard(e, imputeNoise)
	if err != nil {
		return nil, err
	}
	d := e.dim()
	answers, err := each(ctx, len(r.Records), func(i int) (answerOf, error) {
		given := x[i*d : (i+1)*d]
		a, err := e.fill(y[i*d:(i+1)*d], sd, key, r.Method.or(imputeMethod))
		if err != nil {
			p := asProblem(err)
			return a, problemf(p.Status, "record %d: %s", i, p.Detail)
		}
		for k, v := range given {
			if !math.IsNaN(v) {
				a.Record[k] = v
				if a.Deviation != nil {
					a.Deviation[k] = 0
				}
			}
		}
		return a, nil
	})
	return solveAnswer{e.head(), answers}, err
}

// fill fills in one record of standard units.
func (e *engine) fill(y, sd []float64, noise string, m method) (answerOf, error) {
	var seen, missing []int
	var have, of []float64
	pattern := make([]byte, len(y))
	for k, v := range y {
		pattern[k] = '.'
		if math.IsNaN(v) {
			missing = append(missing, k)
			continue
		}
		pattern[k] = 'x'
		seen, have, of = append(seen, k), append(have, v), append(of, sd[k])
	}
	switch {
	case len(missing) == 0:
		return answerOf{Record: make(numbers, len(y)), Deviation: make(numbers, len(y)), Method: "none"}, nil
	case len(seen) == 0:
		return answerOf{}, unanswerable("it has no value at all: /v1/sample draws records from nothing")
	}
	s, err := e.solver("mask "+string(pattern)+noise, e.prior, inverse.Problem{A: inverse.Mask(len(y), seen), Noise: inverse.Independent(of)}, m, missing)
	if err != nil {
		return answerOf{}, err
	}
	return e.answer(s.Solve(have)), nil
}

// warm prepares for one missing channel, whichever it is: that is what is asked for most.
func (e *engine) warm() error {
	d := e.dim()
	if d < 2 || d > mostWarm {
		return nil
	}
	sd, key, err := noise{}.standard(e, imputeNoise)
	if err != nil {
		return err
	}
	y := make([]float64, d)
	for k := range d {
		y[k] = math.NaN()
		if _, err := e.fill(y, sd, key, imputeMethod); err != nil {
			return err
		}
		y[k] = 0
	}
	return nil
}

// mostWarm is the number of channels up to which warm is worth its time.
const mostWarm = 32

// denoised answers /v1/denoise.
func denoised(ctx context.Context, e *engine, l Limits, r *restoreRequest) (any, error) {
	if !r.Noise.given() {
		return nil, unanswerable("there is no \"noise\": give its standard deviation")
	}
	x, err := e.whole(r.Records, l.Records)
	if err != nil {
		return nil, err
	}
	y, err := e.standard(x)
	if err != nil {
		return nil, err
	}
	sd, key, err := r.Noise.standard(e, 0)
	if err != nil {
		return nil, err
	}
	d := e.dim()
	s, err := e.solver("identity "+key, e.prior, inverse.Problem{A: inverse.Identity(d), Noise: inverse.Independent(sd)}, r.Method.or("auto"), nil)
	if err != nil {
		return nil, err
	}
	answers, err := each(ctx, len(r.Records), func(i int) (answerOf, error) { return e.answer(s.Solve(y[i*d : (i+1)*d])), nil })
	return solveAnswer{e.head(), answers}, err
}
