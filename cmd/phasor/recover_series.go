package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// seriesFlags say that the input is a series, not records.
type seriesFlags struct {
	Series string `help:"The input is a series in this column; the model's channels are consecutive values of it." placeholder:"COLUMN"`
	Stride int    `help:"Rows between two windows of a series; default: half a window." placeholder:"N"`
}

type windowsCmd struct {
	Input  string `default:"-" help:"File with the series; - is standard input." type:"existingfile" placeholder:"FILE"`
	Format string `enum:"auto,csv,json,ndjson" default:"auto" help:"csv or json (one object a line), if the name does not say."`
	Series string `required:"" help:"Column of the series." placeholder:"COLUMN"`
	Length int    `required:"" help:"Values of a window, which become the channels COLUMN.00, COLUMN.01, …" placeholder:"N"`
	Stride int    `default:"1" help:"Rows between two windows."`
}

// Help is shown by --help.
func (windowsCmd) Help() string {
	return `Example:
  phasor recover windows --input day.csv --series pressure --length 32 > windows.csv
  phasor calibrate --input windows.csv --out spec.safetensors
  phasor sketch --spec spec.safetensors --input windows.csv --out s.safetensors
  phasor fit --spec spec.safetensors --sketch s.safetensors --out waves.safetensors
  phasor recover denoise --model waves.safetensors --series pressure --input noisy.csv --noise 2.5

A window with a missing value is left out.`
}

// Run runs the command.
func (c *windowsCmd) Run(e *env) error {
	const most = 1024
	if c.Length < 2 || c.Length > most || c.Stride < 1 {
		return usagef("--length is %d and --stride %d: give a length from 2 to %d and a stride of 1 or more", c.Length, c.Stride, most)
	}
	rows, err := openRows(e, c.Input, c.Format, []string{c.Series})
	if err != nil {
		return err
	}
	w := bufio.NewWriter(e.stdout)
	out := csv.NewWriter(w)
	names := make([]string, c.Length)
	for k := range names {
		names[k] = fmt.Sprintf("%s.%0*d", c.Series, len(fmt.Sprint(c.Length-1)), k)
	}
	if err := out.Write(names); err != nil {
		return err
	}
	window := make([]string, 0, c.Length)
	skip := 0
	err = rows.each(e, func(x []float64) error {
		if x[0] != x[0] {
			window, skip = window[:0], 0
			return nil
		}
		if skip > 0 {
			skip--
			return nil
		}
		window = append(window, strconv.FormatFloat(x[0], 'g', -1, 64))
		if len(window) < c.Length {
			return nil
		}
		if err := out.Write(window); err != nil {
			return err
		}
		kept := copy(window, window[min(c.Stride, c.Length):])
		window, skip = window[:kept], max(0, c.Stride-c.Length)
		return nil
	})
	out.Flush()
	return errors.Join(err, out.Error(), w.Flush())
}

// engine makes the recovery of records or of a series. A series is in physical units, as all of its windows' channels
// must have one.
func (s seriesFlags) engine(e *env, f recoverFlags, physical bool) (*recovery, error) {
	if s.Series == "" && s.Stride != 0 || s.Stride < 0 {
		return nil, usagef("--stride is %d: it is for --series, and 1 or more", s.Stride)
	}
	r, err := newRecovery(e, f, physical || s.Series != "")
	if err != nil {
		return nil, err
	}
	d := len(r.names)
	r.series = s
	if r.series.Stride == 0 {
		r.series.Stride = max(1, d/2)
	}
	if s.Stride > d {
		return nil, usagef("--stride is %d: it must be at most the model's %d channels, or rows are left out", s.Stride, d)
	}
	if s.Series != "" {
		r.prior = r.prior.WithShape(d)
	}
	return r, nil
}

// each solves every row of the input, or every window of its series.
func (r *recovery) each(f func(x []float64) (restored, error)) error {
	if r.series.Series != "" {
		return r.eachWindow(f)
	}
	rows, err := openRows(r.e, r.flags.Input, r.flags.Format, r.names)
	if err != nil {
		return err
	}
	out := newRecoveredWriter(r.e, r.flags, r.names)
	err = rows.each(r.e, func(x []float64) error {
		a, err := f(x)
		if err != nil {
			return err
		}
		return out.write(a)
	})
	return errors.Join(err, out.flush())
}

// eachWindow solves overlapping windows. Where they overlap, their answers are averaged by their precisions, and the
// deviation is that of the average window: windows that overlap are not independent.
func (r *recovery) eachWindow(f func(x []float64) (restored, error)) error {
	var x []float64
	rows, err := openRows(r.e, r.flags.Input, r.flags.Format, []string{r.series.Series})
	if err != nil {
		return err
	}
	if err := rows.each(r.e, func(v []float64) error { x = append(x, v[0]); return nil }); err != nil {
		return err
	}
	d := len(r.names)
	if len(x) < d {
		return fmt.Errorf("%s: %d values, a window of the model has %d", rows.path, len(x), d)
	}
	blank := make([]windowed, len(x))
	for at := 0; ; at = min(at+r.series.Stride, len(x)-d) {
		a, err := f(x[at : at+d])
		if err != nil {
			return fmt.Errorf("%s: rows %d to %d: %w", rows.path, at+1, at+d, err)
		}
		for k := range d {
			blank[at+k].add(a, k)
		}
		if at == len(x)-d {
			break
		}
		if err := r.e.ctx.Err(); err != nil {
			return err
		}
	}
	out := newRecoveredWriter(r.e, r.flags, []string{r.series.Series})
	for i := range blank {
		if err := out.write(blank[i].answer()); err != nil {
			return err
		}
	}
	return out.flush()
}

// windowed is one value of a series, from all windows that hold it.
type windowed struct {
	weight, sum, count, ess float64
	method, warning         string
}

func (w *windowed) add(a restored, k int) {
	precision := 1 / (a.SD[k]*a.SD[k] + 1e-24)
	w.weight += precision
	w.sum += precision * a.X[k]
	if w.count == 0 || a.ESS < w.ess {
		w.ess = a.ESS
	}
	w.count++
	w.method = a.Method
	if w.warning == "" {
		w.warning = a.Warning
	}
}

func (w *windowed) answer() restored {
	var a restored
	sd := math.Sqrt(w.count / w.weight)
	if sd < 1e-11 {
		sd = 0
	}
	a.X, a.SD = []float64{w.sum / w.weight}, []float64{sd}
	a.Method, a.ESS, a.Warning = w.method, w.ess, w.warning
	return a
}
