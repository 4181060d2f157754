package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"phasor/trainer/generator"
)

type fitCmd struct {
	sketchFlags
	Out        string   `required:"" help:"Model to write." placeholder:"FILE"`
	Seed       uint64   `default:"1" help:"Seed of the weights, the latents and the split of the frequencies."`
	Steps      int      `help:"Optimiser steps; default 4000, or 1000 from a warm start." placeholder:"N"`
	Budget     Duration `help:"Wall time: sets the steps and the annealing from the measured time of a step." placeholder:"30s"`
	Warm       string   `help:"Model whose weights to begin with." type:"existingfile" placeholder:"FILE"`
	Threads    int      `default:"1" help:"Goroutines that share a step."`
	Checkpoint string   `help:"File to write now and then and to resume from, bit for bit." placeholder:"FILE"`
	JSON       bool     `name:"json" help:"Print the result as one JSON line."`
}

// Help is shown by --help.
func (fitCmd) Help() string {
	return `Examples:
  phasor fit --spec spec.safetensors --sketch s.safetensors --out model.safetensors
  phasor fit --store /var/lib/phasor --name press-line-4 --from 2026-03-02T00:00:00Z --to 2026-03-03T00:00:00Z --out monday.safetensors

Without --budget the number of steps is fixed, and the same seeds give the same model on one kernel.`
}

// checkpointEvery is how often a fit writes its checkpoint.
const checkpointEvery = 5 * time.Second

// Run runs the command.
func (c *fitCmd) Run(e *env) error {
	switch {
	case c.Steps < 0:
		return usagef("--steps is %d: give 1 or more, or leave it out", c.Steps)
	case c.Threads < 1:
		return usagef("--threads is %d: give 1 or more", c.Threads)
	}
	if err := checkOut(c.Out); err != nil {
		return err
	}
	a, err := c.input(e)
	if err != nil {
		return err
	}
	t, err := generator.NewTarget(a)
	if err != nil {
		return err
	}
	f, err := c.fitter(t)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := c.fit(e, f, began); err != nil {
		return err
	}
	ev, m := f.Evaluate(), f.Model()
	b, err := m.Encode()
	if err != nil {
		return err
	}
	if err := writeFile(c.Out, b); err != nil {
		return err
	}
	steps, _ := f.Progress()
	g := generator.Gaussian(t)
	if c.JSON {
		return printJSON(e.stdout, map[string]any{"out": c.Out, "records": a.Count(), "steps": steps, "seconds": time.Since(began).Seconds(),
			"loss": number(ev.Unbiased), "loss_heldout": number(ev.HeldOut), "loss_heldout_se": number(ev.HeldOutSE), "loss_floor": number(ev.Floor),
			"equivalent_records": number(ev.EquivalentRecords), "at_least": ev.AtLeast, "gaussian_heldout": number(g.HeldOut), "gaussian_equivalent_records": number(g.EquivalentRecords)})
	}
	least := ""
	if ev.AtLeast {
		least = "at least "
	}
	fmt.Fprint(e.stderr, fields("records", a.Count(), "steps", fmt.Sprintf("%d in %v", steps, time.Since(began).Round(time.Millisecond)),
		"loss", figure(ev.Unbiased), "held-out loss", fmt.Sprintf("%s ± %s", figure(ev.HeldOut), figure(ev.HeldOutSE)), "noise floor", figure(ev.Floor),
		"equivalent records", fmt.Sprintf("%s%.0f (a Gaussian: %.0f)", least, ev.EquivalentRecords, g.EquivalentRecords), "model", c.Out))
	return nil
}

func (c *fitCmd) fitter(t *generator.Target) (*generator.Fitter, error) {
	if c.Checkpoint != "" {
		b, err := readFile(c.Checkpoint)
		if err == nil {
			f, err := generator.RestoreFitter(t, b)
			if err != nil {
				return nil, fmt.Errorf("--checkpoint %s: %w", c.Checkpoint, err)
			}
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	var warm *generator.Model
	if c.Warm != "" {
		var err error
		if warm, err = readModel(c.Warm); err != nil {
			return nil, err
		}
	}
	f, err := generator.NewFitter(t, generator.Config{Seed: c.Seed, Steps: c.Steps, Threads: c.Threads}, warm)
	if errors.Is(err, generator.ErrConfig) {
		return nil, usage(err)
	}
	return f, err
}

func (c *fitCmd) fit(e *env, f *generator.Fitter, began time.Time) error {
	const probe = 16
	_, total := f.Progress()
	bar := newBar(e, "fitting", int64(total))
	defer bar.close()
	saved := began
	for !f.Done() {
		if err := e.ctx.Err(); err != nil {
			return errors.Join(errors.New("interrupted"), c.checkpoint(f))
		}
		t := time.Now()
		if err := f.Step(probe); err != nil {
			return err
		}
		step, total := f.Progress()
		if c.Budget > 0 {
			per := max(1, time.Since(t)/probe)
			if fits := step + int(max(0, c.Budget.D()-time.Since(began))/per); fits < total {
				f.SetSteps(max(fits, step+probe))
			}
		}
		bar.set(int64(step), int64(total))
		if time.Since(saved) > checkpointEvery {
			if err := c.checkpoint(f); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	return nil
}

func (c *fitCmd) checkpoint(f *generator.Fitter) error {
	if c.Checkpoint == "" {
		return nil
	}
	b, err := f.Checkpoint()
	if err != nil {
		return err
	}
	return writeFile(c.Checkpoint, b)
}
