package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// The shape that the other figures have, and records of the data that kernels fold again and again.
const (
	benchDim      = 10
	benchFeatures = 1024
	benchRecords  = 1020
)

// limitOps is how many multiply-adds a record and a frequency of d channels take at the least: d for the phase, 8 for
// the two polynomials, and 5 products.
func limitOps(d int) float64 { return float64(d) + 13 }

// slotOps is how many vector instructions they take: also one shift, three conversions and two sums.
func slotOps(d int) float64 { return limitOps(d) + 6 }

const limitText = `The limit is the rate of fused multiply-adds (fma, measured right after each kernel) over m (d + 13): the records a
second of a core that did, for each record and frequency, d multiply-adds of the phase, 8 of the two polynomials and
the 5 products r, u, P, PP and PQ, in the widest registers and nothing else. The slots are the same rate over m (d + 19):
the shift of the phase, its conversion, the two roundings and the two sums are counted too, since processors whose only
512-bit units are those of the multiply-adds give each of them a slot of one. Loads and stores are in neither.`

func (b *bench) kernelProbes() []*benchProbe {
	var all []*benchProbe
	limited := feature.MultiplyAdds(1) > 0
	if limited {
		all = append(all, b.fmaProbe())
	}
	for _, d := range []int{2, 10, 38, 64} {
		for _, m := range []int{128, 1024, 4096} {
			all = append(all, b.kernelProbe(fmt.Sprintf("kernel/d=%d/m=%d", d, m), "", d, m, limited))
		}
	}
	for _, name := range feature.Kernels() {
		all = append(all, b.kernelProbe(fmt.Sprintf("kernel/%s/d=%d/m=%d", name, benchDim, benchFeatures), name, benchDim, benchFeatures, limited))
	}
	for _, d := range []int{2, 10, 38, 64} {
		all = append(all, b.foldProbe(d, benchFeatures))
	}
	return all
}

// multiplyAdds is about a millisecond of fused multiply-adds.
func multiplyAdds() *timed {
	return &timed{do: func() (float64, error) { return float64(feature.MultiplyAdds(1 << 26)), nil }}
}

func (b *bench) fmaProbe() *benchProbe {
	p := multiplyAdds()
	return &benchProbe{
		name: "fma", measures: []benchMeasure{{"", fmaSecond}},
		prepare: func() error { return nil },
		run: func(ctx context.Context, least time.Duration) ([]float64, error) {
			err := takeTurns(ctx, cpuClock, least, p)
			return []float64{p.rate()}, err
		},
	}
}

// kernelProbe measures the phasors alone, and right after them the limit. They do not take turns from one millisecond to
// the next: some processors lower their clock under multiply-adds only, and a kernel would pay for it.
func (b *bench) kernelProbe(name, kernel string, d, m int, limited bool) *benchProbe {
	p := &benchProbe{name: name, measures: []benchMeasure{{"", perSecond}, {"time", nsRecord}}}
	if limited {
		p.measures = append(p.measures, benchMeasure{"limit", ofLimit}, benchMeasure{"slots", ofSlots})
	}
	var phasors timed
	adds := multiplyAdds()
	p.prepare = func() (err error) {
		var compiled *feature.Map
		if kernel == "" {
			compiled, err = feature.NewMap(benchSpec(d, m))
		} else {
			compiled, err = feature.NewMapWith(benchSpec(d, m), kernel)
		}
		if err != nil {
			return err
		}
		passes, q := benchPasses(d, m), benchQuantised(benchRecords, d)
		sums := benchSums(d, m)
		phasors.do = func() (float64, error) {
			for range passes {
				compiled.FoldPhasors(sums, q)
			}
			return float64(passes * benchRecords), nil
		}
		return nil
	}
	p.run = func(ctx context.Context, least time.Duration) ([]float64, error) {
		err := takeTurns(ctx, cpuClock, least, &phasors)
		v := []float64{phasors.rate(), 1e9 * phasors.cost()}
		if err == nil && limited {
			err = takeTurns(ctx, cpuClock, least/4, adds)
			share := phasors.rate() / adds.rate() * float64(m)
			v = append(v, share*limitOps(d), share*slotOps(d))
		}
		return v, err
	}
	return p
}

// foldProbe measures a whole fold in turns with its phasors alone: the difference is the cost of the rest.
func (b *bench) foldProbe(d, m int) *benchProbe {
	p := &benchProbe{
		name:     fmt.Sprintf("fold/d=%d/m=%d", d, m),
		measures: []benchMeasure{{"", perSecond}, {"time", nsRecord}, {"moments", overKernel}},
	}
	var whole, phasors timed
	p.prepare = func() error {
		compiled, err := feature.NewMap(benchSpec(d, m))
		if err != nil {
			return err
		}
		passes, q := benchPasses(d, m), benchQuantised(benchRecords, d)
		a, sums := sketch.New(compiled), benchSums(d, m)
		whole.do = func() (float64, error) {
			for range passes {
				a.Fold(q)
			}
			return float64(passes * benchRecords), nil
		}
		phasors.do = func() (float64, error) {
			for range passes {
				compiled.FoldPhasors(sums, q)
			}
			return float64(passes * benchRecords), nil
		}
		return nil
	}
	p.run = func(ctx context.Context, least time.Duration) ([]float64, error) {
		err := takeTurns(ctx, cpuClock, least, &whole, &phasors)
		return []float64{whole.rate(), 1e9 * whole.cost(), whole.cost()/phasors.cost() - 1}, err
	}
	return p
}

// benchPasses is how often the records are folded at a time, to last for about a millisecond.
func benchPasses(d, m int) int {
	const ops = 1 << 26
	return max(1, int(ops/(benchRecords*float64(m)*limitOps(d))))
}

// The benchmarks' records are normal with this mean and standard deviation.
const (
	benchMean  = 20
	benchScale = 5
)

// benchSpec returns a feature map of normal frequencies, with a histogram over four standard units to each side.
func benchSpec(d, m int) *feature.Spec {
	rng := rand.New(rand.NewPCG(1, uint64(d)))
	s := &feature.Spec{Features: m, Omega: make([]int32, m*d), Law: feature.LawGaussian, Seed: 1}
	for i := range s.Omega {
		s.Omega[i] = int32(math.Round(rng.NormFloat64() * feature.Unit / 6))
	}
	const width = 8 * feature.Unit / feature.Bins
	for k := range d {
		s.Channels = append(s.Channels, feature.Channel{Name: fmt.Sprintf("c%d", k)})
		s.Offset, s.Scale = append(s.Offset, benchMean), append(s.Scale, 1./benchScale)
		for bin := range int32(feature.Bins) {
			edge := (bin - feature.Bins/2) * width
			s.Edges, s.Values = append(s.Edges, edge), append(s.Values, edge+width/2)
		}
		s.Edges = append(s.Edges, feature.Bins/2*width)
	}
	return s
}

// benchQuantised returns n normal records of d channels.
func benchQuantised(n, d int) []int32 {
	rng := rand.New(rand.NewPCG(2, uint64(d)))
	q := make([]int32, n*d)
	for i := range q {
		q[i] = int32(rng.NormFloat64() * feature.Unit)
	}
	return q
}

func benchSums(d, m int) *feature.Sums {
	return &feature.Sums{
		A: make([]int64, m), B: make([]int64, m), Moment1: make([]int64, d), Moment2: make([]int64, feature.Pairs(d)),
		Min: make([]int32, d), Max: make([]int32, d), Histogram: make([]int64, d*feature.Bins), Clamped: make([]int64, d),
	}
}
