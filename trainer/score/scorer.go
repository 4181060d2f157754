package score

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"phasor/sketcher/feature"
	"phasor/trainer/generator"
)

// ErrMismatch is wrapped by the error of a model, a feature map and a sketch that do not belong together.
var ErrMismatch = errors.New("model and feature map do not belong together")

// ErrShape is the panic of a slice whose length does not fit.
var ErrShape = errors.New("score: the length of a slice does not fit")

// Options say how a scorer is made. The zero value of a field stands for its default.
type Options struct {
	// Records is the number of generated records that distances start from; 8192.
	Records int
	// Calibration is the number of further ones that quantiles are shares of; 4096.
	Calibration int
	// Steps is how often a latent is improved from the nearest generated record; 20.
	Steps int
	// Seed decides the latents. Equal seeds give equal scores.
	Seed uint64
}

func (o Options) withDefaults() (Options, error) {
	if o.Records == 0 {
		o.Records = 8192
	}
	if o.Calibration == 0 {
		o.Calibration = 4096
	}
	if o.Steps == 0 {
		o.Steps = 20
	}
	if o.Records < 1 || o.Calibration < 20 || o.Steps < 0 {
		return o, fmt.Errorf("score: %d records, %d to calibrate on, %d steps: give at least 1, 20 and 0", o.Records, o.Calibration, o.Steps)
	}
	return o, nil
}

// Score is what is said of one record.
type Score struct {
	Density  float64 // of the stream at the record, 1 where all records are equal to it
	Distance float64 // to the generator's range, in standard deviations a channel
	// Quantiles of both under the model: the share of its records that are less odd, from 0 to 1.
	DensityQuantile, DistanceQuantile float64
	// Odd is the decimal logarithm of the number of records among which the model would make one as odd as this: 0 for
	// any record, 3 for one in a thousand. Beyond what it was calibrated on it is an extrapolation.
	Odd float64
}

// Scorer scores records. It does not change once made, and is safe for concurrent use.
type Scorer struct {
	model    *generator.Model
	spec     *feature.Spec
	steps    int
	radius   float64 // of the latents
	turns    []float64
	z        []complex128
	whiten   []float64 // W, lower triangle, d by d
	records  []float64 // generated, whitened, row-major
	latents  []float64
	density  tail
	distance tail
}

// New makes a scorer of a model and the sketch z of its feature map; if z is nil, the expectation of the model's phasors
// stands for it. Errors wrap [ErrMismatch] if the three do not belong together.
func New(m *generator.Model, spec *feature.Spec, z []complex128, opt Options) (*Scorer, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	if have, want := spec.Fingerprint(), m.Fingerprint(); have != want {
		return nil, fmt.Errorf("score: %w: the spec is the map %s, the model was fitted to %s", ErrMismatch, have, want)
	}
	if z != nil && len(z) != spec.Features {
		return nil, fmt.Errorf("score: %w: a sketch of %d frequencies, the map has %d", ErrMismatch, len(z), spec.Features)
	}
	k, d := m.Latent(), m.Dim()
	s := &Scorer{model: m, spec: spec, steps: opt.Steps, turns: feature.Turns(spec), z: z}
	// A chi-square of k degrees of freedom is hardly ever beyond three deviations above its mean.
	s.radius = math.Sqrt(float64(k) + 3*math.Sqrt(2*float64(k)))
	rng := rand.New(rand.NewPCG(opt.Seed, 0x73636f7265))
	draw := func(n int) (y, u []float64) {
		u = make([]float64, n*k)
		for i := range u {
			u[i] = rng.NormFloat64()
		}
		return m.Generate(make([]float64, n*d), u), u
	}
	s.records, s.latents = draw(opt.Records)
	if z == nil {
		s.z = s.phasors(s.records)
	}
	s.whiten = whitening(s.records, d)
	s.white(s.records)
	y, _ := draw(opt.Calibration)
	oddness, distances := make([]float64, opt.Calibration), s.distances(y)
	for i := range oddness {
		oddness[i] = -s.densityAt(y[i*d : (i+1)*d])
	}
	s.density, s.distance = newTail(oddness), newTail(distances)
	return s, nil
}

// Dim returns the number of channels.
func (s *Scorer) Dim() int { return s.model.Dim() }

// Score scores records in physical units, row-major, and writes a Score for each to dst, which must have room for them.
// A record that is not finite, or that the feature map cannot take, has NaN for all measures and is infinitely odd.
func (s *Scorer) Score(dst []Score, x []float64) {
	d := s.Dim()
	n := len(x) / d
	if len(x) != n*d || len(dst) < n {
		panic(ErrShape)
	}
	y := make([]float64, 0, len(x))
	var rows []int
	for i := range n {
		if row, ok := s.standardise(x[i*d : (i+1)*d]); ok {
			y, rows = append(y, row...), append(rows, i)
		} else {
			nan := math.NaN()
			dst[i] = Score{nan, nan, nan, nan, math.Inf(1)}
		}
	}
	distances := s.distances(y)
	for j, i := range rows {
		f := s.densityAt(y[j*d : (j+1)*d])
		c := Score{Density: f, Distance: distances[j], DensityQuantile: s.density.below(-f), DistanceQuantile: s.distance.below(distances[j])}
		c.Odd = max(0, max(-math.Log10(s.density.share(-f)), s.distance.odd(distances[j]))-math.Log10(2))
		dst[i] = c
	}
}

// standardise returns a record in standard units, clamped as records are that are folded.
func (s *Scorer) standardise(x []float64) ([]float64, bool) {
	y := make([]float64, len(x))
	for k, c := range s.spec.Channels {
		v := (c.Transform.Apply(x[k]) - s.spec.Offset[k]) * s.spec.Scale[k]
		if math.IsNaN(v) || math.IsInf(x[k], 0) {
			return nil, false
		}
		y[k] = max(-128, min(128, v))
	}
	return y, true
}
