package trainer

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"phasor/sketcher/drift"
	"phasor/snapshot"
	"phasor/trainer/generator"
)

// Config is what a Service needs. The zero value of every field but Store has a default.
type Config struct {
	Store *snapshot.Store

	Poll time.Duration // Between two looks at the store; 2s.
	Idle time.Duration // For how long a partition must have waited for records so as not to hold back an interval; 60s.

	Fit     generator.Config
	Horizon Horizon       // Which part of the past a fit sees; everything since the last change.
	Every   time.Duration // Between two fits; 10m. A fit also needs Records new records.
	First   time.Duration // How long the first fit waits after the first state was seen; 0.
	Budget  time.Duration // Of wall time for one fit with its validation; 0: as many steps as Fit says.
	Records int64         // That the first fit needs, and each later one anew; 1000.

	Reference   time.Duration // Of event time that the reference covers at most; 7 days.
	FalseAlarms time.Duration // Mean time between two false alarms that is asked for; 30 days.
	Mode        string        // ModeScan, ModeShiryaevRoberts or ModeRolling; ModeScan.
	Cooldown    time.Duration // Of event time after an alarm was let go, in which none is raised; 0.
	Passing     bool          // An alarm lets go of itself when the change is over; else it stays until it is answered or acknowledged.

	// The reference is what came since the last change, up to Reference, unless it is an interval of event time, or that
	// of the panes behind the served model. Neither goes with ModeRolling.
	ReferenceFrom, ReferenceTo time.Time
	ReferenceModel             bool

	Drift  drift.Options // ARL comes from FalseAlarms and the panes' length.
	Settle int           // Panes after a change that the fit which answers it waits for; 5.

	Retention snapshot.Retention // Default: snapshot.DefaultRetention.

	Log   *slog.Logger
	Hooks Hooks
}

// The modes of drift detection.
const (
	ModeScan            = "scan"             // Windows of the last panes against a reference.
	ModeShiryaevRoberts = "shiryaev-roberts" // Evidence over all panes against a reference, for slow and weak changes.
	ModeRolling         = "rolling"          // The newest panes against those since the last change.
)

// Modes are the modes of drift detection.
func Modes() []string { return []string{ModeScan, ModeShiryaevRoberts, ModeRolling} }

// MaxReference bounds the panes of a reference: it is held in memory, pane by pane.
const MaxReference = 2000

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.Poll, 2*time.Second)
	set(&c.Idle, time.Minute)
	set(&c.Every, 10*time.Minute)
	set(&c.Reference, 7*24*time.Hour)
	set(&c.FalseAlarms, 30*24*time.Hour)
	if c.Mode == "" {
		c.Mode = ModeScan
	}
	if c.Records == 0 {
		c.Records = 1000
	}
	if c.Settle == 0 {
		c.Settle = 5
	}
	if c.Retention.Panes == nil {
		c.Retention = snapshot.DefaultRetention()
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
		return fmt.Errorf("trainer: no store: there would be nothing to learn from")
	case c.Records < 2:
		return fmt.Errorf("trainer: fit.records is %d: a fit needs at least 2 records", c.Records)
	case !slices.Contains(Modes(), c.Mode):
		return fmt.Errorf("trainer: drift.mode is %q: it must be one of %v", c.Mode, Modes())
	case c.ReferenceTo.Before(c.ReferenceFrom) || !c.ReferenceFrom.IsZero() && c.ReferenceTo.IsZero():
		return fmt.Errorf("trainer: drift.reference from %v to %v: it must end after it begins", c.ReferenceFrom, c.ReferenceTo)
	case c.Mode == ModeRolling && (c.ReferenceModel || !c.ReferenceTo.IsZero()):
		return fmt.Errorf("trainer: drift.mode is %s: it compares with what came since the last change, and a reference would not be looked at", c.Mode)
	case c.Settle < 0:
		return fmt.Errorf("trainer: %d panes to settle after a change: it cannot be negative", c.Settle)
	}
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"poll", c.Poll}, {"idle.timeout", c.Idle}, {"fit.every", c.Every}, {"fit.first", c.First},
		{"fit.budget", c.Budget}, {"drift.reference", c.Reference}, {"drift.cooldown", c.Cooldown}, {"drift.false_alarms", c.FalseAlarms}} {
		if f.d < 0 {
			return fmt.Errorf("trainer: %s is %v: it cannot be negative", f.name, f.d)
		}
	}
	if err := c.Horizon.Validate(); err != nil {
		return err
	}
	if err := c.Retention.Validate(); err != nil {
		return err
	}
	return c.Fit.Validate()
}
