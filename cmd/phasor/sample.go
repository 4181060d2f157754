package main

import (
	"bufio"
	"encoding/csv"
	"strconv"

	"phasor/snapshot"
	"phasor/trainer/generator"
)

type sampleCmd struct {
	Model    string `help:"Model to sample." type:"existingfile" placeholder:"FILE"`
	Store    string `help:"Store to take the served model from, instead of --model." placeholder:"URL"`
	Name     string `help:"Sketch in the store." placeholder:"NAME"`
	Number   int    `name:"model-version" help:"Version; default: the served one." placeholder:"V"`
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

// Run runs the command.
func (c *sampleCmd) Run(e *env) error {
	if c.N < 0 {
		return usagef("--n is %d: it cannot be negative", c.N)
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

func (c *sampleCmd) model(e *env) (*generator.Model, error) {
	if c.Model != "" && c.Store == "" {
		return readModel(c.Model)
	}
	if c.Store == "" || c.Name == "" || c.Model != "" {
		return nil, usagef("give --model, or --store and --name")
	}
	b, err := snapshot.OpenBucket(e.ctx, c.Store)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	ep, err := snapshot.Open(b, c.Name).LatestSpec(e.ctx)
	if err != nil {
		return nil, err
	}
	var m *snapshot.Model
	if c.Number == 0 {
		m, _, err = ep.LoadCurrent(e.ctx)
	} else {
		m, err = ep.LoadModel(e.ctx, c.Number)
	}
	if err != nil {
		return nil, err
	}
	return generator.DecodeModel(m.Data)
}

func appendJSONRow(b []byte, names []string, x []float64) []byte {
	b = append(b, '{')
	for k, v := range x {
		if k > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, names[k]), ':')
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	return append(b, '}', '\n')
}
