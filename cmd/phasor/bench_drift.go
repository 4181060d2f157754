package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/evaluate"
	"phasor/sketcher/drift/streams"
)

// driftBench measures the detection of drift on streams of known truth and on public data.
type driftBench struct {
	e          *env
	quick      bool
	data       string
	rows       []driftFigure
	skipped    []string
	bar        bar
	seed       uint64
	trials     int // of two-range tests
	runs       int // of run lengths
	panes      int // of a run
	rolls      int // of run lengths of the rolling mode, which estimates its noise again and again
	rollPanes  int // of such a run
	delays     int
	sims       int
	ownMakers  []evaluate.Maker
	dataMakers []evaluate.Maker // of data sets, which are small: never with few simulations
	everyMaker evaluate.Maker
}

// driftFigure is one line of the table.
type driftFigure struct {
	On       string   `json:"on"`
	Detector string   `json:"detector"`
	What     string   `json:"what"`
	Value    *float64 `json:"value"` // null: infinite or undefined
	Error    float64  `json:"standard_error,omitempty"`
	Trials   int      `json:"trials"`
	Note     string   `json:"note,omitempty"`
}

// asked is the number of panes between false alarms that is asked for.
const asked = 1000

func runDriftBench(e *env, quick bool, data string, asJSON bool) error {
	b := &driftBench{e: e, quick: quick, data: data, seed: 20_260_301, trials: 10_000, runs: 200, panes: 2000, rolls: 24, rollPanes: 800, delays: 40, sims: 300}
	if quick {
		b.trials, b.runs, b.panes, b.rolls, b.rollPanes, b.delays, b.sims = 40, 4, 300, 2, 100, 4, 60
	}
	b.calibrate()
	b.bar = newBar(e, "measuring", 9)
	defer b.bar.close()
	for _, step := range []func() error{b.levels, b.runLengths, b.foundAfter, b.interrbf, b.tep, b.skab, b.elec2, b.nab} {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return fmt.Errorf("bench drift: %w", err)
		}
		b.bar.add(1)
	}
	if asJSON {
		return printJSON(e.stdout, map[string]any{"seed": b.seed, "panes_between_false_alarms": asked, "figures": b.rows, "skipped": b.skipped})
	}
	return b.print()
}

// calibrate makes the detectors.
func (b *driftBench) calibrate() {
	own := func(sims int) []evaluate.Maker {
		opt := drift.Options{ARL: asked, Simulations: sims}
		sr := opt
		sr.Method = drift.ShiryaevRoberts
		return []evaluate.Maker{evaluate.Scan("scan", opt), evaluate.Scan("Shiryaev-Roberts", sr), evaluate.Rolling("rolling", opt)}
	}
	b.ownMakers, b.dataMakers = own(b.sims), own(300)
	b.everyMaker = evaluate.Every(asked)
}

func (b *driftBench) add(on, detector, what string, value, se float64, trials int, note string) {
	f := driftFigure{On: on, Detector: detector, What: what, Error: se, Trials: trials, Note: note}
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		f.Value = &value
	}
	if math.IsNaN(se) || math.IsInf(se, 0) {
		f.Error = 0
	}
	b.rows = append(b.rows, f)
}

// makers are our detectors, the dummies and the z-test.
func (b *driftBench) makers(own []evaluate.Maker) []evaluate.Maker {
	return append(append([]evaluate.Maker{}, own...), evaluate.ZTest(asked), b.everyMaker, evaluate.Never())
}

// reference returns how many panes a stream's reference has.
func reference(k streams.Kind) int {
	if k.Name == streams.AR98.Name || k.Name == streams.Mixed.Name {
		return 400
	}
	return 200
}

// refused says how many trials had a reference that did not do.
func refused(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d refused: not enough history", n)
}

// levels measures how often two equal ranges are called different.
func (b *driftBench) levels() error {
	for _, k := range streams.Kinds() {
		window := 32
		if reference(k) == 400 {
			window = 64
		}
		l, err := evaluate.TwoRanges(k, evaluate.Setup{Reference: reference(k), Seed: b.seed}, window, b.trials, drift.Options{})
		if err != nil {
			return err
		}
		five, fiveSE, one, oneSE := l.Rates()
		note := fmt.Sprintf("%d panes against %d", window, reference(k)) + refused(l.Refused)
		b.add(k.Name, "two ranges", "called different at 5 %", five, fiveSE, l.Trials, note)
		b.add(k.Name, "two ranges", "called different at 1 %", one, oneSE, l.Trials, note)
	}
	return nil
}

// runLengths measures the panes between false alarms on quiet streams.
func (b *driftBench) runLengths() error {
	kinds := streams.Kinds()
	if b.quick {
		kinds = []streams.Kind{streams.Independent, streams.AR9}
	}
	for _, k := range kinds {
		makers, rolling := b.makers(b.ownMakers), 2
		setup := evaluate.Setup{Reference: reference(k), Seed: b.seed + 1}
		found, err := evaluate.RunLengths(k, setup, b.rolls, b.rollPanes, makers[rolling])
		if err != nil {
			return err
		}
		rest, err := evaluate.RunLengths(k, setup, b.runs, b.panes, slices.Delete(makers, rolling, rolling+1)...)
		if err != nil {
			return err
		}
		for _, r := range append(rest, found...) {
			mean, se := r.Mean()
			note := fmt.Sprintf("%d alarms in %d panes", r.Alarms, r.Panes) + refused(r.Refused)
			b.add(k.Name, r.Detector, "panes between false alarms", mean, se, r.Runs, note)
		}
	}
	return nil
}

// foundAfter measures the delays of planted changes.
func (b *driftBench) foundAfter() error {
	kinds := []streams.Kind{streams.Independent, streams.AR9}
	if b.quick {
		kinds = kinds[:1]
	}
	for _, k := range kinds {
		found, err := evaluate.Delays(k, evaluate.Setup{Reference: reference(k), Seed: b.seed + 2}, streams.Changes(), b.delays, b.makers(b.ownMakers)...)
		if err != nil {
			return err
		}
		for _, d := range found {
			median, missed := d.Median()
			note := fmt.Sprintf("%d alarms before it", d.Early) + refused(d.Refused)
			if len(d.Panes) > 0 {
				note = fmt.Sprintf("missed %.0f %%, ", 100*missed) + note
			}
			if d.Named > 0 {
				note += fmt.Sprintf(", channel named in %d of %d", d.Named, len(d.Panes))
			}
			b.add(k.Name, d.Detector, d.Change+": median delay in panes", median, 0, d.Runs, note)
		}
	}
	return nil
}

// print writes a Markdown table.
func (b *driftBench) print() error {
	var t strings.Builder
	fmt.Fprintf(&t, "Seed %d; one false alarm is asked for in %d panes of 64 records of 8 channels, if nothing else is said.\n\n", b.seed, asked)
	t.WriteString("| on | detector | what | value | trials | note |\n|---|---|---|---|---|---|\n")
	for _, f := range b.rows {
		value := "–"
		if f.Value != nil {
			value = figure(*f.Value)
			if f.Error > 0 {
				value += " ± " + fmt.Sprintf("%.2g", f.Error)
			}
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %d | %s |\n", f.On, f.Detector, f.What, value, f.Trials, f.Note)
	}
	for _, s := range b.skipped {
		fmt.Fprintf(&t, "\nSkipped: %s", s)
	}
	if len(b.skipped) > 0 {
		t.WriteByte('\n')
	}
	_, err := fmt.Fprint(b.e.stdout, t.String())
	return err
}
