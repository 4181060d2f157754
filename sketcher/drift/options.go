package drift

import (
	"fmt"
	"math"
)

const (
	leastSequential = 20  // panes of a reference of a scan
	leastTest       = 200 // panes of a reference from which p-values near 1 % hold
	leastEvidence   = 200 // panes of a reference of Shiryaev and Roberts' method
	coarse          = .05 // level from which fewer panes do
)

// Method is how a scan weighs its panes.
type Method uint8

// The methods.
const (
	WindowScan      Method = iota // sums over windows of the last 1, 2, 4 .. 64 panes
	ShiryaevRoberts               // likelihood ratios over all panes at which a change may have begun
)

// Options say how a scan is calibrated. The zero value holds the defaults.
type Options struct {
	// Method is how panes are weighed; default WindowScan. ShiryaevRoberts needs a
	// reference of 200 panes: it adds up evidence without end, and the error of a shorter
	// reference's mean adds up with it.
	Method Method
	// ARL is the mean number of panes between false alarms; default 1000.
	ARL float64
	// Level is the probability of calling two equal ranges different; default .01.
	Level float64
	// Groups are the groups to test; default: all that the projection gives.
	Groups []Group
	// Windows are the numbers of panes that are tested together, ascending, at most
	// 64; default 1, 2, 4 .. 64.
	Windows []int
	// Simulations is the number of simulated runs behind the thresholds; default 300.
	// More make the thresholds less random, at proportional cost.
	Simulations int
	// Seed of the simulation; references of equal panes and seeds are equal.
	Seed uint64
	// MinRecords is the least number of records of a pane; others are skipped and
	// counted. Default 8.
	MinRecords int64
}

// LeastReference returns the number of panes from which a reference can be estimated.
func (o Options) LeastReference() int {
	if o.Method == ShiryaevRoberts {
		return leastEvidence
	}
	return leastSequential
}

func (o Options) withDefaults() (Options, error) {
	if o.ARL == 0 {
		o.ARL = 1000
	}
	if o.Level == 0 {
		o.Level = significance
	}
	if o.Windows == nil {
		o.Windows = []int{1, 2, 4, 8, 16, 32, 64}
	}
	if o.Simulations == 0 {
		o.Simulations = 300
	}
	if o.MinRecords == 0 {
		o.MinRecords = 8
	}
	if o.Method > ShiryaevRoberts {
		return o, fmt.Errorf("drift: method %d: use WindowScan or ShiryaevRoberts", o.Method)
	}
	if !(o.ARL > 1) || math.IsInf(o.ARL, 1) {
		return o, fmt.Errorf("drift: %v panes between false alarms: ask for a finite number above 1", o.ARL)
	}
	if !(o.Level > 0 && o.Level < 1) {
		return o, fmt.Errorf("drift: level %v: ask for a probability between 0 and 1, .01 by default", o.Level)
	}
	last := 0
	for _, w := range o.Windows {
		if w <= last || w > largestWindow {
			return o, fmt.Errorf("drift: windows %v: name ascending numbers of panes from 1 to %d", o.Windows, largestWindow)
		}
		last = w
	}
	if len(o.Windows) == 0 {
		return o, fmt.Errorf("drift: no windows: name at least one number of panes")
	}
	if o.Simulations < 20 {
		return o, fmt.Errorf("drift: %d simulations cannot place a threshold: use 20 or more, 300 by default", o.Simulations)
	}
	if o.MinRecords < 2 {
		return o, fmt.Errorf("drift: panes of %d records have no variance: ask for 2 or more", o.MinRecords)
	}
	return o, nil
}
