package feature

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrCalibrate is wrapped by every error about the options of Calibrate or the
// shape of its pilot.
var ErrCalibrate = errors.New("cannot calibrate")

// PilotError reports a value of the pilot that cannot be standardised.
type PilotError struct {
	Row       int
	Channel   string
	Value     float64   // the physical value
	Transform Transform // the transform that made it NaN or infinite; Identity when it was so before
}

func (e *PilotError) Error() string {
	if e.Transform != Identity {
		return fmt.Sprintf("feature: row %d of the pilot: channel %q: transform %s of %g is not finite: use asinh or identity for this channel", e.Row, e.Channel, e.Transform, e.Value)
	}
	return fmt.Sprintf("feature: row %d of the pilot: channel %q is %g: leave records with NaN or infinite values out of the pilot", e.Row, e.Channel, e.Value)
}

// Unwrap lets errors.Is find ErrCalibrate.
func (e *PilotError) Unwrap() error { return ErrCalibrate }

const (
	transformAuto      = "auto"
	directionsDense    = "dense"
	directionsSelected = "selected"
)

// maxRadius is the largest radius of a frequency, in radians per standard
// unit: a wave of 1/32 standard unit.
const maxRadius = 200

func (o *CalibrateOptions) directions() string {
	if o.Directions == "" {
		return directionsDense
	}
	return o.Directions
}

func (o *CalibrateOptions) law() string {
	if o.Law == "" {
		return LawLogRadius
	}
	return o.Law
}

// validate checks the options and the length of the pilot.
func (o *CalibrateOptions) validate(values int) error {
	d := len(o.Names)
	fail := func(format string, args ...any) error {
		return fmt.Errorf("feature: %w: "+format, append([]any{ErrCalibrate}, args...)...)
	}
	switch {
	case d == 0:
		return fail("no channel is named: name one a column of the pilot")
	case values == 0:
		return fail("the pilot has no records: wait for the first or point to a file")
	case values%d != 0:
		return fail("the pilot has %d values, not a multiple of %d channels: pass whole records", values, d)
	case o.Features < 0 || o.Features%32 != 0 || o.Features > mostFeatures:
		return fail("%d features: use a multiple of 32 up to %d, or 0 for the default of %d", o.Features, mostFeatures, DefaultFeatures(d))
	case o.Transforms != nil && len(o.Transforms) != d:
		return fail("%d transforms for %d channels: give one a channel or none", len(o.Transforms), d)
	case !slices.Contains(Laws(), o.law()):
		return fail("unknown law %q: use one of %s", o.Law, strings.Join(Laws(), ", "))
	case o.directions() != directionsDense && o.directions() != directionsSelected:
		return fail("unknown directions %q: use %s or %s", o.Directions, directionsDense, directionsSelected)
	}
	for k, t := range o.Transforms {
		if t == "" || t == transformAuto {
			continue
		}
		if _, err := ParseTransform(t); err != nil {
			return fail("channel %q: unknown transform %q: use identity, log1p, asinh or auto", o.Names[k], t)
		}
	}
	if o.Radius != [2]float64{} {
		r0, r1 := o.Radius[0], o.Radius[1]
		if !(r0 >= 1e-3 && r1 >= r0 && r1 <= maxRadius) {
			return fail("radius range [%g, %g]: use %g <= r0 <= r1 <= %d radians per standard unit, or none", r0, r1, 1e-3, maxRadius)
		}
		if o.law() != LawLogRadius {
			return fail("law %q has no radius range: leave the range out or use law %s", o.Law, LawLogRadius)
		}
	}
	return nil
}
