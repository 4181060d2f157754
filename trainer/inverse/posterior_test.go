package inverse

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// gaussianWorld is a prior whose posterior is known in closed form.
func gaussianWorld(t *testing.T, d, k int, seed uint64) (linear, *Prior) {
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	l := linear{randomDense(d, k, rng), make([]float64, d)}
	for i := range l.mean {
		l.mean[i] = rng.NormFloat64()
	}
	return l, mustPrior(t, l, 20000, seed).WithMoments(l.mean, l.covariance())
}

func TestGaussianIsTheConditionalLaw(t *testing.T) {
	l, p := gaussianWorld(t, 6, 6, 5)
	rng := rand.New(rand.NewPCG(5, 3))
	noise, err := Correlated(mat.NewSymDense(3, []float64{.4, .1, 0, .1, .3, .05, 0, .05, .2}))
	if err != nil {
		t.Fatal(err)
	}
	a := randomDense(3, 6, rng)
	for _, n := range []Noise{White(.3), Independent([]float64{.1, .2, 1}), noise} {
		q := Problem{Dense(a), n}
		s := mustPrepare(t, Gaussian{}, p, q)
		var z, count float64
		gap := mat.NewDense(6, 3, nil) // Errors are orthogonal to measurements.
		for range 4000 {
			u := make([]float64, 6)
			for i := range u {
				u[i] = rng.NormFloat64()
			}
			x := l.Generate(make([]float64, 6), u)
			y := q.measure(x, rng)
			e := s.Solve(y)
			for i := range x {
				z += math.Pow((e.X[i]-x[i])/e.SD[i], 2)
				count++
				for j := range y {
					gap.Set(i, j, gap.At(i, j)+(e.X[i]-x[i])*y[j]/4000)
				}
			}
		}
		if z /= count; math.Abs(z-1) > .06 {
			t.Errorf("squared errors are %.3f of the stated variance", z)
		}
		if worst := mat.Max(gap); worst > .08 {
			t.Errorf("errors correlate with measurements: %.3f", worst)
		}
	}
}

// The posterior of a normal prior is normal, whatever is left to samples.
func TestSamplingFindsTheNormalPosterior(t *testing.T) {
	l, p := gaussianWorld(t, 5, 5, 11)
	rng := rand.New(rand.NewPCG(11, 3))
	for _, sigma := range []float64{1, .3, .03, 0} {
		q := Problem{Dense(randomDense(3, 5, rng)), White(sigma)}
		exact := mustPrepare(t, Gaussian{}, p, q)
		for _, m := range []Method{Sampling{}, Hybrid{}} {
			if _, ok := m.(Hybrid); ok && sigma == 0 {
				continue // Without noise the posterior has no density in the latents.
			}
			s := mustPrepare(t, m, p, q)
			var gap, ratio, ess float64
			const rounds = 40
			for range rounds {
				u := make([]float64, 5)
				for i := range u {
					u[i] = rng.NormFloat64()
				}
				y := q.measure(l.Generate(make([]float64, 5), u), rng)
				want, have := exact.Solve(y), s.Solve(y)
				ess += have.ESS / rounds
				for i := range want.X {
					scale := want.SD[i] + 1e-3
					gap += math.Pow((have.X[i]-want.X[i])/scale, 2) / (5 * rounds)
					ratio += (have.SD[i] + 1e-3) / scale / (5 * rounds)
				}
			}
			t.Logf("sigma %v, %s: mean off by %.3f of the standard deviation, deviations %.3f of the exact, ESS %.0f", sigma, m.Name(), math.Sqrt(gap), ratio, ess)
			if math.Sqrt(gap) > .35 || ratio < .85 || ratio > 1.15 {
				t.Errorf("sigma %v, %s: mean off by %.3f of the standard deviation, deviations %.3f of the exact", sigma, m.Name(), math.Sqrt(gap), ratio)
			}
		}
	}
}

