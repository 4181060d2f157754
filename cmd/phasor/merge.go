package main

import "fmt"

type mergeCmd struct {
	Inputs []string `arg:"" help:"Sketches of one feature map." type:"existingfile"`
	Out    string   `required:"" help:"File to write." placeholder:"FILE"`
	JSON   bool     `name:"json" help:"Print the result as one JSON line."`
}

// Help is shown by --help.
func (mergeCmd) Help() string {
	return `Example:
  phasor merge monday.safetensors tuesday.safetensors --out both.safetensors

The order does not matter: the bytes are the same.`
}

// Run runs the command.
func (c *mergeCmd) Run(e *env) error {
	if err := checkOut(c.Out); err != nil {
		return err
	}
	total, err := readSketch(c.Inputs[0])
	if err != nil {
		return err
	}
	for _, path := range c.Inputs[1:] {
		a, err := readSketch(path)
		if err != nil {
			return err
		}
		if err := total.Merge(a); err != nil {
			return fmt.Errorf("%s and %s: %w", c.Inputs[0], path, err)
		}
	}
	b, err := total.Encode()
	if err != nil {
		return err
	}
	if err := writeFile(c.Out, b); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, map[string]any{"out": c.Out, "records": total.Count(), "map": total.Fingerprint()})
	}
	fmt.Fprintf(e.stderr, "%d records of %d sketches in %s\n", total.Count(), len(c.Inputs), c.Out)
	return nil
}
