package inverse

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestRecommendPrefersTheGaussianWhereItIsExact(t *testing.T) {
	l, p := gaussianWorld(t, 5, 5, 43)
	rng := rand.New(rand.NewPCG(43, 3))
	q := Problem{Dense(randomDense(3, 5, rng)), White(.3)}
	r, err := Recommend(p, q, []Method{Sampling{}, Tikhonov{}}, RecommendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Method() != "gaussian" || r.Gain != 0 || r.Warning == "" || len(r.Scores) != 3 {
		t.Errorf("%s of %+v, gain %v, warning %q", r.Method(), r.Scores, r.Gain, r.Warning)
	}
	a := r.Solve(q.measure(l.mean, rng))
	if a.Method != "gaussian" || a.Warning != r.Warning || a.SD == nil {
		t.Errorf("answer %+v", a)
	}
}

func TestRecommendTakesTheGeneratorWhereItHelps(t *testing.T) {
	p := mustPrior(t, pulse{32}, 6000, 47).WithShape(32)
	rng := rand.New(rand.NewPCG(47, 3))
	q := Problem{Dense(randomDense(6, 32, rng)), White(.02)}
	r, err := Recommend(p, q, []Method{Tikhonov{}, Sparse{Label: "dct"}, Sampling{}, BackProjection{}}, RecommendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r.Scores)
	if r.Method() != "sampling" || r.Gain < .3 || r.Warning != "" {
		t.Errorf("%s, gain %v, warning %q", r.Method(), r.Gain, r.Warning)
	}
	if s := r.Scores[3]; !errors.Is(s.Err, ErrProblem) || !math.IsNaN(s.RMSE) {
		t.Errorf("back-projection of random measurements scores %+v", s)
	}
}

// Methods without a posterior answer with the deviations of their errors.
func TestRecommendGivesEveryAnswerAnUncertainty(t *testing.T) {
	p := mustPrior(t, pulse{32}, 3000, 53).WithShape(32)
	q := Problem{Identity(32), White(.3)}
	trial := newTrial(p, q, RecommendOptions{Records: 64})
	s := mustPrepare(t, TotalVariation{Iterations: 60}, p, q)
	score, errs := trial.score("total-variation", s)
	r := &Recommendation{Scores: []Score{score}, solver: s}
	a := r.Solve(trial.y[0])
	if len(a.SD) != 32 || len(errs) != 64 {
		t.Fatalf("%d standard deviations, %d errors", len(a.SD), len(errs))
	}
	var sum float64
	for _, v := range a.SD {
		sum += v * v / 32
	}
	if math.Abs(math.Sqrt(sum)-score.RMSE) > 1e-9 {
		t.Errorf("deviations of %v together, the root mean squared error is %v", math.Sqrt(sum), score.RMSE)
	}
	r.Warning = "outer"
	r.solver = solverFunc{"x", 32, func(y []float64) (x, sd []float64) { return y, y }}
	if a := r.Solve(trial.y[0]); a.Warning != "outer" {
		t.Errorf("warning %q", a.Warning)
	}
}

func TestRecommendCountsTheCoordinatesAsked(t *testing.T) {
	_, p := gaussianWorld(t, 4, 4, 59)
	q := Problem{Mask(4, []int{0, 1, 2}), White(.01)}
	all, err := Recommend(p, q, nil, RecommendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	missing, err := Recommend(p, q, nil, RecommendOptions{Coordinates: []int{3}})
	if err != nil {
		t.Fatal(err)
	}
	if a, m := all.Scores[0].RMSE, missing.Scores[0].RMSE; math.Abs(m/a-2) > .1 {
		t.Errorf("error %v of all, %v of the missing one: want twice as much", a, m)
	}
	if _, err := Recommend(p, q, nil, RecommendOptions{Coordinates: []int{4}}); err == nil || !strings.Contains(err.Error(), "coordinate 4 of 4") {
		t.Errorf("a coordinate that is not there: %v", err)
	}
}

// A lead that chance may have given, or that is not worth the trouble, does not
// count.
func TestClearly(t *testing.T) {
	errs := func(level, swing float64) []float64 {
		e := make([]float64, 100)
		for i := range e {
			e[i] = level + swing*float64(i%2*2-1)
		}
		return e
	}
	base := errs(1, 0)
	for _, c := range []struct {
		name string
		a    []float64
		want bool
	}{
		{"half of the error", errs(.5, .1), true},
		{"one percent", errs(.98, 0), false},
		{"five percent that chance may have given", errs(.9, .8), false},
		{"five percent for sure", errs(.9, .1), true},
		{"worse", errs(1.2, .1), false},
	} {
		if have := clearly(c.a, base); have != c.want {
			t.Errorf("%s: %v", c.name, have)
		}
	}
}