// What the generator leaves out is part of the posterior.
func TestSamplingKnowsTheRest(t *testing.T) {
	const seed = 17
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	l := linear{randomDense(6, 2, rng), make([]float64, 6)}
	rest := mat.NewSymDense(6, nil)
	rest.SymOuterK(.05, randomDense(6, 6, rng))
	p := mustPrior(t, l, 20000, seed).WithRest(rest)
	total := l.covariance()
	total.AddSym(total, rest)
	p = p.WithMoments(l.mean, total)
	q := Problem{Dense(randomDense(4, 6, rng)), White(.1)}
	exact := mustPrepare(t, Gaussian{}, p, q)
	s := mustPrepare(t, Sampling{}, p, q)
	var gap, ratio float64
	n, _ := p.held.Dims()
	for i := range n {
		y := q.measure(p.held.RawRowView(i), rng)
		want, have := exact.Solve(y), s.Solve(y)
		for k := range want.X {
			gap += math.Pow((have.X[k]-want.X[k])/want.SD[k], 2) / float64(6*n)
			ratio += have.SD[k] / want.SD[k] / float64(6*n)
		}
	}
	if math.Sqrt(gap) > .25 || math.Abs(ratio-1) > .1 {
		t.Errorf("mean off by %.3f of the standard deviation, deviations %.3f of the exact", math.Sqrt(gap), ratio)
	}
}

