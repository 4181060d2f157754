package feature

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
)

// CalibrateOptions steer Calibrate. Names is required; the zero value of every
// other field asks for the default.
type CalibrateOptions struct {
	Names      []string   // the channels, in the order of the pilot's columns
	Transforms []string   // one a channel: "identity" (or ""), "log1p", "asinh", "auto"; nil: all identity
	Features   int        // m, a multiple of 32; 0: 1024 for d <= 8, 2048 for d <= 16, 4096 above
	Law        string     // "log-radius" (default) or another name of Laws
	Directions string     // "dense" (default) or "selected"
	Radius     [2]float64 // radius range of law log-radius, radians per standard unit; zero: from the pilot
	Seed       uint64     // of all randomness; same pilot, options and seed give the same spec
}

// mostFeatures bounds the number of features that Calibrate accepts, and with
// it the memory that the drift components take.
const mostFeatures = 1 << 16

// smallPilot is the number of records below which a calibration is called
// rough; tinyPilot is the number below which it is little more than a guess.
const (
	smallPilot = 1000
	tinyPilot  = 50
)

// Report says what Calibrate found, beside the spec that it made.
type Report struct {
	Records  int
	Channels []ChannelReport

	// R0 and R1 are the ends of the radius range of law log-radius, in radians
	// per standard unit, and Curve is the pilot curve that they were read
	// from, if they were. They are zero for other laws.
	R0, R1 float64
	Curve  []CurvePoint

	// Health is the non-Gaussian signal of the pilot's sketch over its noise,
	//
	//	sum_j |z_j - phi_Gauss(omega_j)|^2 / sum_j (1 - |z_j|^2)/N
	//
	// where phi_Gauss is the characteristic function of the Gaussian with the
	// pilot's mean and covariance. It is about 1 for a Gaussian stream, and 0
	// when the pilot has no noise to compare with.
	Health float64

	Rotations  int // rows of the drift rotation
	Components int // columns of the drift components

	Warnings []string // plain sentences that say what to do
}

// ChannelReport is what the pilot says about one channel.
type ChannelReport struct {
	Name      string
	Kind      Kind
	Transform Transform // applied
	Suggested Transform // what "auto" would apply
	Kurtosis  float64   // of the physical values, 3 for a Gaussian; 0 for a constant channel
	Distinct  int       // different quantised values
	Atoms     int       // values with a histogram bin of their own
	Clamped   int       // records beyond 128 standard units
}

// Calibrate makes a spec from a pilot of n records with d = len(opt.Names)
// channels each, in physical units, row-major. The pilot is read only. The same
// pilot and options give the same spec, byte for byte, on any number of
// processors; another architecture may round differently.
//
// It returns an error, and never a spec, when an option is invalid, when
// len(pilot) is not a positive multiple of d, or when a value is NaN or
// infinite, also after its transform (*PilotError).
func Calibrate(pilot []float64, opt CalibrateOptions) (*Spec, *Report, error) {
	d := len(opt.Names)
	if err := opt.validate(len(pilot)); err != nil {
		return nil, nil, err
	}
	n := len(pilot) / d
	rep := &Report{Records: n, Channels: make([]ChannelReport, d)}
	spec := &Spec{
		Channels: make([]Channel, d),
		Features: opt.Features,
		Offset:   make([]float64, d),
		Scale:    make([]float64, d),
		Edges:    make([]int32, 0, d*(Bins+1)),
		Values:   make([]int32, 0, d*Bins),
		Params:   map[string]string{},
		Seed:     opt.Seed,
		Pilot:    int64(n),
	}
	if spec.Features == 0 {
		spec.Features = DefaultFeatures(d)
	}
	rep.warnSize()

	p := &pilotSet{n: n, d: d, q: make([]int32, n*d), seed: opt.Seed}
	for k := range d {
		if err := p.calibrateChannel(pilot, k, opt, spec, rep); err != nil {
			return nil, nil, err
		}
	}
	p.drawFrequencies(opt, spec, rep)
	p.project(spec, rep)
	if err := spec.Validate(); err != nil {
		return nil, nil, fmt.Errorf("feature: calibration of %d records with %d channels made a spec that is refused: %w", n, d, err)
	}
	return spec, rep, nil
}

// DefaultFeatures returns the number of features m for d channels when none is
// asked for.
func DefaultFeatures(d int) int {
	switch {
	case d <= 8:
		return 1024
	case d <= 16:
		return 2048
	}
	return 4096
}

// calibrateChannel standardises, quantises and classifies column k of the
// pilot and appends its histogram to the spec.
func (p *pilotSet) calibrateChannel(pilot []float64, k int, opt CalibrateOptions, spec *Spec, rep *Report) error {
	c := &rep.Channels[k]
	c.Name = opt.Names[k]
	x, err := column(pilot, p.d, k, c.Name)
	if err != nil {
		return err
	}
	c.Suggested, c.Kurtosis = suggestTransform(x)
	auto := opt.Transforms != nil && opt.Transforms[k] == transformAuto
	switch {
	case auto:
		c.Transform = c.Suggested
	case opt.Transforms != nil && opt.Transforms[k] != "":
		c.Transform, _ = ParseTransform(opt.Transforms[k]) // opt.validate has parsed it once
	}
	if err := transformColumn(x, c.Transform, c.Name); err != nil {
		return err
	}
	quiet := isConstant(x)
	spec.Offset[k], spec.Scale[k] = standardisation(x)
	values := p.quantiseColumn(x, k, spec.Offset[k], spec.Scale[k])
	c.Clamped = values.clamped()
	c.Distinct = len(values)

	atoms := findAtoms(values, p.n)
	c.Atoms = len(atoms)
	c.Kind = kindOf(values, atoms, p.n)
	if quiet || len(values) == 1 {
		c.Kind = Quiet
	}
	p.lumpy = p.lumpy || c.Kind == Discrete || heaviest(values) >= lumpyShare*float64(p.n) && c.Kind != Quiet
	edges, stored := histogram(values, atoms)
	spec.Channels[k] = Channel{Name: c.Name, Transform: c.Transform, Kind: c.Kind}
	spec.Edges = append(spec.Edges, edges[:]...)
	spec.Values = append(spec.Values, stored[:]...)
	spec.Exact = append(spec.Exact, p.exactValues(pilot, k, c.Kind, values, &edges, &stored)...)
	rep.warnChannel(c, auto)
	return nil
}

// drawFrequencies draws the radii by the law, the directions, and quantises
// their products.
func (p *pilotSet) drawFrequencies(opt CalibrateOptions, spec *Spec, rep *Report) {
	law := p.newLaw(opt, rep)
	spec.Law = law.name
	maps.Copy(spec.Params, law.params)
	spec.Params["directions"] = opt.directions()
	if opt.directions() == directionsSelected {
		spec.Omega = p.selectedFrequencies(law, spec.Features)
		return
	}
	radii := law.draw(p.rand(streamRadii), spec.Features)
	spec.Omega = frequencies(radii, sphere(p.rand(streamDirections), spec.Features, p.d))
}

// The streams of randomness, one a purpose, so that a change of one part of
// the calibration leaves the draws of the others alone.
const (
	streamCurve uint64 = iota + 1
	streamRadii
	streamDirections
	streamPool
	streamPairs
	streamLaw
	streamSubspace
)

func (p *pilotSet) rand(stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(p.seed, 0x70686173_6f720000|stream))
}

func formatParam(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
