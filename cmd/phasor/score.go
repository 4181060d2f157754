package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/stream/decode"
	"phasor/trainer/generator"
	"phasor/trainer/score"
)

type scoreCmd struct {
	inputFlags
	modelFlags
	Spec     string  `help:"Feature map of the model, with --model." type:"existingfile" placeholder:"FILE"`
	Sketch   string  `help:"Sketch whose density is meant; default: the model's." type:"existingfile" placeholder:"FILE"`
	Least    float64 `default:"0" help:"Print only records at least as odd as this: 3 is one in a thousand."`
	Seed     uint64  `default:"1" help:"Same seed, same scores."`
	JSON     bool    `name:"json" help:"One JSON object a line instead of CSV."`
	NoHeader bool    `help:"CSV without the line of names."`
}

// Help is shown by --help.
func (scoreCmd) Help() string {
	return `Examples:
  phasor score --model model.safetensors --spec spec.safetensors --input today.csv
  phasor score --store /var/lib/phasor --name press-line-4 --input today.ndjson --least 3 --json

Behind the channels stand: odd, the decimal logarithm of the number of records among which the model makes one as odd;
density, of the stream at the record, and distance, to the records that the model can make, in standard deviations a
channel; and the quantiles of both, the share of the model's records that are less odd.`
}

// scoreNames are the columns behind the channels.
var scoreNames = []string{"odd", "density", "density_quantile", "distance", "distance_quantile"}

func scoreValues(s score.Score) []float64 {
	return []float64{s.Odd, s.Density, s.DensityQuantile, s.Distance, s.DistanceQuantile}
}

// scoreBatch is the number of records that are scored together.
const scoreBatch = 512

// Run runs the command.
func (c *scoreCmd) Run(e *env) error {
	if math.IsNaN(c.Least) {
		return usagef("--least is %v: give a number, such as 3 for one record in a thousand", c.Least)
	}
	m, scorer, err := c.scorer(e)
	if err != nil {
		return err
	}
	c.names, c.sketch = m.Names(), c.Name
	if given := parseChannels(c.Columns); len(given) > 0 {
		if names := (decode.Config{Channels: given}).Names(); !slices.Equal(names, c.names) {
			return usagef("--columns names %q and the model has %q: the same names in the same order are wanted; NAME=PATH takes a channel from another column", names, c.names)
		}
	}
	w := bufio.NewWriter(e.stdout)
	out := &scoreWriter{c: c, names: append(m.Names(), scoreNames...), scorer: scorer, json: w}
	if !c.JSON {
		out.csv = csv.NewWriter(w)
		if !c.NoHeader {
			out.csv.Write(out.names)
		}
	}
	bad, err := c.each(e, func(_ []string, x []float64) error {
		out.batch = append(out.batch, x...)
		if len(out.batch) == scoreBatch*len(c.names) {
			return out.flush()
		}
		return nil
	})
	if err == nil {
		err = out.flush()
	}
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if out.records == 0 && bad.rows > 0 {
		return fmt.Errorf("all %d rows were rejected and none was scored", bad.rows)
	}
	fmt.Fprintf(e.stderr, "%d records scored, %d of them one in a thousand or odder, %d rejected\n", out.records, out.odd, bad.rows)
	return nil
}

// scorer reads the model and what belongs to it.
func (c *scoreCmd) scorer(e *env) (*generator.Model, *score.Scorer, error) {
	var spec *feature.Spec
	if c.file(e) {
		if c.Spec == "" {
			return nil, nil, usagef("--model needs --spec, the feature map that its sketch was made with")
		}
		m, err := readSpec(c.Spec)
		if err != nil {
			return nil, nil, err
		}
		spec = m.Spec()
	} else if c.Spec != "" {
		return nil, nil, usagef("--spec is for --model: a store has the feature map")
	}
	m, err := c.model(e)
	if err != nil {
		return nil, nil, err
	}
	if spec == nil {
		err := openEpoch(e, c.Store, c.Name, func(ep *snapshot.Epoch) error { spec = ep.Spec(); return nil })
		if err != nil {
			return nil, nil, err
		}
	}
	var z []complex128
	if c.Sketch != "" {
		fm, err := feature.NewMap(spec)
		if err != nil {
			return nil, nil, err
		}
		a, err := readBoundSketch(c.Sketch, fm)
		if err != nil {
			return nil, nil, err
		}
		if a.Count() == 0 {
			return nil, nil, fmt.Errorf("%s: it holds no records: there is no density", c.Sketch)
		}
		z = a.Phasor(nil)
	}
	s, err := score.New(m, spec, z, score.Options{Seed: c.Seed})
	return m, s, err
}

// scoreWriter prints records with their scores, a batch at a time.
type scoreWriter struct {
	c            *scoreCmd
	names        []string
	scorer       *score.Scorer
	batch        []float64
	json         io.Writer
	csv          *csv.Writer
	records, odd int64
	line         []byte
}

func (w *scoreWriter) flush() error {
	d := w.scorer.Dim()
	n := len(w.batch) / d
	scores := make([]score.Score, n)
	w.scorer.Score(scores, w.batch)
	for i, s := range scores {
		w.records++
		if s.Odd >= 3 {
			w.odd++
		}
		if s.Odd < w.c.Least {
			continue
		}
		if err := w.row(append(slices.Clone(w.batch[i*d:(i+1)*d]), scoreValues(s)...)); err != nil {
			return err
		}
	}
	w.batch = w.batch[:0]
	if w.csv != nil {
		w.csv.Flush()
		return w.csv.Error()
	}
	return nil
}

func (w *scoreWriter) row(values []float64) error {
	if w.csv == nil {
		w.line = appendJSONRow(w.line[:0], w.names, values)
		_, err := w.json.Write(w.line)
		return err
	}
	cells := make([]string, len(values))
	for k, v := range values {
		cells[k] = strconv.FormatFloat(v, 'g', -1, 64)
	}
	return w.csv.Write(cells)
}
