package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"phasor/trainer/inverse"
)

type recoverCmd struct {
	Impute     imputeCmd     `cmd:"" help:"Fill in missing channels."`
	Denoise    denoiseCmd    `cmd:"" help:"Take the noise off records."`
	Compressed compressedCmd `cmd:"" help:"Records from a few linear measurements of each."`
	Deconvolve deconvolveCmd `cmd:"" help:"Undo a blur of signals."`
	Windows    windowsCmd    `cmd:"" help:"Cut a series into records of consecutive values, to calibrate and sketch."`
}

// Help is shown by --help.
func (recoverCmd) Help() string {
	return `Examples:
  phasor recover impute --model model.safetensors --input gaps.csv > filled.csv
  phasor recover denoise --store /var/lib/phasor --name press-line-4 --input noisy.csv --noise 0.3`
}

// recoverFlags are common to what recovers records.
type recoverFlags struct {
	modelFlags
	Input   string `default:"-" help:"File of measurements; - is standard input." type:"existingfile" placeholder:"FILE"`
	Format  string `enum:"auto,csv,json,ndjson" default:"auto" help:"csv or json (one object a line), if the name does not say."`
	Method  string `default:"auto" help:"auto, all, sampling, latent, hybrid, gaussian, tikhonov, mixture, dct, wavelets, total-variation, dictionary, witness or amortised." placeholder:"NAME"`
	Samples int    `default:"20000" help:"Records that the generator draws."`
	Seed    uint64 `default:"1" help:"Same seed, same answers."`
	Scores  bool   `help:"Show the error of each method on held-out generated records."`
	JSON    bool   `name:"json" help:"One JSON object a line instead of CSV."`
	Plain   bool   `help:"CSV of the records alone."`
}

// methodNames are those that --method takes.
var methodNames = []string{"sampling", "latent", "hybrid", "gaussian", "tikhonov", "mixture", "dct", "wavelets", "total-variation", "dictionary", "witness", "amortised"}

func (f *recoverFlags) check() error {
	switch {
	case f.Samples < 100 || f.Samples > 1_000_000:
		return usagef("--samples is %d: it must be from 100 to 1000000", f.Samples)
	case f.JSON && f.Plain:
		return usagef("--plain is for CSV: leave it or --json out")
	}
	for _, n := range append(methodNames, "auto", "all") {
		if f.Method == n {
			return nil
		}
	}
	return usagef("--method is %q: it must be auto, all, %s", f.Method, strings.Join(methodNames, ", "))
}

// checkNoise refuses a standard deviation that is none.
func checkNoise(sigma float64) error {
	if !(sigma >= 0) || math.IsInf(sigma, 0) {
		return usagef("--noise is %v: it must be a standard deviation, 0 or more", sigma)
	}
	return nil
}

type imputeCmd struct {
	recoverFlags
	seriesFlags
	Noise float64 `default:"0.03" help:"Standard deviation of what is measured, in those of the channels; of a series in its own units."`
}

// Help is shown by --help.
func (imputeCmd) Help() string {
	return `Examples:
  phasor recover impute --model model.safetensors --input gaps.csv > filled.csv
  phasor recover impute --store /var/lib/phasor --name press-line-4 --input gaps.ndjson --json
  phasor recover impute --model waves.safetensors --series pressure --input gaps.csv --noise 0.1

Empty cells, NaN, null and absent fields are missing. What is measured stays as it is.` + recoverHelp
}

// recoverHelp says what all of them print.
const recoverHelp = `

Every answer has its standard deviations, the method that gave it, the effective sample size behind it, and a warning where it
should not be trusted or the generator does not help beyond a Gaussian. With --method auto the Gaussian and the generator's
samples are tried on held-out generated records, with all every method that can take the problem, and the best answers.`

// Run runs the command.
func (c *imputeCmd) Run(e *env) error {
	if err := errors.Join(c.check(), checkNoise(c.Noise)); err != nil {
		return err
	}
	r, err := c.engine(e, c.recoverFlags, false)
	if err != nil {
		return err
	}
	return r.each(func(x []float64) (restored, error) { return r.impute(x, c.Noise) })
}

type denoiseCmd struct {
	recoverFlags
	seriesFlags
	Noise float64 `required:"" help:"Standard deviation of the noise, in those of the channels; of a series in its own units." placeholder:"SD"`
}

// Help is shown by --help.
func (denoiseCmd) Help() string {
	return `Examples:
  phasor recover denoise --model model.safetensors --input noisy.csv --noise 0.3
  phasor recover denoise --model waves.safetensors --series pressure --input noisy.csv --noise 2.5` + recoverHelp
}

// Run runs the command.
func (c *denoiseCmd) Run(e *env) error {
	if err := errors.Join(c.check(), checkNoise(c.Noise)); err != nil {
		return err
	}
	r, err := c.engine(e, c.recoverFlags, false)
	if err != nil {
		return err
	}
	return r.each(func(x []float64) (restored, error) { return r.denoise(x, c.Noise) })
}

