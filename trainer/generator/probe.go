package generator

import (
	"math"

	"phasor/trainer/generator/internal/draw"
)

// probe compares generated records with a sketch at some frequencies. The
// records come in groups of independent latents, which give the part of the
// standard error that stems from them.
type probe struct {
	chosen *selection
	groups int
	size   int            // records of a group
	sums   [][]complex128 // by group
}

// source generates block number n of some records into y, dim by block.
type source func(n uint64, y []float32)

// measure runs a probe of groups times size records through the frequencies;
// size is a multiple of block. make is called once a goroutine-safe unit of
// work and returns a source with buffers of its own.
func measure(p *problem, index []int, groups, size, threads int, sourceOf func() source) *probe {
	r := &probe{chosen: choice(p, index), groups: groups, size: size, sums: make([][]complex128, groups)}
	m := len(index)
	each(threads, groups, func(g int) {
		generate := sourceOf()
		y := make([]float32, p.dim*block)
		ph := newPhases(m)
		sums := make([]complex128, m)
		for b := range size / block {
			generate(uint64(g*(size/block)+b), y)
			ph.forward(r.chosen, y, block)
			for j := range sums {
				sums[j] += complex(float64(ph.sumCos[j]), float64(ph.sumSin[j]))
			}
		}
		r.sums[g] = sums
	})
	return r
}

// loss returns the mean unbiased loss over frequencies lo to hi of the probe,
// its standard error and the biased loss. The error adds the variance over
// frequencies, as if they were independent, to the variance that the latents
// share between them, by the jackknife over groups.
func (r *probe) loss(lo, hi int) (loss, se, plain float64) {
	m := float64(hi - lo)
	n := float64(r.groups * r.size)
	total := make([]complex128, hi-lo)
	for _, s := range r.sums {
		for j := range total {
			total[j] += s[lo+j]
		}
	}
	var square float64
	for j, s := range total {
		l := unbiased(r.chosen.z[lo+j], s, n)
		loss += l
		square += l * l
		plain += biased(r.chosen.z[lo+j], s, n)
	}
	loss, plain = loss/m, plain/m
	variance := 0.0
	if m > 1 {
		variance = max(0, square/m-loss*loss) / (m - 1)
	}
	if r.groups > 1 {
		var first, second float64
		for _, g := range r.sums {
			var l float64
			for j, s := range total {
				l += unbiased(r.chosen.z[lo+j], s-g[lo+j], n-float64(r.size))
			}
			l /= m
			first += l
			second += l * l
		}
		k := float64(r.groups)
		variance += (k - 1) / k * max(0, second-first*first/k)
	}
	return loss, math.Sqrt(variance), plain
}

// raw returns a source of the network without the output map.
func (w *weights) raw(seed uint64, p draw.Purpose) source {
	src, t := draw.New(), newTape(w.shape, block)
	return func(n uint64, y []float32) {
		src.Seek(seed, p, n)
		src.Normals(t.u)
		t.y = y
		w.forward(t)
	}
}
