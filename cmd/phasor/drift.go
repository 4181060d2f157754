package main

import (
	"fmt"
	"math"
	"strings"

	"phasor/sketcher/drift"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

type driftCmd struct {
	Sketches []string `arg:"" optional:"" help:"Two sketches of one feature map." type:"existingfile"`
	Spec     string   `help:"Their feature map." type:"existingfile" placeholder:"FILE"`
	Store    string   `help:"Store to take panes from, instead of two sketches." placeholder:"URL"`
	Name     string   `help:"Sketch in the store." placeholder:"NAME"`
	Epoch    int      `help:"Epoch to look at; default: the newest." placeholder:"N"`
	A        Span     `help:"First range of event time." placeholder:"T1..T2"`
	B        Span     `help:"Second range." placeholder:"T3..T4"`
	Level    float64  `default:"0.01" help:"Probability of calling two equal ranges different; below 0.05 the longer range needs 200 panes." placeholder:"0.01"`
	JSON     bool     `name:"json" help:"Print the result as one JSON line."`
}

// Help is shown by --help.
func (driftCmd) Help() string {
	return `Examples:
  phasor drift monday.safetensors tuesday.safetensors --spec spec.safetensors
  phasor drift --store /var/lib/phasor --name press-line-4 --a 2026-03-02..2026-03-03 --b 2026-03-09..2026-03-10 --level 0.05

Two ranges are compared pane by pane, so that the dependence between records is allowed for, in panes of one length:
the longest of either, which are hours where a range is older than 2 days. Two sketch files hold no panes: their
p-value assumes independent records, and the result says so.`
}

// Run runs the command.
func (c *driftCmd) Run(e *env) error {
	var r drift.Result
	var names []string
	var err error
	if !(c.Level > 0 && c.Level < 1) {
		return usagef("--level is %v: give a probability between 0 and 1", c.Level)
	}
	switch {
	case len(c.Sketches) == 2 && c.Spec != "" && !e.typed["store"] && !c.A.given() && !c.B.given() && c.Epoch == 0:
		r, names, err = c.files()
	case len(c.Sketches) == 0 && c.Store != "" && c.Name != "" && c.A.given() && c.B.given():
		if c.A.overlaps(c.B) {
			return usagef("--a %v and --b %v overlap, and records that are in both hide a change: give ranges that share no time", c.A, c.B)
		}
		r, names, err = c.ranges(e)
	default:
		return usagef("give two sketches and --spec, or --store, --name, --a and --b")
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, driftResult(r, names))
	}
	verdict := "no change found"
	if r.Alarm {
		verdict = "changed"
	}
	fmt.Fprint(e.stdout, fields("verdict", verdict, "statistic", figure(r.Statistic), "threshold", figure(r.Threshold), "p-value", figure(r.PValue)))
	if meaning := groupMeaning[r.Group]; meaning != "" {
		fmt.Fprint(e.stdout, fields("group", fmt.Sprintf("%v: %s", r.Group, meaning)))
	}
	if len(r.Moves) > 0 {
		fmt.Fprint(e.stdout, fields("channels", strings.Join(moveTexts(r.Moves), ", ")))
	} else if len(r.Channels) > 0 {
		fmt.Fprint(e.stdout, fields("channels", strings.Join(r.Channels, ", ")))
	}
	for _, p := range r.Pairs {
		fmt.Fprintf(e.stdout, "  %s and %s: their correlation\n", p[0], p[1])
	}
	for k, v := range r.Divergence {
		fmt.Fprintf(e.stdout, "  %-20s divergence %s bits\n", names[k], figure(v))
	}
	for _, note := range []string{r.Assumes, r.Caution} {
		if note != "" {
			fmt.Fprintf(e.stdout, "note: %s\n", note)
		}
	}
	return nil
}

// moveTexts says of each channel that moved in what it did.
func moveTexts(moves []drift.Move) []string {
	var out []string
	for _, m := range moves {
		text := m.Channel + " (" + m.Aspect
		if m.Aspect != drift.AspectShape {
			text += map[bool]string{true: " up", false: " down"}[m.Up]
		}
		out = append(out, text+")")
	}
	return out
}

// groupMeaning says what the coordinates of a group are about.
var groupMeaning = map[drift.Group]string{drift.GroupS: "the distribution as a whole", drift.GroupCM: "the mean of one channel",
	drift.GroupCV: "the spread of one channel", drift.GroupM: "all means together", drift.GroupC: "all spreads and correlations together",
	drift.GroupH: "the shape of one channel"}

func driftResult(r drift.Result, names []string) map[string]any {
	m := map[string]any{"alarm": r.Alarm, "statistic": number(r.Statistic), "threshold": number(r.Threshold), "p_value": number(r.PValue),
		"group": r.Group.String(), "window_panes": r.Window, "effective_sample_ratio": number(r.EffectiveRatio)}
	if len(r.Channels) > 0 {
		m["channels"] = r.Channels
	}
	if len(r.Moves) > 0 {
		moves := make([]map[string]any, len(r.Moves))
		for i, v := range r.Moves {
			moves[i] = map[string]any{"channel": v.Channel, "aspect": v.Aspect, "score": number(v.Score)}
			if v.Aspect != drift.AspectShape {
				moves[i]["up"] = v.Up
			}
		}
		m["moves"] = moves
	}
	if len(r.Pairs) > 0 {
		m["pairs"] = r.Pairs
	}
	if len(r.Divergence) > 0 {
		d := map[string]any{}
		for k, v := range r.Divergence {
			d[names[k]] = number(v)
		}
		m["divergence_bits"] = d
	}
	for key, note := range map[string]string{"assumes": r.Assumes, "caution": r.Caution} {
		if note != "" {
			m[key] = note
		}
	}
	return m
}

// number is v for JSON, which has no NaN.
func number(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

func (c *driftCmd) files() (drift.Result, []string, error) {
	m, err := readSpec(c.Spec)
	if err != nil {
		return drift.Result{}, nil, err
	}
	var two [2]*sketch.Accumulator
	for i, path := range c.Sketches {
		if two[i], err = readBoundSketch(path, m); err != nil {
			return drift.Result{}, nil, err
		}
	}
	r, err := drift.TwoSketches(two[0], two[1])
	return r, m.Spec().Names(), err
}

var rangeFlags = [2]string{"--a", "--b"}

func (c *driftCmd) ranges(e *env) (r drift.Result, names []string, err error) {
	err = openEpochOf(e, c.Store, c.Name, c.Epoch, func(ep *snapshot.Epoch) error {
		all, err := ep.ListPanes(e.ctx, math.MinInt64, math.MaxInt64)
		if err != nil {
			return err
		}
		var two [2]paneRange
		for i, s := range []Span{c.A, c.B} {
			two[i] = rangeOf(ep, all, s.From.UnixMilli(), s.To.UnixMilli())
			if err := two[i].check(e, c.Store, rangeFlags[i]); err != nil {
				return err
			}
		}
		p, err := panesOf(e, two)
		if err != nil {
			return err
		}
		for i, panes := range p.of {
			if len(panes) == 0 {
				return fmt.Errorf("store %s: sketch %q has in %s no whole pane of %v, in which the other range is kept: choose a longer range", shown(c.Store), c.Name, rangeFlags[i], milliseconds(p.length))
			}
		}
		p.say(e)
		names = ep.Spec().Names()
		r, err = drift.TwoRanges(p.of[0], p.of[1], drift.Options{Level: c.Level})
		return p.advise(err, c.Level)
	})
	return r, names, err
}