type compressedCmd struct {
	recoverFlags
	Matrix string  `help:"CSV without names: a row for each measurement, a column for each channel." type:"existingfile" placeholder:"FILE"`
	Down   int     `help:"The measurements are means of this many consecutive channels, instead of --matrix." placeholder:"N"`
	Noise  float64 `required:"" help:"Standard deviation of the noise of a measurement." placeholder:"SD"`
}

// Help is shown by --help.
func (compressedCmd) Help() string {
	return `Examples:
  phasor recover compressed --model model.safetensors --matrix a.csv --input measurements.csv --noise 0.01
  phasor recover compressed --model waves.safetensors --down 4 --input slow.csv --noise 0.1

A row of the input holds the measurements in the order of the matrix's rows; a first row of names is left out.` + recoverHelp
}

// Run runs the command.
func (c *compressedCmd) Run(e *env) error {
	if err := errors.Join(c.check(), checkNoise(c.Noise)); err != nil {
		return err
	}
	if (c.Matrix == "") == (c.Down == 0) {
		return usagef("give one of --matrix and --down")
	}
	r, err := newRecovery(e, c.recoverFlags, true)
	if err != nil {
		return err
	}
	a, err := c.operator(len(r.names))
	if err != nil {
		return err
	}
	q := inverse.Problem{A: a, Noise: inverse.White(c.Noise)}
	m, _ := a.Dims()
	rows, err := openMeasurements(e, c.Input, c.Format, m)
	if err != nil {
		return err
	}
	out := newRecoveredWriter(e, c.recoverFlags, r.names)
	return errors.Join(rows.each(e, func(y []float64) error {
		a, err := r.solve("", q, nil, y)
		if err != nil {
			return err
		}
		return out.write(a)
	}), out.flush())
}

func (c *compressedCmd) operator(d int) (inverse.Operator, error) {
	if c.Matrix == "" {
		if c.Down < 1 || d%c.Down != 0 {
			return nil, usagef("--down is %d: it must divide the model's %d channels", c.Down, d)
		}
		return inverse.Downsample([]int{d}, c.Down), nil
	}
	m, err := readMatrix(c.Matrix)
	if err != nil {
		return nil, err
	}
	if _, cols := m.Dims(); cols != d {
		return nil, fmt.Errorf("%s: it has %d columns and the model %d channels: give a column for each channel", c.Matrix, cols, d)
	}
	return inverse.Dense(m), nil
}

type deconvolveCmd struct {
	recoverFlags
	seriesFlags
	Kernel string  `help:"Numbers of the blur, as 0.2,0.6,0.2; its middle is the one at half its length." placeholder:"NUMBERS"`
	Blind  int     `help:"Find a kernel of this many taps as well, instead of --kernel; without negative taps, of sum 1." placeholder:"TAPS"`
	Noise  float64 `required:"" help:"Standard deviation of the noise." placeholder:"SD"`
}

// Help is shown by --help.
func (deconvolveCmd) Help() string {
	return `Examples:
  phasor recover deconvolve --model waves.safetensors --series pressure --input blurred.csv --kernel 0.25,0.5,0.25 --noise 0.1
  phasor recover deconvolve --model waves.safetensors --input windows.csv --blind 9 --noise 0.1 --json

The channels of the model are consecutive values of a signal. A measurement counts where the whole kernel lies within the
record; a blind one takes the signal for zero outside of it.` + recoverHelp
}

// Run runs the command.
func (c *deconvolveCmd) Run(e *env) error {
	if err := errors.Join(c.check(), checkNoise(c.Noise)); err != nil {
		return err
	}
	if (c.Kernel == "") == (c.Blind == 0) {
		return usagef("give one of --kernel and --blind")
	}
	if c.Blind != 0 && (c.Series != "" || !(c.Noise > 0)) {
		return usagef("--blind is for records, without --series, and with --noise above 0")
	}
	r, err := c.engine(e, c.recoverFlags, true)
	if err != nil {
		return err
	}
	d := len(r.names)
	if c.Blind != 0 {
		if c.Blind < 1 || c.Blind > d {
			return usagef("--blind is %d: it must be from 1 to the model's %d channels", c.Blind, d)
		}
		return r.each(func(x []float64) (restored, error) { return r.blind(e.ctx, x, c.Blind, c.Noise) })
	}
	kernel, err := parseNumbers(c.Kernel)
	if err != nil || len(kernel) > d {
		return usagef("--kernel %q: give at most %d numbers separated by commas", c.Kernel, d)
	}
	return r.each(func(x []float64) (restored, error) { return r.deconvolve(x, kernel, c.Noise) })
}

func parseNumbers(s string) ([]float64, error) {
	var v []float64
	for part := range strings.SplitSeq(s, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			return nil, err
		}
		if x-x != 0 {
			return nil, fmt.Errorf("%v is not finite", x)
		}
		v = append(v, x)
	}
	return v, nil
}
