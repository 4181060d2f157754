package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"phasor/trainer/inverse"
)

// solveAnswer is the answer of the endpoints that solve y = A x + w.
type solveAnswer struct {
	head
	Answers []answerOf `json:"answers"`
}

// answerOf is an inverse.Answer in physical units.
type answerOf struct {
	Record           numbers `json:"record"`
	Deviation        numbers `json:"sd,omitempty"`
	Method           string  `json:"method"`
	EffectiveSamples real    `json:"effective_samples,omitempty"`
	Warning          string  `json:"warning,omitempty"`
	Kernel           numbers `json:"kernel,omitempty"`
}

// methods are the names that a request may give, and what they stand for; auto chooses by the errors on held-out generated
// records.
var methods = map[string][]inverse.Method{
	"auto":     {inverse.Sampling{}},
	"sampling": {inverse.Sampling{}},
	"gaussian": {inverse.Gaussian{}},
	"latent":   {inverse.Latent{}},
	"hybrid":   {inverse.Hybrid{}},
}

// trials is the number of held-out records that auto decides by.
const trials = 64

// method is the name of a method in a request.
type method string

// UnmarshalJSON implements json.Unmarshaler.
func (m *method) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if methods[s] == nil {
		return unanswerable("method %.40q: it is auto, sampling, gaussian, latent or hybrid", s)
	}
	*m = method(s)
	return nil
}

func (m method) or(otherwise method) method {
	if m == "" {
		return otherwise
	}
	return m
}

// solver returns the solver of a problem. wanted are the coordinates that errors count at, nil for all.
func (e *engine) solver(key string, prior *inverse.Prior, q inverse.Problem, m method, wanted []int) (inverse.Solver, error) {
	rows, cols := q.A.Dims()
	size := int64(8 * (prior.Samples()*(rows+1) + 4*cols*cols))
	s, err := e.solvers.get(string(m)+" "+key, size, func() (inverse.Solver, error) {
		if m == "auto" {
			return inverse.Recommend(prior, q, methods[string(m)], inverse.RecommendOptions{Coordinates: wanted, Records: trials})
		}
		return methods[string(m)][0].Prepare(prior, q)
	})
	if errors.Is(err, inverse.ErrProblem) {
		return nil, unanswerable("%v", strings.TrimPrefix(err.Error(), "inverse: "))
	}
	return s, err
}

// plain returns an answer that is in physical units.
func plain(a inverse.Answer) answerOf {
	return answerOf{Record: a.X, Deviation: a.SD, Method: a.Method, EffectiveSamples: real(a.ESS), Warning: a.Warning}
}

// checked refuses an answer to measurement i that is out of range.
func (a answerOf) checked(i int) (answerOf, error) {
	for _, v := range a.Record {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return a, unanswerable("measurement %d leads to numbers that are out of range", i)
		}
	}
	return a, nil
}

// answer returns an answer in standard units in physical ones.
func (e *engine) answer(a inverse.Answer) answerOf {
	out := answerOf{Method: a.Method, EffectiveSamples: real(a.ESS), Warning: a.Warning}
	for k, y := range a.X {
		out.Record = append(out.Record, e.units.physical(k, y))
		if a.SD != nil {
			out.Deviation = append(out.Deviation, e.units.deviation(k, y, a.SD[k]))
		}
	}
	return out
}

// standard returns records in standard units. What is missing stays so.
func (e *engine) standard(x []float64) ([]float64, error) {
	y := make([]float64, len(x))
	for i, v := range x {
		k := i % e.dim()
		y[i] = e.units.standard(k, v)
		if math.IsNaN(y[i]) && !math.IsNaN(v) {
			return nil, unanswerable("record %d: channel %q cannot be %v: its transform is %v", i/e.dim(), e.units.channels[k].Name, v, e.units.channels[k].Transform)
		}
	}
	return y, nil
}

// noise is a standard deviation: one number in standard units of every channel, or numbers by the channels' names in
// their physical units.
type noise struct {
	all   *float64
	named map[string]float64
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *noise) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		return json.Unmarshal(b, &n.named)
	}
	return json.Unmarshal(b, &n.all)
}

// given says that the request has it.
func (n noise) given() bool { return n.all != nil || n.named != nil }

// standard returns the deviation of each channel in standard units, and a text that is equal for equal ones.
func (n noise) standard(e *engine, otherwise float64) (sd []float64, key string, err error) {
	sd = make([]float64, e.dim())
	for k := range sd {
		sd[k] = otherwise
		if n.all != nil {
			sd[k] = *n.all
		}
	}
	if n.all != nil && !(*n.all > 0 && *n.all <= 128) {
		return nil, "", unanswerable("\"noise\" is %v: give a number above 0, in standard deviations of the channels", *n.all)
	}
	names := e.version.Model.Names()
	for name, v := range n.named {
		k := slices.Index(names, name)
		switch {
		case k < 0:
			return nil, "", unanswerable("\"noise\" names the channel %.100q: the channels are %q", name, names)
		case !e.units.linear(k):
			return nil, "", unanswerable("\"noise\" of channel %q: it has the transform %v, so give one number in standard deviations for all channels", name, e.units.channels[k].Transform)
		case !(v > 0):
			return nil, "", unanswerable("\"noise\" of channel %q is %v: give a number above 0", name, v)
		}
		sd[k] = v * e.units.scale[k]
	}
	for k, c := range e.units.channels {
		if _, ok := n.named[c.Name]; n.named != nil && !ok {
			return nil, "", unanswerable("\"noise\" has no number for channel %q: name all channels, or give one number for all", c.Name)
		}
		if !(sd[k] >= 1/largest && sd[k] <= largest) {
			return nil, "", unanswerable("\"noise\" of channel %q is out of range", c.Name)
		}
	}
	return sd, fmt.Sprintf("%x", sd), nil
}

// each calls solve for every record until the time is over.
func each(ctx context.Context, n int, solve func(i int) (answerOf, error)) ([]answerOf, error) {
	out := make([]answerOf, 0, n)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a, err := solve(i)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
