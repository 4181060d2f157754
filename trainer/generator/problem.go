package generator

import (
	"phasor/trainer/generator/internal/draw"
	"phasor/trainer/generator/internal/kernel"
)

// problem is what a fit needs of a sketch, in standard units: the frequencies,
// the sketch, and which frequencies are kept out of the fit.
type problem struct {
	dim     int
	count   float64      // records behind the sketch
	omega   []float32    // frequencies in turns, one row each
	z       []complex128 // the sketch
	train   []int        // frequencies that are fitted
	heldOut []int        // frequencies that only judge
}

// newProblem splits the frequencies: every tenth of a random order is held
// out, at least one, as long as there are two. The seed is that of the
// frequencies, so that all models of one feature map are judged by frequencies
// that none of them was fitted to.
func newProblem(dim int, count float64, omega []float32, z []complex128, seed uint64) *problem {
	p := &problem{dim: dim, count: count, omega: omega, z: z}
	order := make([]int, len(z))
	for j := range order {
		order[j] = j
	}
	src := draw.New()
	src.Seek(seed, draw.HeldOut, 0)
	src.Shuffle(order)
	n := min(max(1, len(z)/10), len(z)-1)
	p.heldOut, p.train = order[:n:n], order[n:]
	return p
}

// selection is a subset of the frequencies, laid out for the kernels and followed
// by zeros up to whole tiles.
type selection struct {
	dim    int
	omega  []float32 // one row a frequency
	across []float32 // by tiles: within one, a row a channel
	z      []complex128
}

func newSelection(dim, room int) *selection {
	return &selection{
		dim: dim, omega: make([]float32, whole(room)*dim),
		across: make([]float32, whole(room)*dim), z: make([]complex128, 0, room),
	}
}

// whole rounds a number of frequencies up to whole tiles.
func whole(m int) int { return (m + kernel.Tile - 1) / kernel.Tile * kernel.Tile }

// choose fills the selection with frequencies of a problem, at most as many as it
// has room for.
func (s *selection) choose(p *problem, index []int) {
	d := p.dim
	s.z = s.z[:0]
	s.omega, s.across = s.omega[:whole(len(index))*d], s.across[:whole(len(index))*d]
	clear(s.omega[len(index)*d:])
	for i, j := range index {
		copy(s.omega[i*d:i*d+d], p.omega[j*d:j*d+d])
		s.z = append(s.z, p.z[j])
	}
	const tile = kernel.Tile
	for lo := 0; lo < len(s.omega); lo += tile * d {
		for i := range tile {
			for k := range d {
				s.across[lo+k*tile+i] = s.omega[lo+i*d+k]
			}
		}
	}
}

// choice returns the selection of a problem's frequencies.
func choice(p *problem, index []int) *selection {
	s := newSelection(p.dim, len(index))
	s.choose(p, index)
	return s
}
