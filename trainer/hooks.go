package trainer

import (
	"time"

	"phasor/trainer/generator"
)

// Hooks tell what happens. They are called synchronously, from the service's goroutines, and must not block; nil ones
// are left out.
type Hooks struct {
	// Snapshots counts the states of a look at the store: ok, new since the last look; skipped, the same as then;
	// corrupt, newer ones that cannot be read; incompatible, of another feature map or other panes; stale, older than
	// what was seen before.
	Snapshots func(result string, n int)
	// SawUntil gives the wall clock of the oldest state behind a fit.
	SawUntil func(t time.Time)
	// Loss gives the figures of the version that is served after a fit, on the sketch of the fit.
	Loss func(e generator.Evaluation)
	// Refit is called after each fit that came to an end by itself: published, rejected, diverged, timeout or error.
	Refit func(result string, took time.Duration, steps int)
	// Validated gives the held-out loss of the new version, and of the served one if there is one, over the noise floor.
	Validated func(accepted bool, scores map[string]float64)
	// RolledBack is called when an older version is served again: auto or operator.
	RolledBack func(trigger string)
	// Served is called when another version is served than before.
	Served func(version int, published time.Time, records int64)
	// Registry is called when an operation on the models failed: read, write or list.
	Registry func(operation string)
	// Drift is called after each scanned pane, and when an alarm is let go.
	Drift func(d DriftStatus, newAlarm bool)
}