// A mixture's posterior has several modes; the samples find all of them.
func TestSamplingAgreesWithAMixture(t *testing.T) {
	const seed = 23
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	small := mat.NewSymDense(2, []float64{.04, 0, 0, .04})
	m := Mixture{{.5, []float64{0, 2}, small}, {.3, []float64{0, -2}, small}, {.2, []float64{3, 0}, small}}
	draw := func() []float64 {
		c, at := 0, rng.Float64()
		for at > m[c].Weight {
			at -= m[c].Weight
			c++
		}
		return []float64{m[c].Mean[0] + .2*rng.NormFloat64(), m[c].Mean[1] + .2*rng.NormFloat64()}
	}
	var records []float64
	for range 20000 {
		records = append(records, draw()...)
	}
	p, err := PriorOf(records, 2)
	if err != nil {
		t.Fatal(err)
	}
	q := Problem{Mask(2, []int{0}), White(.2)}
	exact, have := mustPrepare(t, m, p, q), mustPrepare(t, Sampling{}, p, q)
	for _, y := range [][]float64{{0}, {.3}, {3}, {1.5}} {
		a, b := exact.Solve(y), have.Solve(y)
		t.Logf("y %v: exact %.3v ± %.3v, sampling %.3v ± %.3v", y, a.X, a.SD, b.X, b.SD)
		if math.Abs(a.X[1]-b.X[1]) > .25 || math.Abs(a.SD[1]-b.SD[1]) > .25 {
			t.Errorf("y %v: exact %.3v ± %.3v, sampling %.3v ± %.3v", y, a.X, a.SD, b.X, b.SD)
		}
	}
	// The mixture fitted to the records is the one they come from.
	f, err := FitMixture(records, 2, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	fitted := mustPrepare(t, f, p, q)
	for _, y := range [][]float64{{0}, {3}} {
		if a, b := exact.Solve(y), fitted.Solve(y); math.Abs(a.X[1]-b.X[1]) > .1 {
			t.Errorf("y %v: exact %.3v, fitted %.3v", y, a.X, b.X)
		}
	}
	one := mustPrepare(t, Mixture{{1, p.mean, p.cov}}, p, q).Solve([]float64{.7})
	if g := mustPrepare(t, Gaussian{}, p, q).Solve([]float64{.7}); squared(g.X, one.X) > 1e-18 || squared(g.SD, one.SD) > 1e-18 {
		t.Errorf("a mixture of one component gives %v, the Gaussian %v", one, g)
	}
}

// A measurement far from all samples is answered by the Gaussian, with a warning.
func TestSamplingFallsBack(t *testing.T) {
	_, p := gaussianWorld(t, 4, 4, 29)
	q := Problem{Identity(4), White(.01)}
	s := mustPrepare(t, Sampling{}, p, q)
	far := []float64{40, -35, 50, 60}
	a := s.Solve(far)
	if a.Method != "gaussian" || a.Warning == "" {
		t.Errorf("%v far from everything: %+v", far, a)
	}
	if b := s.Solve(p.held.RawRowView(0)); b.Method != "sampling" || b.Warning != "" {
		t.Errorf("a generated record: %+v", b)
	}
}

func TestLatentFindsThePulse(t *testing.T) {
	const seed = 31
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	p := mustPrior(t, pulse{64}, 4000, seed)
	test := p.held.RawMatrix().Data[:64*40]
	q := Problem{Dense(randomDense(8, 64, rng)), White(.01)}
	errs := map[string]float64{}
	for _, m := range []Method{Gaussian{}, Sampling{}, Latent{}, Hybrid{}} {
		errs[m.Name()] = errorOf(mustPrepare(t, m, p, q), q, test, 64, seed)
	}
	t.Logf("root mean squared errors: %.4v", errs)
	if errs["latent"] > .3*errs["gaussian"] || errs["hybrid"] > .3*errs["gaussian"] || errs["sampling"] > .5*errs["gaussian"] {
		t.Errorf("root mean squared errors: %v", errs)
	}
	random := errorOf(mustPrepare(t, Latent{Random: true, Starts: 8}, p, q), q, test, 64, seed)
	if random > errs["gaussian"] {
		t.Errorf("random starts end at %v", random)
	}
}

func TestProblemsThatDoNotFit(t *testing.T) {
	_, p := gaussianWorld(t, 4, 4, 37)
	for name, m := range map[string]Method{"sampling": Sampling{}, "gaussian": Gaussian{}, "latent": Latent{}, "hybrid": Hybrid{}, "tikhonov": Tikhonov{}, "mixture": Mixture{{1, p.mean, p.cov}}, "dct": Sparse{Label: "dct"}, "tv": TotalVariation{}, "zero": ZeroFilling{}, "fbp": BackProjection{}} {
		if _, err := m.Prepare(p, Problem{Identity(5), White(1)}); !errors.Is(err, ErrProblem) {
			t.Errorf("%s: an operator of another dimension gives %v", name, err)
		}
		if _, err := m.Prepare(p, Problem{Identity(4), White(-1)}); !errors.Is(err, ErrProblem) {
			t.Errorf("%s: negative noise gives %v", name, err)
		}
	}
	records, err := PriorOf(p.x.RawMatrix().Data[:400], 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Latent{}).Prepare(records, Problem{Identity(4), White(1)}); !errors.Is(err, ErrProblem) {
		t.Errorf("latents of a prior without a generator: %v", err)
	}
	if _, err := (BackProjection{}).Prepare(p, Problem{Identity(4), White(1)}); !errors.Is(err, ErrProblem) {
		t.Errorf("back-projection of no projections: %v", err)
	}
	if _, err := (Mixture{}).Prepare(p, Problem{Identity(4), White(1)}); !errors.Is(err, ErrProblem) {
		t.Errorf("an empty mixture: %v", err)
	}
	if _, err := PriorOf([]float64{1, 2, 3, math.NaN(), 1, 2, 3, 4}, 2); !errors.Is(err, ErrProblem) {
		t.Errorf("a sample that is not a number: %v", err)
	}
}

// Weights somewhat broader than the likelihood have used a part of y; the update
// must use the rest of it and no more.
func TestSamplingCountsEveryMeasurementOnce(t *testing.T) {
	l, p := gaussianWorld(t, 3, 3, 103)
	rng := rand.New(rand.NewPCG(103, 3))
	q := Problem{Identity(3), White(.08)}
	exact := mustPrepare(t, Gaussian{}, p, q)
	s, err := Sampling{}.prepare(p, q)
	if err != nil {
		t.Fatal(err)
	}
	var ratio, broad, count float64
	for range 200 {
		u := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		y := q.measure(l.Generate(make([]float64, 3), u), rng)
		_, _, v := s.weights(s.standard(y))
		if v < 1.5 || v > 4 {
			continue
		}
		want, have := exact.Solve(y), s.Solve(y)
		for k := range want.SD {
			ratio += have.SD[k] / want.SD[k]
		}
		broad += v
		count++
	}
	t.Logf("%v measurements with weights broadened by %.2f: deviations %.3f of the exact", count, broad/count, ratio/count/3)
	if count < 20 || math.Abs(ratio/count/3-1) > .05 {
		t.Errorf("%v measurements with broadened weights: deviations %.3f of the exact", count, ratio/count/3)
	}
}

// TestGaussianAnswers: an answer is the caller's, to take to other units, and one to a measurement far from all
// generated ones says so.
func TestGaussianAnswers(t *testing.T) {
	p := mustPrior(t, pulse{8}, 2000, 1)
	s := mustPrepare(t, Gaussian{}, p, Problem{Mask(8, []int{0, 1, 3, 5, 6}), White(.03)})
	y := []float64{.1, .2, .3, .2, .1}
	first := s.Solve(y)
	want := slices.Clone(first.SD)
	for k := range first.SD {
		first.SD[k] *= 7
		first.X[k] *= 7
	}
	if again := s.Solve(y); !slices.Equal(again.SD, want) {
		t.Errorf("the deviations of an answer that was changed come back: %v, want %v", again.SD, want)
	}
	if first.Warning != "" {
		t.Errorf("a usual measurement has the warning %q", first.Warning)
	}
	if far := s.Solve([]float64{1000, 0, 0, 0, 1000}); far.Warning == "" {
		t.Error("a measurement unlike any has no warning")
	}
}
