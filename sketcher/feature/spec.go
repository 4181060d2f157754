package feature

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"phasor/sketcher/feature/internal/kernel"
)

// Limit is the largest magnitude of a quantised value: 128 standard units.
const Limit = kernel.Limit

// Unit is the number of q units in one standard unit.
const Unit = kernel.Unit

// Bins is the number of histogram bins of a channel.
const Bins = 128

// Lanes divides the number of frequencies.
const Lanes = kernel.Lanes

// The largest spec that is accepted.
const (
	maxDim      = 1 << 14
	maxFeatures = 1 << 20
)

// ErrSpec is wrapped by every error about a spec that breaks the rules.
var ErrSpec = errors.New("invalid spec")

// Channel is one coordinate of a record.
type Channel struct {
	Name      string
	Transform Transform
	Kind      Kind
}

// Spec is everything that decides what a sketch means, with d channels and m
// frequencies. It is plain data: nothing changes it once it is in use.
type Spec struct {
	Channels []Channel // d of them
	Features int       // m, a multiple of Lanes

	// Omega holds the frequencies by rows, m*d, in 2^-16 turns per standard
	// unit.
	Omega []int32

	// Offset and Scale, of length d, take a transformed channel to standard
	// units: (T(x) - offset) * scale.
	Offset, Scale []float64

	// Edges holds d*(Bins+1) histogram edges in q units. Bin b of a channel
	// holds edge[b] <= q < edge[b+1], the outer ends are open, and inner
	// bins between equal edges stay empty. Edges within 8 standard units of
	// zero lie on a grid of 1/1024 of one, nearly all on one of 1/64.
	Edges []int32

	// Values holds d*Bins values in q units that stand for the bins: the
	// stored value of a bin that has one, else its middle.
	Values []int32

	// Exact holds d*Bins physical values: the stored value of a bin that has
	// one, to the last bit, NaN for the others. It is empty in specs that
	// were written without it.
	Exact []float64

	// Rotation, r*d by rows, takes standard units to whitened principal
	// components. It may be empty.
	Rotation []float32

	// Components, 2m*k by rows, takes the cosines (rows 0 to m-1) and sines
	// (rows m to 2m-1) of a sketch to k whitened kernel principal
	// components. It may be empty.
	Components []float32

	Law    string            // the law that the frequencies were drawn from
	Params map[string]string // its parameters
	Seed   uint64            // the seed of the draw
	Pilot  int64             // the number of records that were calibrated on
}

// Dim returns d.
func (s *Spec) Dim() int { return len(s.Channels) }

// Names returns the names of the channels.
func (s *Spec) Names() []string {
	names := make([]string, len(s.Channels))
	for k, c := range s.Channels {
		names[k] = c.Name
	}
	return names
}

// Turns returns the frequencies of s in turns per standard unit, m*d by rows.
func Turns(s *Spec) []float64 {
	t := make([]float64, len(s.Omega))
	for i, w := range s.Omega {
		t[i] = float64(w) / Unit
	}
	return t
}

// Atom returns the value that bin b of channel k stands for, and whether the bin
// holds one value that was stored rather than a range.
func (s *Spec) Atom(k, b int) (q int32, stored bool) {
	q = s.Values[k*Bins+b]
	if len(s.Exact) > 0 {
		return q, !math.IsNaN(s.Exact[k*Bins+b])
	}
	lo, hi := s.Edges[k*(Bins+1)+b], s.Edges[k*(Bins+1)+b+1]
	middle := int64(lo) + (int64(hi)-int64(lo))/2
	return q, hi-lo == cell && lo >= -reach && hi <= reach && (int64(q) != middle || s.Channels[k].Kind != Continuous)
}

// Validate reports the first rule that s breaks.
func (s *Spec) Validate() error {
	if err := s.check(); err != nil {
		return fmt.Errorf("feature: %w: %w", ErrSpec, err)
	}
	return nil
}

