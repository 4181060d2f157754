package main

import (
	"errors"
	"fmt"
	"time"

	"phasor/sketcher/drift"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// rangePanes are two ranges in panes of one length, each pane merged over the partitions.
type rangePanes struct {
	of       [2][]*sketch.Accumulator
	length   int64    // of a pane, milliseconds
	longest  [2]int64 // pane that the store holds of each range
	shortest int64    // pane of the epoch
	left     int64    // records of shorter panes that fill no whole one, and are left out
}

// panesOf reads the panes of two ranges. All must have one length, for the spread within a pane and that of its mean
// go with it: the longest of either range, to which shorter ones are merged. Where a range, or the past as a whole, begins
// or ends within such an interval, that interval is left out.
func panesOf(e *env, two [2]paneRange) (*rangePanes, error) {
	p := &rangePanes{shortest: two[0].shortest}
	for i, r := range two {
		for _, pane := range r.within {
			p.longest[i] = max(p.longest[i], pane.Length)
		}
		p.length = max(p.length, p.longest[i])
	}
	for i, r := range two {
		var last int64
		err := r.ep.EachPane(e.ctx, r.from.at, r.to.at, func(pane *snapshot.Pane) error {
			if pane.Length > p.length {
				return fmt.Errorf("panes of %v were merged into %v while they were read: give the command again", milliseconds(p.length), milliseconds(pane.Length))
			}
			start := pane.Longer(p.length).Start
			if start < max(r.from.at, r.begin) || start+p.length > min(r.to.at, r.end) {
				p.left += pane.Accumulator.Count()
				return nil
			}
			panes := p.of[i]
			if len(panes) == 0 || start != last {
				p.of[i], last = append(panes, pane.Accumulator), start
				return nil
			}
			return panes[len(panes)-1].Merge(pane.Accumulator)
		})
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// say tells what was left out.
func (p *rangePanes) say(e *env) {
	if p.left > 0 {
		fmt.Fprintf(e.stderr, "left out: %d records at the ends of --a and --b: they fill no whole pane of %v, in which both are compared\n", p.left, milliseconds(p.length))
	}
}

// advise adds to an error of too few panes what can be done about it.
func (p *rangePanes) advise(err error, level float64) error {
	var few *drift.HistoryError
	if !errors.As(err, &few) || few.Lacks != drift.TooFewPanes || few.Group != 0 {
		return err
	}
	if level < .05 && few.Have >= 20 && few.Have < few.Need {
		err = fmt.Errorf("%w, or ask for less: --level 0.05 needs 20", err)
	}
	if p.length > p.shortest {
		which := rangeFlags[0]
		switch {
		case p.longest[0] == p.longest[1]:
			which += " and " + rangeFlags[1]
		case p.longest[0] < p.longest[1]:
			which = rangeFlags[1]
		}
		err = fmt.Errorf("%w; retention has merged the panes of %v in %s into panes of %v, in which both ranges are compared: choose longer ranges, or two of the last %v, whose panes are shorter",
			err, milliseconds(p.shortest), which, milliseconds(p.length), mergedAfter(p.length))
	}
	return err
}

func milliseconds(ms int64) Duration { return Duration(time.Duration(ms) * time.Millisecond) }

// mergedAfter is the age at which a trainer's retention merges panes into ones of this length.
func mergedAfter(length int64) Duration {
	levels := snapshot.DefaultRetention().Panes
	after := levels[0].Keep
	for i, l := range levels[1:] {
		if l.Length.Milliseconds() <= length {
			after = levels[i].Keep
		}
	}
	return Duration(after)
}
