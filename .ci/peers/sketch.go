package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// The shape of the comparisons, and the number of records that are folded at a time.
const (
	dim      = 10
	features = 1024
	batch    = 1020
)

// spec is a feature map of normal frequencies for channels of mean 20 and standard deviation 5.
func spec(d, m int) *feature.Spec {
	rng := rand.New(rand.NewPCG(1, uint64(d)))
	s := &feature.Spec{Features: m, Omega: make([]int32, m*d), Law: feature.LawGaussian, Seed: 1}
	for i := range s.Omega {
		s.Omega[i] = int32(math.Round(rng.NormFloat64() * feature.Unit / 6))
	}
	const width = 8 * feature.Unit / feature.Bins
	for k := range d {
		s.Channels = append(s.Channels, feature.Channel{Name: fmt.Sprintf("c%d", k)})
		s.Offset, s.Scale = append(s.Offset, 20), append(s.Scale, 1./5)
		for bin := range int32(feature.Bins) {
			edge := (bin - feature.Bins/2) * width
			s.Edges, s.Values = append(s.Edges, edge), append(s.Values, edge+width/2)
		}
		s.Edges = append(s.Edges, feature.Bins/2*width)
	}
	return s
}

// vectors returns n normal records in physical units.
func vectors(n, d int) []float64 {
	rng := rand.New(rand.NewPCG(2, uint64(d)))
	x := make([]float64, n*d)
	for i := range x {
		x[i] = 20 + 5*rng.NormFloat64()
	}
	return x
}

// quantise writes the fixed-point form of every record of x to q.
func quantise(m *feature.Map, q []int32, x []float64) error {
	d := m.Dim()
	for i := 0; i < len(x); i += d {
		if !m.Quantise(q[i:i+d], x[i:i+d]) {
			return fmt.Errorf("record %d is not finite", i/d)
		}
	}
	return nil
}

// sketchTasks are, a record: records, from vectors of binary64 to the sums of cosines and sines; fold, the same with
// moments, extremes and histograms, all that a sketcher does with a vector; kernel/NAME, the sums alone, by each kernel.
func sketchTasks() ([]task, error) {
	m, err := feature.NewMap(spec(dim, features))
	if err != nil {
		return nil, err
	}
	x, q := vectors(batch, dim), make([]int32, batch*dim)
	if err := quantise(m, q, x); err != nil {
		return nil, err
	}
	a, buffer := sketch.New(m), make([]int32, len(q))
	s := sums(features)
	tasks := []task{
		{"records", func() (float64, error) {
			err := quantise(m, buffer, x)
			m.FoldPhasors(s, buffer)
			return batch, err
		}},
		{"fold", func() (float64, error) {
			err := quantise(m, buffer, x)
			a.Fold(buffer)
			return batch, err
		}},
	}
	for _, name := range feature.Kernels() {
		k, err := feature.NewMapWith(spec(dim, features), name)
		if err != nil {
			return nil, err
		}
		s := sums(features)
		tasks = append(tasks, task{"kernel/" + name, func() (float64, error) {
			k.FoldPhasors(s, q)
			return batch, nil
		}})
	}
	return tasks, nil
}

func sums(m int) *feature.Sums {
	return &feature.Sums{
		A: make([]int64, m), B: make([]int64, m), Moment1: make([]int64, dim), Moment2: make([]int64, feature.Pairs(dim)),
		Min: make([]int32, dim), Max: make([]int32, dim), Histogram: make([]int64, dim*feature.Bins), Clamped: make([]int64, dim),
	}
}
