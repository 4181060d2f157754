package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Score is the error of a method on measurements of held-out generated records.
type Score struct {
	Method string
	RMSE   float64   // root mean squared error of a coordinate; NaN with Err
	SD     []float64 // root mean squared error of each coordinate
	Err    error     // why the method cannot take the problem
}

// Recommendation is the method for a problem that did best on held-out
// generated records. It is a [Solver]: the answers are those of the method, with
// the standard deviations of its errors where it has none of its own, and with a
// warning where the generator does not help.
//
// The records that decide are generated, so that a method that uses the
// generator is judged as if the generator were perfect. The Gaussian is
// therefore given the preference: another method is chosen only where its
// squared errors are smaller by more than two standard errors of their
// difference and by more than 2 %.
type Recommendation struct {
	Scores  []Score // in the order of the methods, the Gaussian among them
	Best    int     // the one chosen
	Gain    float64 // 1 - RMSE/RMSE of the Gaussian
	Warning string  // in a sentence, or empty

	solver Solver
}

// RecommendOptions steer [Recommend]; the zero value asks for the defaults.
type RecommendOptions struct {
	// Coordinates are those that errors are counted at, as the missing ones; nil
	// is all.
	Coordinates []int
	// Records is the number of held-out records; 128, or as many as there are.
	Records int
	// Force takes the first method whatever its score.
	Force bool
}

// smallGain is the gain over the Gaussian below which an answer says that the
// prior does not help.
const smallGain = 0.05

// Recommend tries methods on held-out generated records. [Gaussian] is tried
// whether named or not. Its error is that of the problem, or of a Gaussian that
// cannot take it; a method that cannot is scored with its error.
func Recommend(p *Prior, q Problem, methods []Method, o RecommendOptions) (*Recommendation, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	for _, k := range o.Coordinates {
		if k < 0 || k >= p.dim {
			return nil, fmt.Errorf("inverse: %w: coordinate %d of %d", ErrProblem, k, p.dim)
		}
	}
	if o.Records <= 0 {
		o.Records = 128
	}
	baseline := -1
	for i, m := range methods {
		if m.Name() == (Gaussian{}).Name() {
			baseline = i
		}
	}
	if baseline < 0 {
		baseline = len(methods)
		methods = append(methods[:len(methods):len(methods)], Gaussian{})
	}
	trial := newTrial(p, q, o)
	solvers, errs := make([]Solver, len(methods)), make([][]float64, len(methods))
	r := &Recommendation{Scores: make([]Score, len(methods))}
	for i, m := range methods {
		s, err := m.Prepare(p, q)
		if err != nil {
			r.Scores[i] = Score{Method: m.Name(), RMSE: math.NaN(), Err: err}
			continue
		}
		solvers[i] = s
		r.Scores[i], errs[i] = trial.score(m.Name(), s)
	}
	if err := r.Scores[baseline].Err; err != nil {
		return nil, err
	}
	if o.Force {
		if err := r.Scores[0].Err; err != nil {
			return nil, err
		}
	}
	r.choose(errs, baseline, o.Force)
	r.solver = solvers[r.Best]
	return r, nil
}

// choose sets the best method for the squared errors of each record.
func (r *Recommendation) choose(errs [][]float64, baseline int, force bool) {
	r.Best = baseline
	if force {
		r.Best = 0
	}
	for i, e := range errs {
		if !force && e != nil && r.Scores[i].RMSE < r.Scores[r.Best].RMSE && clearly(e, errs[baseline]) {
			r.Best = i
		}
	}
	base := r.Scores[baseline].RMSE
	if base > 0 {
		r.Gain = 1 - r.Scores[r.Best].RMSE/base
	}
	if r.Gain < smallGain {
		r.Warning = fmt.Sprintf("the prior does not help here beyond a Gaussian with the stream's mean and covariance (gain %.1f %%)", 100*r.Gain)
	}
}

// clearly says whether errors a are smaller than b by more than two standard
// errors of the difference and 2 % in the root of the mean.
func clearly(a, b []float64) bool {
	var ma, mb, mean, square float64
	n := float64(len(a))
	for i, v := range a {
		d := b[i] - v
		ma += v / n
		mb += b[i] / n
		mean += d / n
		square += d * d / n
	}
	se := math.Sqrt(max(0, square-mean*mean) / max(1, n-1))
	return mean > 2*se && math.Sqrt(ma) < 0.98*math.Sqrt(mb)
}

// trial holds held-out records and their measurements.
type trial struct {
	coordinates []int
	x, y        [][]float64
}

func newTrial(p *Prior, q Problem, o RecommendOptions) *trial {
	rng := rand.New(rand.NewPCG(1, 0x747269616c))
	t := &trial{coordinates: o.Coordinates}
	if t.coordinates == nil {
		for k := range p.dim {
			t.coordinates = append(t.coordinates, k)
		}
	}
	h, _ := p.held.Dims()
	// From the end: the first records have chosen the methods' parameters.
	for i := h - 1; i >= 0 && len(t.x) < o.Records; i-- {
		if i < tuneRecords && len(t.x) >= 8 {
			break
		}
		t.x = append(t.x, p.held.RawRowView(i))
		t.y = append(t.y, q.measure(p.held.RawRowView(i), rng))
	}
	return t
}

// score returns a solver's errors, and their mean squares by record.
func (t *trial) score(name string, s Solver) (Score, []float64) {
	sc := Score{Method: name}
	errs := make([]float64, len(t.x))
	for i, y := range t.y {
		a := s.Solve(y)
		if sc.SD == nil {
			sc.SD = make([]float64, len(a.X))
		}
		for k, v := range a.X {
			e := v - t.x[i][k]
			sc.SD[k] += e * e / float64(len(t.x))
		}
		for _, k := range t.coordinates {
			e := a.X[k] - t.x[i][k]
			errs[i] += e * e / float64(len(t.coordinates))
		}
		sc.RMSE += errs[i] / float64(len(t.x))
	}
	sc.RMSE = math.Sqrt(sc.RMSE)
	for k, v := range sc.SD {
		sc.SD[k] = math.Sqrt(v)
	}
	return sc, errs
}

// Method returns the name of the method chosen.
func (r *Recommendation) Method() string { return r.Scores[r.Best].Method }

// Solve answers by the method chosen.
func (r *Recommendation) Solve(y []float64) Answer {
	a := r.solver.Solve(y)
	if a.SD == nil {
		a.SD = append([]float64(nil), r.Scores[r.Best].SD...)
	}
	switch {
	case a.Warning == "":
		a.Warning = r.Warning
	case r.Warning != "":
		a.Warning += "; " + r.Warning
	}
	return a
}
