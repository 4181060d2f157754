package sketcher

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"phasor/sketcher/feature"
	"phasor/snapshot"
)

// Policy says what happens when a log does not fit the position that was saved.
type Policy string

// The policies. Continue records the gap in the state, reports it and goes on.
const (
	Fail     Policy = "fail"
	Continue Policy = "continue"
)

// Config is what a Service needs beside a source of partitions.
type Config struct {
	Store *snapshot.Store
	Fold  FoldConfig // Without a Map, which comes from the store or from calibration.

	// Calibrate are the options of the first sketcher; the names and transforms come from Fold.Decode.
	Calibrate feature.CalibrateOptions
	// Pilot is the number of records to calibrate on.
	Pilot int
	// PilotTimeout is how long to wait for them: then MinPilot records are enough, and with fewer the wait goes on.
	PilotTimeout time.Duration

	Interval    time.Duration // Between two saves of a partition.
	SaveTimeout time.Duration // For the last save of a partition that is given up; well inside the group's session.
	MaxUnsaved  int           // Sealed panes of a partition that may wait for the store before reading pauses.
	Stall       time.Duration // Without a word from the broker for so long, a partition's reader is closed and opened anew.
	States      int           // Newest states of a partition that are kept.

	Truncated, Retained, Recreated Policy // The log is shorter, begins later, or is another one.

	// Settle, if set, is waited for between the cut of a partition and the writing of its state. It returns when what the
	// hook Reject was told before is safe where it belongs; with an error the state is not written, and the next save tries.
	Settle func(context.Context) error

	Log   *slog.Logger
	Hooks Hooks
}

// MinPilot is the number of records that calibration needs at least when the stream is slow.
const MinPilot = 100

func (c Config) withDefaults() Config {
	if c.Pilot == 0 {
		c.Pilot = 10000
	}
	if c.PilotTimeout == 0 {
		c.PilotTimeout = 30 * time.Second
	}
	if c.Interval == 0 {
		c.Interval = 10 * time.Second
	}
	if c.SaveTimeout == 0 {
		c.SaveTimeout = 4 * time.Second
	}
	if c.States == 0 {
		c.States = snapshot.DefaultRetention().States
	}
	if c.Stall == 0 {
		c.Stall = 2 * time.Minute
	}
	if c.MaxUnsaved == 0 {
		c.MaxUnsaved = 64
	}
	for _, p := range []*Policy{&c.Truncated, &c.Retained, &c.Recreated} {
		if *p == "" {
			*p = Fail
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate says what is wrong and what would happen.
func (c *Config) Validate() error {
	switch {
	case c.Store == nil:
		return fmt.Errorf("sketcher: no store: the sketch would be lost with the process")
	case c.Pilot < 2:
		return fmt.Errorf("sketcher: a pilot of %d records: at least 2 are needed to find a scale", c.Pilot)
	case c.Interval < 10*time.Millisecond:
		return fmt.Errorf("sketcher: a save every %v: the store would do nothing else; 10s is usual", c.Interval)
	case c.MaxUnsaved < 1:
		return fmt.Errorf("sketcher: %d unsaved panes: at least 1 must be able to wait", c.MaxUnsaved)
	}
	for _, p := range []Policy{c.Truncated, c.Retained, c.Recreated} {
		if p != Fail && p != Continue {
			return fmt.Errorf("sketcher: policy %q: it must be fail or continue", p)
		}
	}
	return c.Fold.Decode.Validate()
}
