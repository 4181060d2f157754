package main

import (
	"errors"
	"fmt"
	"math"
	"text/tabwriter"

	"phasor/sketcher/feature"
	"phasor/trainer/mixture"
)

type clustersCmd struct {
	sketchFlags
	K        int    `short:"k" default:"6" help:"Clusters."`
	Method   string `enum:"mixture,k-means" default:"mixture" help:"mixture (of normal distributions) or k-means."`
	Shape    string `enum:"diagonal,full" default:"diagonal" help:"Covariances: diagonal or full."`
	Seed     uint64 `default:"1" help:"Same sketch and seed, same clusters."`
	Restarts int    `default:"3" help:"How often to begin anew while the sketch can tell the mixture from the stream."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (clustersCmd) Help() string {
	return `Examples:
  phasor clusters --spec spec.safetensors --sketch s.safetensors -k 6
  phasor clusters --store /var/lib/phasor --name press-line-4 -k 10 --method k-means --json

Clusters are decoded from the sketch alone. Centres are in the units of the records; a spread is half of the way between
one standard deviation below the centre and one above. The loss says how well the mixture fits the sketch: near the
noise floor the sketch cannot tell it from the stream.`
}

// cluster is one of those that are printed.
type cluster struct {
	Weight float64            `json:"weight"`
	Centre map[string]float64 `json:"centre"`
	Spread map[string]float64 `json:"spread,omitempty"`
}

// Run runs the command.
func (c *clustersCmd) Run(e *env) error {
	switch {
	case c.K < 1:
		return usagef("-k is %d: give 1 or more", c.K)
	case c.Restarts < 1:
		return usagef("--restarts is %d: give 1 or more", c.Restarts)
	}
	shape, err := mixture.ParseShape(c.Shape)
	if err != nil {
		return err
	}
	a, err := c.input(e)
	if err != nil {
		return err
	}
	t, err := mixture.NewTarget(a)
	if err != nil {
		return err
	}
	o := mixture.Options{Components: c.K, Shape: shape, Seed: c.Seed, Restarts: c.Restarts, Stop: func() bool { return e.ctx.Err() != nil }}
	if c.Method == "k-means" {
		centres, err := mixture.Means(t, o)
		if err != nil {
			return failed(e, err)
		}
		return c.print(e, t, centres.Fitted, centres.Weights, centres.Means, nil, centres.Cost)
	}
	m, err := mixture.Fit(t, o)
	if err != nil {
		return failed(e, err)
	}
	var deviations [][]float64
	for k := range m.Weights {
		deviations = append(deviations, m.Deviations(k))
	}
	return c.print(e, t, m, m.Weights, m.Means, deviations, math.NaN())
}

// failed is the error of a pursuit as a command's: that of the context if it ended it, one of usage for options.
func failed(e *env, err error) error {
	switch {
	case errors.Is(err, mixture.ErrStopped):
		return e.ctx.Err()
	case errors.Is(err, mixture.ErrOptions):
		return usage(err)
	}
	return err
}

// print shows what was decoded; k-means has no deviations, and only k-means has a cost.
func (c *clustersCmd) print(e *env, t *mixture.Target, m *mixture.Mixture, weights []float64, means, deviations [][]float64, cost float64) error {
	names := t.Spec().Names()
	clusters := make([]cluster, len(weights))
	for k, w := range weights {
		clusters[k] = cluster{Weight: w, Centre: map[string]float64{}}
		centre := m.Physical(means[k])
		for i, n := range names {
			clusters[k].Centre[n] = centre[i]
		}
		if deviations == nil {
			continue
		}
		clusters[k].Spread = map[string]float64{}
		for i, s := range spread(t.Spec(), means[k], deviations[k]) {
			clusters[k].Spread[names[i]] = s
		}
	}
	if c.JSON {
		return printJSON(e.stdout, map[string]any{"method": c.Method, "records": t.Count(), "channels": names, "clusters": clusters,
			"loss": number(m.Loss), "loss_floor": number(m.Floor), "cost": number(cost)})
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "WEIGHT")
	for _, n := range names {
		fmt.Fprintf(w, "\t%s", n)
	}
	fmt.Fprintln(w)
	for _, k := range clusters {
		fmt.Fprintf(w, "%.4f", k.Weight)
		for _, n := range names {
			fmt.Fprintf(w, "\t%.5g", k.Centre[n])
			if s, ok := k.Spread[n]; ok {
				fmt.Fprintf(w, " ± %.2g", s)
			}
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprint(e.stderr, fields("records", t.Count(), "loss of the mixture", figure(m.Loss), "noise floor", figure(m.Floor)))
	if !math.IsNaN(cost) {
		fmt.Fprint(e.stderr, fields("cost", figure(cost)+" squared standard units a record"))
	}
	return nil
}

// spread returns half the way in physical units between a deviation below and one above a mean of standard units.
func spread(s *feature.Spec, mean, deviation []float64) []float64 {
	out := make([]float64, len(mean))
	for k, c := range s.Channels {
		at := func(y float64) float64 { return c.Transform.Invert(y/s.Scale[k] + s.Offset[k]) }
		out[k] = (at(mean[k]+deviation[k]) - at(mean[k]-deviation[k])) / 2
	}
	return out
}
