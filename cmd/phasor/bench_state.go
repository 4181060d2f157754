package main

import (
	"context"
	"errors"
	"os"
	"time"

	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/stream"
	"phasor/trainer/generator"
)

// fitProbes measure a step with the defaults, and one with all frequencies at once.
func (b *bench) fitProbes() []*benchProbe {
	return []*benchProbe{
		fitProbe("fit/default", generator.Config{}),
		fitProbe("fit/batch=1024/subset=1024/hidden=128", generator.Config{Batch: 1024, Subset: 1024, Hidden: 128}),
	}
}

func fitProbe(name string, c generator.Config) *benchProbe {
	c.Seed, c.Steps, c.Full = 1, 1<<24, true
	p := &benchProbe{name: name, measures: []benchMeasure{{"", msStep}}}
	var steps timed
	p.prepare = func() error {
		a, err := benchSketch()
		if err != nil {
			return err
		}
		target, err := generator.NewTarget(a)
		if err != nil {
			return err
		}
		f, err := generator.NewFitter(target, c, nil)
		if err != nil {
			return err
		}
		steps.do = func() (float64, error) { return 1, f.Step(1) }
		return nil
	}
	p.run = func(ctx context.Context, least time.Duration) ([]float64, error) {
		err := takeTurns(ctx, cpuClock, least, &steps)
		return []float64{1e3 * steps.cost()}, err
	}
	return p
}

// benchSketch is a sketch of some thousand records.
func benchSketch() (*sketch.Accumulator, error) {
	m, err := feature.NewMap(benchSpec(benchDim, benchFeatures))
	if err != nil {
		return nil, err
	}
	a := sketch.New(m)
	a.Fold(benchQuantised(20*benchRecords, benchDim))
	return a, nil
}

func (b *bench) stateProbes() []*benchProbe {
	return []*benchProbe{
		sketchProbe("merge", usMerge, func(a, o *sketch.Accumulator) error { return a.Merge(o) }),
		sketchProbe("encode", usEncoding, func(a, _ *sketch.Accumulator) error {
			_, err := a.Encode()
			return err
		}),
		b.saveProbe(),
	}
}

// sketchProbe measures what is done with one or two sketches.
func sketchProbe(name, unit string, do func(a, o *sketch.Accumulator) error) *benchProbe {
	p := &benchProbe{name: name, measures: []benchMeasure{{"", unit}}}
	var doing timed
	p.prepare = func() error {
		a, err := benchSketch()
		if err != nil {
			return err
		}
		o := a.Clone()
		doing.do = func() (float64, error) {
			const some = 64 // One alone is too short to be timed.
			for range some {
				if err := do(a, o); err != nil {
					return 0, err
				}
			}
			return some, nil
		}
		return nil
	}
	p.run = func(ctx context.Context, least time.Duration) ([]float64, error) {
		err := takeTurns(ctx, cpuClock, least, &doing)
		return []float64{1e6 * doing.cost()}, err
	}
	return p
}

// saveProbe measures how long a sketcher takes to make a partition's state durable.
func (b *bench) saveProbe() *benchProbe {
	p := &benchProbe{name: "save", measures: []benchMeasure{{"", msSave}}, wall: true}
	var saving timed
	var epoch *snapshot.Epoch
	var state *snapshot.State
	p.prepare = func() error {
		dir, err := os.MkdirTemp(b.dir, "phasor-bench-")
		if err != nil {
			return err
		}
		b.onClose(func() error { return os.RemoveAll(dir) })
		folder, err := snapshot.OpenBucket(b.e.ctx, dir)
		if err != nil {
			return err
		}
		b.onClose(folder.Close)
		if epoch, err = snapshot.Open(folder, "bench").CreateSpec(b.e.ctx, benchSpec(benchDim, benchFeatures)); err != nil {
			return err
		}
		if state, err = benchState(); err != nil {
			return err
		}
		saving.do = func() (float64, error) {
			state.Next++
			return 1, epoch.SaveState(b.e.ctx, state)
		}
		return nil
	}
	p.run = func(ctx context.Context, least time.Duration) ([]float64, error) {
		err := takeTurns(ctx, wallClock, least, &saving)
		_, pruning := epoch.PruneStates(b.e.ctx, state.PartitionID, 1)
		return []float64{1e3 * saving.cost()}, errors.Join(err, pruning)
	}
	return p
}

// benchState is the state of a partition with three open panes.
func benchState() (*snapshot.State, error) {
	config, err := benchFold()
	if err != nil {
		return nil, err
	}
	f, err := sketcher.NewFold(config, stream.PartitionID{Topic: benchJSON, TopicID: "-"}, 0)
	if err != nil {
		return nil, err
	}
	var batch stream.Batch
	for i, v := range benchFormats()[0].values(3000) {
		batch.Records = append(batch.Records, stream.Record{Offset: int64(i), Time: benchTime + 60*int64(i), Value: v})
	}
	batch.Next = int64(len(batch.Records))
	f.Batch(batch)
	return f.Cut().State, nil
}
