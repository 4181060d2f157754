package feature

import "fmt"

// healthy is the health figure below which a Gaussian would do as well.
const healthy = 10

func (r *Report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

func (r *Report) warnSize() {
	switch {
	case r.Records < tinyPilot:
		r.warn("The pilot has only %d records, so scales, edges and radii are little more than guesses: calibrate again with at least %d, better 10,000.", r.Records, smallPilot)
	case r.Records < smallPilot:
		r.warn("The pilot has %d records, so edges and radii are rough: calibrate with at least %d, better 10,000, if the stream allows it.", r.Records, smallPilot)
	}
}

func (r *Report) warnChannel(c *ChannelReport, auto bool) {
	if c.Kind == Quiet {
		r.warn("Channel %q had one value in the whole pilot, so its scale is a guess: calibrate on a time when it moves, or leave it out if it never does.", c.Name)
		return
	}
	if c.Suggested != Identity && c.Transform == Identity && !auto {
		r.warn("Channel %q has heavy tails (kurtosis %.3g): set its transform to %s, or to auto.", c.Name, c.Kurtosis, c.Suggested)
	}
	if c.Clamped > 0 {
		advice := "set its transform to asinh, or leave wrong values out of the pilot"
		if c.Transform != Identity {
			advice = "look for wrong values in the pilot"
		}
		r.warn("Channel %q: %d of %d pilot records lie beyond 128 standard units and would be clamped: %s.", c.Name, c.Clamped, r.Records, advice)
	}
}

func (r *Report) warnProjections() {
	quiet := true
	for _, c := range r.Channels {
		quiet = quiet && c.Kind == Quiet
	}
	if quiet {
		return // said of each channel
	}
	if r.Health < healthy {
		r.warn("The pilot's sketch has %.2g times the signal beyond a Gaussian that noise alone has, below %d: a Gaussian would do as well as a generator; if you know of structure in the data, calibrate on more records.", r.Health, healthy)
	}
	if len(r.Channels) > widest {
		r.warn("More than %d channels have no drift rotation, so drift is watched without it: split the channels into several sketches if correlations matter.", widest)
	}
	if r.Components == 0 {
		r.warn("The pilot has too few records for the drift components, so drift is watched in means and variances only: calibrate with at least %d records.", smallPilot)
	}
}
