package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

type benchCmd struct {
	Subject string   `arg:"" optional:"" enum:"machine,drift" default:"machine" help:"machine, or drift: how well changes are found instead of how fast."`
	Data    string   `help:"With drift: folder of public data sets (interrbf, tep, skab, elec2, nab); those that are absent are skipped." placeholder:"DIR"`
	Only    []string `help:"Measure only these, or those whose names begin with one of them and a slash." placeholder:"NAME"`
	Runs    int      `help:"How often each is measured; default: 6, or 3 with --quick." placeholder:"N"`
	Quick   bool     `help:"Short runs on little data, for a first look."`
	Dir     string   `help:"Folder on the disk to save snapshots to; default: that of temporary files." type:"existingdir" placeholder:"DIR"`
	JSON    bool     `name:"json" help:"Print the result as one JSON line."`
	Broker  bool     `hidden:"" env:"-" help:"Be the broker of another bench: it ends when standard input does."`
}

// Help is shown by --help.
func (benchCmd) Help() string {
	return `Examples:
  phasor bench
  phasor bench --quick
  phasor bench --only kernel,fold --runs 10
  phasor bench --json --dir /var/lib/phasor > figures.json
  phasor bench drift --data data       false alarms and delays, as a Markdown table; two hours without --quick

Every figure is a median over the runs, with the least and the greatest beside it. A run takes at least 0.3 s (0.05 s
with --quick), and the runs of all figures take turns, so that a machine that slows down slows them all. This program
uses one core. Its CPU time counts, which stands while other programs have the core; fetch, pipeline and save, which
wait for a broker in a process of its own and for the disk, go by the time that passes.

  fma        fused multiply-adds of binary32 in the widest registers, and nothing else
  kernel     adding m phasors of records of d channels; its limit is explained below the table
  fold       the same with moments, extremes and histogram, and what these add
  decode     bytes to vectors of 10 channels
  fit        one optimiser step of a generator, d=10, m=1024
  fetch      records of 60 bytes from the embedded broker
  pipeline   the same of JSON with 10 channels, decoded and folded, d=10, m=1024
  merge, encode, save    a sketch added to another; as bytes; a partition's state to the disk, synced

With --json, shares are fractions of 1. The kernel is the fastest one, or that of PHASOR_KERNEL.`
}

// The length of a run, and of one before them all that is not counted.
const (
	benchRun   = 300 * time.Millisecond
	benchShort = 50 * time.Millisecond
)

// Run runs the command.
func (c *benchCmd) Run(e *env) (err error) {
	if c.Broker {
		return serveBench(e)
	}
	if c.Subject == "drift" {
		return runDriftBench(e, c.Quick, c.Data, c.JSON)
	}
	if c.Runs < 0 {
		return usagef("--runs is %d: give 1 or more", c.Runs)
	}
	least, runs := benchRun, 6
	if c.Quick {
		least, runs = benchShort, 3
	}
	if c.Runs > 0 {
		runs = c.Runs
	}
	b := &bench{e: e, dir: c.Dir, quick: c.Quick}
	probes, err := selectProbes(b.probes(), c.Only)
	if err != nil {
		return err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer func() {
		if e := b.close(); err == nil {
			err = e
		}
	}()
	r := benchReport{Machine: thisMachine(e.ctx), Seconds: least.Seconds(), Runs: runs}
	if r.Figures, err = b.measure(probes, least, runs); err != nil {
		return err
	}
	r.Machine.LoadAfter = loadAverage(e.ctx)
	if c.JSON {
		return printJSON(e.stdout, r)
	}
	return r.print(e.stdout)
}

// bench holds what probes share.
type bench struct {
	e       *env
	dir     string
	quick   bool
	topics  *benchTopics
	closers []func() error
}

// onClose adds to what happens when everything is measured, in reverse order.
func (b *bench) onClose(f func() error) { b.closers = append(b.closers, f) }

func (b *bench) close() (err error) {
	for _, f := range slices.Backward(b.closers) {
		if e := f(); err == nil {
			err = e
		}
	}
	return err
}

// probes returns everything that can be measured, in the order of the table.
func (b *bench) probes() []*benchProbe {
	return slices.Concat(b.kernelProbes(), b.decodeProbes(), b.fitProbes(), b.streamProbes(), b.stateProbes())
}

// selectProbes returns the probes that --only names, all if it names none.
func selectProbes(all []*benchProbe, only []string) ([]*benchProbe, error) {
	if len(only) == 0 {
		return all, nil
	}
	var chosen []*benchProbe
	var groups []string
	found := make([]bool, len(only))
	for _, p := range all {
		if group, _, _ := strings.Cut(p.name, "/"); !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
		take := false
		for i, name := range only {
			if p.name == name || strings.HasPrefix(p.name, name+"/") {
				found[i], take = true, true
			}
		}
		if take {
			chosen = append(chosen, p)
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		return nil, usagef("--only %s: there is no such figure on this machine: use %s, or a name of the table", only[i], strings.Join(groups, ", "))
	}
	return chosen, nil
}

// measure prepares the probes and lets them take turns.
func (b *bench) measure(probes []*benchProbe, least time.Duration, runs int) ([]benchFigure, error) {
	progress := newBar(b.e, "measuring", int64(len(probes)*(runs+1)))
	defer progress.close()
	for _, p := range probes {
		if err := p.start(b.e.ctx, least/10); err != nil {
			return nil, fmt.Errorf("bench: %s: %w", p.name, err)
		}
		progress.add(1)
	}
	runtime.GC()
	values := make([][][]float64, len(probes)) // by probe, run and figure
	for range runs {
		for i, p := range probes {
			v, err := p.run(b.e.ctx, least)
			if err != nil {
				return nil, fmt.Errorf("bench: %s: %w", p.name, err)
			}
			values[i] = append(values[i], v)
			progress.add(1)
		}
	}
	var figures []benchFigure
	for i, p := range probes {
		for k, m := range p.measures {
			column := make([]float64, runs)
			for n, v := range values[i] {
				column[n] = v[k]
			}
			figures = append(figures, newFigure(p, m, column))
		}
	}
	return figures, nil
}

// start prepares a probe and runs it once, so that the first run that counts is like the others.
func (p *benchProbe) start(ctx context.Context, least time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.prepare(); err != nil {
		return err
	}
	v, err := p.run(ctx, least)
	if err == nil && len(v) != len(p.measures) {
		panic("bench: a probe gives other figures than it names")
	}
	return err
}