func (s *Spec) check() error {
	d, m := s.Dim(), s.Features
	if d < 1 || d > maxDim {
		return fmt.Errorf("%d channels: use 1 to %d", d, maxDim)
	}
	if m < Lanes || m > maxFeatures || m%Lanes != 0 {
		return fmt.Errorf("%d features: use a multiple of %d up to %d", m, Lanes, maxFeatures)
	}
	for _, l := range []struct {
		name        string
		found, want int
	}{
		{"omega", len(s.Omega), m * d},
		{"offset", len(s.Offset), d},
		{"scale", len(s.Scale), d},
		{"edges", len(s.Edges), d * (Bins + 1)},
		{"values", len(s.Values), d * Bins},
	} {
		if l.found != l.want {
			return fmt.Errorf("%s has %d elements, wanted %d (d=%d, m=%d)", l.name, l.found, l.want, d, m)
		}
	}
	if n := len(s.Exact); n != 0 && n != d*Bins {
		return fmt.Errorf("exact has %d elements, wanted none or %d", n, d*Bins)
	}
	if n := len(s.Rotation); n%d != 0 || n/d > d {
		return fmt.Errorf("rotation has %d elements: use up to %d rows of %d", n, d, d)
	}
	if n := len(s.Components); n%(2*m) != 0 {
		return fmt.Errorf("components has %d elements: use %d rows", n, 2*m)
	}
	if s.Pilot < 0 {
		return fmt.Errorf("a pilot of %d records", s.Pilot)
	}
	seen := make(map[string]bool, d)
	for k, c := range s.Channels {
		if err := s.checkChannel(k); err != nil {
			return fmt.Errorf("channel %d (%q): %w", k, c.Name, err)
		}
		if seen[c.Name] {
			return fmt.Errorf("two channels are named %q: rename one", c.Name)
		}
		seen[c.Name] = true
	}
	return s.checkTexts()
}

func (s *Spec) checkChannel(k int) error {
	c := s.Channels[k]
	if c.Name == "" || !utf8.ValidString(c.Name) {
		return errors.New("a name must be non-empty UTF-8")
	}
	if int(c.Transform) >= len(transformNames) || int(c.Kind) >= len(kindNames) {
		return fmt.Errorf("unknown transform %v or kind %v", c.Transform, c.Kind)
	}
	if !finite(s.Offset[k]) || !finite(s.Scale[k]) || s.Scale[k] <= 0 {
		return fmt.Errorf("offset %v and scale %v: both must be finite, the scale positive", s.Offset[k], s.Scale[k])
	}
	edges := s.Edges[k*(Bins+1) : (k+1)*(Bins+1)]
	if !slices.IsSorted(edges) {
		return errors.New("histogram edges must not decrease")
	}
	for _, e := range edges {
		if e >= -reach && e <= reach && e%fineCell != 0 {
			return fmt.Errorf("histogram edge %d is within ±%d and not a multiple of %d", e, reach, fineCell)
		}
	}
	for b := 0; b < Bins && len(s.Exact) > 0; b++ {
		if x := s.Exact[k*Bins+b]; math.IsInf(x, 0) || x != x && math.Float64bits(x) != math.Float64bits(math.NaN()) {
			return fmt.Errorf("the exact value of bin %d is %v: it must be finite, or the one NaN", b, x)
		}
	}
	return nil
}

func (s *Spec) checkTexts() error {
	if !utf8.ValidString(s.Law) {
		return fmt.Errorf("law %q is not UTF-8", s.Law)
	}
	for k, v := range s.Params {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("parameter %q = %q is not UTF-8", k, v)
		}
	}
	for _, set := range [][]float32{s.Rotation, s.Components} {
		for i, v := range set {
			if !finite(float64(v)) {
				return fmt.Errorf("rotation and components must be finite, found %v at %d", v, i)
			}
		}
	}
	return nil
}
