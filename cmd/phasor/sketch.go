package main

import (
	"fmt"
	"slices"

	"phasor/sketcher/sketch"
	"phasor/stream/decode"
)

type sketchCmd struct {
	Spec string `required:"" help:"Feature map, from calibrate." type:"existingfile" placeholder:"FILE"`
	inputFlags
	Out  string `required:"" help:"Sketch to write." placeholder:"FILE"`
	JSON bool   `name:"json" help:"Print the result as one JSON line."`
}

// Help is shown by --help.
func (sketchCmd) Help() string {
	return `Examples:
  phasor sketch --spec spec.safetensors --input monday.csv --out monday.safetensors
  zcat old.ndjson.gz | phasor sketch --spec spec.safetensors --input - --format ndjson --out old.safetensors

The integers are those that the same records give on a stream, in any order and in any number of files.`
}

// foldRows is how many rows are folded at a time.
const foldRows = 1020

// Run runs the command.
func (c *sketchCmd) Run(e *env) error {
	m, err := readSpec(c.Spec)
	if err != nil {
		return err
	}
	if err := checkOut(c.Out); err != nil {
		return err
	}
	c.names = m.Spec().Names()
	if given := parseChannels(c.Columns); len(given) > 0 {
		names := decode.Config{Channels: given}.Names()
		if !slices.Equal(names, c.names) {
			return usagef("--columns names %q and the feature map has %q: the same names in the same order are wanted; NAME=PATH takes a channel from another column", names, c.names)
		}
	}
	a := sketch.New(m)
	d := m.Dim()
	q := make([]int32, 0, foldRows*d)
	row := make([]int32, d)
	nonfinite := int64(0)
	bad, err := c.each(e, func(_ []string, x []float64) error {
		if !m.Quantise(row, x) {
			nonfinite++
			return nil
		}
		if q = append(q, row...); len(q) == cap(q) {
			a.Fold(q)
			q = q[:0]
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.Fold(q)
	if n := bad.rows + nonfinite; n > 0 && a.Count() == 0 {
		return fmt.Errorf("%v: all %d rows were rejected and nothing was written: are the columns %q there, with numbers?", c.Input, n, c.names)
	}
	b, err := a.Encode()
	if err != nil {
		return err
	}
	if err := writeFile(c.Out, b); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, map[string]any{"out": c.Out, "records": a.Count(), "rejected": bad.rows + nonfinite, "map": a.Fingerprint()})
	}
	fmt.Fprintf(e.stderr, "%d records in %s, %d rejected\n", a.Count(), c.Out, bad.rows+nonfinite)
	return nil
}
