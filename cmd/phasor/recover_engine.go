package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"phasor/trainer/generator"
	"phasor/trainer/inverse"
)

// recovery solves measurements by a model.
type recovery struct {
	e        *env
	flags    recoverFlags
	series   seriesFlags
	names    []string
	units    *inverse.Units // of what the prior is not in: nil for a prior in physical units
	prior    *inverse.Prior
	methods  []inverse.Method
	force    bool
	prepared map[string]*inverse.Recommendation
	told     map[string]bool // summaries that were printed
}

// restored is an answer in physical units.
type restored struct {
	inverse.Answer
	kernel []float64
}

// mostPrepared bounds the problems that are kept ready: each holds measurements of all samples.
const mostPrepared = 64

// newRecovery draws the prior of a model, in physical units or standard ones.
func newRecovery(e *env, f recoverFlags, physical bool) (*recovery, error) {
	m, err := f.model(e)
	if err != nil {
		return nil, err
	}
	r := &recovery{e: e, flags: f, names: m.Names(), prepared: map[string]*inverse.Recommendation{}, told: map[string]bool{}}
	var g inverse.Decoder = m
	if physical {
		g = inverse.NewPhysical(m)
	} else {
		r.units = inverse.UnitsOf(m)
	}
	if r.prior, err = inverse.NewPrior(g, f.Samples, f.Seed); err != nil {
		return nil, err
	}
	if ordered(m) {
		r.prior = r.prior.WithShape(m.Dim())
	}
	return r, r.chooseMethods()
}

// ordered says whether the channels are the windows of a series, whose names end in the numbers 0, 1, 2, ...
func ordered(m *generator.Model) bool {
	for k, n := range m.Names() {
		dot := strings.LastIndexByte(n, '.')
		if dot < 0 || strings.TrimLeft(n[dot+1:], "0") != strings.TrimLeft(fmt.Sprint(k), "0") {
			return false
		}
	}
	return m.Dim() > 1
}

// chooseMethods makes the methods that --method names.
func (r *recovery) chooseMethods() error {
	names := []string{r.flags.Method}
	switch r.flags.Method {
	case "auto":
		names = []string{"sampling", "gaussian"}
	case "all":
		names = methodNames
	default:
		r.force = true
	}
	for _, n := range names {
		m, err := r.method(n)
		if err != nil {
			return err
		}
		r.methods = append(r.methods, m)
	}
	return nil
}

func (r *recovery) method(name string) (inverse.Method, error) {
	switch name {
	case "latent":
		return inverse.Latent{}, nil
	case "hybrid":
		return inverse.Hybrid{}, nil
	case "gaussian":
		return inverse.Gaussian{}, nil
	case "tikhonov":
		return inverse.Tikhonov{}, nil
	case "dct", "wavelets":
		return inverse.Sparse{Label: name}, nil
	case "total-variation":
		return inverse.TotalVariation{}, nil
	case "dictionary":
		return inverse.Dictionary{Seed: r.flags.Seed}, nil
	case "witness":
		return inverse.Witness{Seed: r.flags.Seed}, nil
	case "amortised":
		return inverse.Amortised{Seed: r.flags.Seed}, nil
	case "mixture":
		const records, components = 5000, 10
		var x []float64
		for i := range min(records, r.prior.Samples()) {
			x = append(x, r.prior.Sample(i)...)
		}
		return inverse.FitMixture(x, r.prior.Dim(), components, r.flags.Seed)
	}
	return inverse.Sampling{}, nil
}

// signalMethods are those that look at neighbours.
var signalMethods = []string{"dct", "wavelets", "total-variation"}

// solve answers measurements of a problem, which key names if it comes again. The coordinates are those that matter.
func (r *recovery) solve(key string, q inverse.Problem, coordinates []int, y []float64) (restored, error) {
	s := r.prepared[key]
	if s == nil {
		if r.prior.Shape == nil && slices.Contains(signalMethods, r.flags.Method) {
			return restored{}, usagef("--method %s is for signals, and the channels of this model are in no order: give another method, or a model of windows of a series, which \"phasor recover windows\" cuts", r.flags.Method)
		}
		var err error
		records := 0
		if key != "" {
			records = 64 // A pattern of many.
		}
		if s, err = inverse.Recommend(r.prior, q, r.methods, inverse.RecommendOptions{Coordinates: coordinates, Records: records, Force: r.force}); err != nil {
			return restored{}, err
		}
		if len(r.prepared) >= mostPrepared {
			clear(r.prepared)
		}
		r.prepared[key] = s
		r.tell(s)
	}
	return restored{Answer: s.Solve(y)}, nil
}

