package main

import (
	"fmt"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// sketchFlags name a sketch: a file, or what is in a store.
type sketchFlags struct {
	Spec   string `help:"Feature map of the sketch." type:"existingfile" placeholder:"FILE"`
	Sketch string `help:"Sketch to read." type:"existingfile" placeholder:"FILE"`
	Store  string `help:"Store to take panes or states from, instead of --spec and --sketch." placeholder:"URL"`
	Name   string `help:"Sketch in the store." placeholder:"NAME"`
	From   Time   `help:"Merge the complete panes from this time on." placeholder:"TIME"`
	To     Time   `help:"Up to this time." placeholder:"TIME"`
}

// input is the sketch, bound to its map.
func (c *sketchFlags) input(e *env) (*sketch.Accumulator, error) {
	files := c.Spec != "" && c.Sketch != ""
	switch {
	case files && !e.typed["store"]: // Which an environment variable may name all the same.
		if !c.From.IsZero() || !c.To.IsZero() {
			return nil, usagef("--from and --to are for a store: a sketch file has no times")
		}
		m, err := readSpec(c.Spec)
		if err != nil {
			return nil, err
		}
		return readBoundSketch(c.Sketch, m)
	case c.Store != "" && c.Name != "" && c.Spec+c.Sketch == "":
		return fromStore(e, c.Store, c.Name, c.From, c.To)
	}
	return nil, usagef("give --spec and --sketch, or --store and --name")
}

// fromStore merges the panes of [from, to), or the newest states if neither is given.
func fromStore(e *env, address, name string, from, to Time) (a *sketch.Accumulator, err error) {
	if !from.IsZero() && !to.IsZero() && !to.After(from.Time) {
		return nil, usagef("--to %s is not after --from %s: the range is empty", to.Format(time.RFC3339), from.Format(time.RFC3339))
	}
	err = openEpoch(e, address, name, func(ep *snapshot.Epoch) error {
		if !from.IsZero() || !to.IsZero() {
			r, err := panesIn(e.ctx, ep, from, to)
			if err == nil {
				err = r.check(e, address, name, "that range")
			}
			if err == nil {
				a, err = r.merge(e, ep, address)
			}
			return err
		}
		states, err := ep.LoadStates(e.ctx)
		if err != nil {
			return err
		}
		if a, err = snapshot.MergeStates(states); err == nil && (a == nil || a.Count() == 0) {
			err = fmt.Errorf("store %s: sketch %q holds no records yet", shown(address), name)
		}
		return err
	})
	return a, err
}
