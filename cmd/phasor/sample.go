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

const (
	mostSamples = 10_000_000 // of a draw
	sampleBatch = 4096       // records that are drawn together, between two looks at whether they are still wanted
)

// Run runs the command.
func (c *sampleCmd) Run(e *env) error {
	if c.N < 0 || c.N > mostSamples {
		return usagef("--n is %d: it must be from 0 to %d; for more draw several times with other seeds", c.N, mostSamples)
	}
	m, err := c.model(e)
	if err != nil {
		return err
	}
	names := m.Names()
	d := len(names)
	w := bufio.NewWriter(e.stdout)
	cw := csv.NewWriter(w)
	if !c.JSON && !c.NoHeader {
		cw.Write(names)
	}
	cells, row := make([]string, d), make([]byte, 0, 64*d)
	write := func(x []float64) error {
		if c.JSON {
			row = appendJSONRow(row[:0], names, x)
			_, err := w.Write(row)
			return err
		}
		for k, v := range x {
			cells[k] = strconv.FormatFloat(v, 'g', -1, 64)
		}
		return cw.Write(cells)
	}
	for lo := 0; lo < c.N; lo += sampleBatch {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		for x := m.SampleRange(lo, min(c.N, lo+sampleBatch), c.Seed); len(x) > 0; x = x[d:] {
			if err := write(x[:d]); err != nil {
				return err
			}
		}
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
