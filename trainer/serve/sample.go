package serve

import (
	"context"

	"phasor/trainer/score"
)

// sampleRequest asks for records from the model.
type sampleRequest struct {
	N    *int   `json:"n"`
	Seed uint64 `json:"seed"`
}

type sampleAnswer struct {
	head
	Records []numbers `json:"records"`
}

// sampled answers /v1/sample.
func sampled(_ context.Context, e *engine, l Limits, r *sampleRequest) (any, error) {
	n := 1
	if r.N != nil {
		n = *r.N
	}
	// A record of many channels counts for several, so that an answer has a bound.
	most := max(1, min(l.Samples, 100*l.Samples/e.dim()))
	if n < 1 || n > most {
		return nil, unanswerable("\"n\" is %d: give 1 to %d, and for more ask again with other seeds", n, most)
	}
	return sampleAnswer{e.head(), table(e.version.Model.Sample(n, r.Seed), e.dim())}, nil
}

// scoreRequest asks how odd records are.
type scoreRequest struct {
	Records []row `json:"records"`
}

type scoreAnswer struct {
	head
	Scores []scoreOf `json:"scores"`
}

// scoreOf is a score.Score.
type scoreOf struct {
	Odd              real `json:"odd"`
	Density          real `json:"density"`
	DensityQuantile  real `json:"density_quantile"`
	Distance         real `json:"distance"`
	DistanceQuantile real `json:"distance_quantile"`
}

// scoredTogether is the number of records between two looks at the clock.
const scoredTogether = 64

// scored answers /v1/score.
func scored(ctx context.Context, e *engine, l Limits, r *scoreRequest) (any, error) {
	x, err := e.whole(r.Records, l.Records)
	if err != nil {
		return nil, err
	}
	if _, err := e.standard(x); err != nil {
		return nil, err
	}
	answer := scoreAnswer{head: e.head()}
	d := e.dim()
	for len(x) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := x[:min(len(x), scoredTogether*d)]
		scores := make([]score.Score, len(part)/d)
		e.scorer.Score(scores, part)
		for _, s := range scores {
			answer.Scores = append(answer.Scores, scoreOf{real(s.Odd), real(s.Density), real(s.DensityQuantile), real(s.Distance), real(s.DistanceQuantile)})
		}
		x = x[len(part):]
	}
	return answer, nil
}