// tell shows on standard error what was chosen.
func (r *recovery) tell(s *inverse.Recommendation) {
	if r.flags.Scores {
		var b strings.Builder
		for _, sc := range s.Scores {
			if sc.Err != nil {
				fmt.Fprintf(&b, " %s -", sc.Method)
				continue
			}
			fmt.Fprintf(&b, " %s %.4g", sc.Method, sc.RMSE)
		}
		fmt.Fprintf(r.e.stderr, "held-out errors:%s\n", b.String())
	}
	line := fmt.Sprintf("method %s, error %.0f %% below the Gaussian's on held-out generated records", s.Method(), 100*s.Gain)
	if s.Warning != "" {
		line = fmt.Sprintf("method %s: %s", s.Method(), s.Warning)
	}
	if !r.told[line] {
		r.told[line] = true
		fmt.Fprintln(r.e.stderr, line)
	}
}

// standard returns x in the prior's units.
func (r *recovery) standard(x []float64) ([]float64, error) {
	if r.units == nil {
		return x, nil
	}
	y := make([]float64, len(x))
	for k, v := range x {
		if y[k] = r.units.Standard(k, v); y[k]-y[k] != 0 && v == v {
			return nil, fmt.Errorf("channel %q is %v: its transform has no value there", r.names[k], v)
		}
	}
	return y, nil
}

// physical takes an answer to physical units.
func (r *recovery) physical(a restored) restored {
	if r.units == nil {
		return a
	}
	for k, y := range a.X {
		x, slope := r.units.Physical(k, y)
		a.X[k], a.SD[k] = x, a.SD[k]*math.Abs(slope)
	}
	return a
}

// impute fills in what is NaN in x.
func (r *recovery) impute(x []float64, sigma float64) (restored, error) {
	z, err := r.standard(x)
	if err != nil {
		return restored{}, err
	}
	var seen, lost []int
	key := make([]byte, len(z))
	var y []float64
	for k, v := range z {
		if key[k] = '1'; v != v {
			key[k] = '0'
			lost = append(lost, k)
			continue
		}
		seen, y = append(seen, k), append(y, v)
	}
	var a restored
	switch {
	case len(lost) == 0:
		a = restored{Answer: inverse.Answer{Method: "measured", X: append([]float64(nil), z...), SD: make([]float64, len(z))}}
	case len(seen) == 0:
		mean, cov := r.prior.Moments()
		a = restored{Answer: inverse.Answer{Method: "mean", X: append([]float64(nil), mean...), Warning: "nothing was measured: the answer is the stream's mean"}}
		for k := range z {
			a.SD = append(a.SD, math.Sqrt(cov.At(k, k)))
		}
	default:
		q := inverse.Problem{A: inverse.Mask(len(z), seen), Noise: inverse.White(sigma)}
		if a, err = r.solve(string(key), q, lost, y); err != nil {
			return a, err
		}
	}
	a = r.physical(a)
	for _, k := range seen {
		a.X[k], a.SD[k] = x[k], 0
	}
	return a, nil
}

func (r *recovery) denoise(x []float64, sigma float64) (restored, error) {
	z, err := r.complete(x)
	if err != nil {
		return restored{}, err
	}
	a, err := r.solve("", inverse.Problem{A: inverse.Identity(len(z)), Noise: inverse.White(sigma)}, nil, z)
	if err != nil {
		return a, err
	}
	return r.physical(a), nil
}

// complete returns x in the prior's units, or says what is missing.
func (r *recovery) complete(x []float64) ([]float64, error) {
	for k, v := range x {
		if v != v {
			return nil, fmt.Errorf("%q is missing: fill it in with phasor recover impute first", r.names[k])
		}
	}
	return r.standard(x)
}

// deconvolve undoes a kernel. Measurements that reach beyond the record do not count.
func (r *recovery) deconvolve(x, kernel []float64, sigma float64) (restored, error) {
	if _, err := r.complete(x); err != nil {
		return restored{}, err
	}
	d, l := len(x), len(kernel)
	var inside []int
	var y []float64
	for t := l - 1 - l/2; t <= d-1-l/2; t++ {
		inside, y = append(inside, t), append(y, x[t])
	}
	a := inverse.Compose(inverse.Mask(d, inside), inverse.Convolution(d, kernel))
	return r.solve("", inverse.Problem{A: a, Noise: inverse.White(sigma)}, nil, y)
}

// blind finds the kernel too.
func (r *recovery) blind(ctx context.Context, x []float64, taps int, sigma float64) (restored, error) {
	if _, err := r.complete(x); err != nil {
		return restored{}, err
	}
	b, err := inverse.Blind{Taps: taps, Stop: ctx.Err}.Solve(r.prior, x, sigma)
	if err != nil {
		return restored{}, err
	}
	return restored{b.Answer, b.Kernel}, nil
}
