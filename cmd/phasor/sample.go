package main

import (
	"bufio"
	"encoding/csv"
	"math"
	"strconv"
)

type sampleCmd struct {
	modelFlags
	N        int    `name:"n" default:"1000" help:"Records."`
	Seed     uint64 `default:"1" help:"Same seed, same records."`
	JSON     bool   `name:"json" help:"One JSON object a line instead of CSV."`
	NoHeader bool   `help:"CSV without the line of names."`
}

// Help is shown by --help.
func (sampleCmd) Help() string {
	return `Examples:
  phasor sample --model model.safetensors --n 1000 --seed 1
  phasor sample --store /var/lib/phasor --name press-line-4 --n 100 --json`
}

// mostSamples bounds the memory of a draw.
const mostSamples = 10_000_000

// Run runs the command.
func (c *sampleCmd) Run(e *env) error {
	if c.N < 0 || c.N > mostSamples {
		return usagef("--n is %d: it must be from 0 to %d; for more draw several times with other seeds", c.N, mostSamples)
	}
	m, err := c.model(e)
	if err != nil {
		return err
	}
	x, names := m.Sample(c.N, c.Seed), m.Names()
	d := len(names)
	w := bufio.NewWriter(e.stdout)
	if c.JSON {
		row := make([]byte, 0, 64*d)
		for i := range c.N {
			row = appendJSONRow(row[:0], names, x[i*d:(i+1)*d])
			if _, err := w.Write(row); err != nil {
				return err
			}
		}
		return w.Flush()
	}
	cw := csv.NewWriter(w)
	if !c.NoHeader {
		cw.Write(names)
	}
	cells := make([]string, d)
	for i := range c.N {
		for k, v := range x[i*d : (i+1)*d] {
			cells[k] = strconv.FormatFloat(v, 'g', -1, 64)
		}
		cw.Write(cells)
	}
	cw.Flush()
	if err := cw.Error(); err != nil {
		return err
	}
	return w.Flush()
}

// appendJSONRow appends an object on a line of its own. What is not finite is null, as JSON has no other word for it.
func appendJSONRow(b []byte, names []string, x []float64) []byte {
	b = append(b, '{')
	for k, v := range x {
		if k > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, names[k]), ':')
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	return append(b, '}', '\n')
}
