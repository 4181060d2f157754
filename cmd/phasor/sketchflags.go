package main

import (
	"fmt"
	"math"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// sketchFlags name a sketch: a file, or what is in a store.
type sketchFlags struct {
	Spec   string `help:"Feature map of the sketch." type:"existingfile" placeholder:"FILE"`
	Sketch string `help:"Sketch to read." type:"existingfile" placeholder:"FILE"`
	Store  string `help:"Store to take panes or states from, instead of --spec and --sketch." placeholder:"URL"`
	Name   string `help:"Sketch in the store." placeholder:"NAME"`
	Epoch  int    `help:"Epoch to look at; default: the newest." placeholder:"N"`
	From   Time   `help:"Merge the complete panes from this time on." placeholder:"TIME"`
	To     Time   `help:"Up to this time." placeholder:"TIME"`
}

// input is the sketch, bound to its map.
func (c *sketchFlags) input(e *env) (*sketch.Accumulator, error) {
	files := c.Spec != "" && c.Sketch != ""
	switch {
	case files && !e.typed["store"]: // Which an environment variable may name all the same.
		if !c.From.IsZero() || !c.To.IsZero() || c.Epoch != 0 {
			return nil, usagef("--from, --to and --epoch are for a store: a sketch file has no times and no epochs")
		}
		m, err := readSpec(c.Spec)
		if err != nil {
			return nil, err
		}
		return readBoundSketch(c.Sketch, m)
	case c.Store != "" && c.Name != "" && c.Spec+c.Sketch == "":
		return c.fromStore(e)
	}
	return nil, usagef("give --spec and --sketch, or --store and --name")
}

// fromStore merges the panes of [From, To), or the newest states if neither is given.
func (c *sketchFlags) fromStore(e *env) (a *sketch.Accumulator, err error) {
	if err := checkRange(c.From, c.To); err != nil {
		return nil, err
	}
	err = openEpochOf(e, c.Store, c.Name, c.Epoch, func(ep *snapshot.Epoch) error {
		if !c.From.IsZero() || !c.To.IsZero() {
			r, err := panesIn(e.ctx, ep, c.From.ms(math.MinInt64), c.To.ms(math.MaxInt64))
			if err == nil {
				err = r.check(e, c.Store, "that range")
			}
			if err == nil {
				a, err = r.merge(e.ctx, c.Store)
			}
			return err
		}
		states, err := ep.LoadStates(e.ctx)
		if err != nil {
			return err
		}
		if a, err = snapshot.MergeStates(states); err == nil && (a == nil || a.Count() == 0) {
			err = fmt.Errorf("store %s: sketch %q holds no records yet", shown(c.Store), c.Name)
		}
		return err
	})
	return a, err
}
