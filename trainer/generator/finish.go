package generator

import (
	"maps"
	"slices"

	"phasor/trainer/generator/internal/draw"
)

// Sizes of the comparison that decides about a channel's output map.
const (
	trialGroups      = 8
	trialFrequencies = 256
)

// finish makes a model of a network: it matches the output map and judges the
// whole.
func (t *Target) finish(s shape, flat []float32, seed uint64, steps, threads int) *Model {
	m := &Model{
		shape: s, flat: flat, weights: s.view(flat), channels: slices.Clone(t.spec.Channels),
		offset: slices.Clone(t.spec.Offset), scale: slices.Clone(t.spec.Scale),
		fingerprint: t.fingerprint, seed: seed, steps: steps, records: t.Count(),
	}
	m.out = newOutputMap(t.marginals, t.columns(&m.weights, seed, threads))
	t.chooseChannels(m, seed, threads)
	m.evaluation = t.evaluate(m, seed, groups, threads)
	return m
}

// columns returns the sorted channels of a large sample of the network.
func (t *Target) columns(w *weights, seed uint64, threads int) [][]float32 {
	const n = groups * groupSize
	columns := make([][]float32, w.dim)
	for k := range columns {
		columns[k] = make([]float32, n)
	}
	each(threads, groups, func(g int) {
		raw := w.raw(seed, draw.Calibration)
		y := make([]float32, w.dim*block)
		for b := g * (groupSize / block); b < (g+1)*(groupSize/block); b++ {
			raw(uint64(b), y)
			for k, c := range columns {
				copy(c[b*block:(b+1)*block], y[k*block:(k+1)*block])
			}
		}
	})
	each(threads, w.dim, func(k int) { slices.Sort(columns[k]) })
	return columns
}

// chooseChannels switches the output map of a channel off where it moves the
// records away from the sketch. The judges are fitted frequencies, so that the
// held-out ones stay unseen, and other latents than those that made the map.
// The map stands, as it makes the channels' own distributions exact, unless the
// loss with it exceeds that of the bare network by more than two standard
// errors of the latter; then the channels are tried one by one, and each whose
// map does not pay is left off. Channels with stored values keep theirs, as a
// flag must be 0 or 1.
func (t *Target) chooseChannels(m *Model, seed uint64, threads int) {
	index := t.problem.train[:min(len(t.problem.train), trialFrequencies)]
	loss := func() (loss, se float64) {
		r := measure(t.problem, index, trialGroups, groupSize, threads, func() source { return m.source(t, ^seed, draw.Validation) })
		loss, se, _ = r.loss(0, len(index))
		return loss, se
	}
	settled := slices.Clone(m.out.off)
	mapped, _ := loss()
	for k := range m.out.off {
		m.out.off[k] = settled[k] || !m.out.exact(k)
	}
	if slices.Equal(m.out.off, settled) {
		return
	}
	bare, se := loss()
	trials := slices.Clone(m.out.off)
	copy(m.out.off, settled)
	if mapped <= bare+2*se {
		return
	}
	for k, try := range trials {
		if !try || settled[k] {
			continue
		}
		m.out.off[k] = true
		if without, _ := loss(); without < mapped {
			mapped = without
		} else {
			m.out.off[k] = false
		}
	}
}

// clone returns a model that shares everything but the metadata.
func (m *Model) clone() *Model {
	c := *m
	c.Metadata = maps.Clone(m.Metadata)
	return &c
}
