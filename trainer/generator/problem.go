package generator

import (
	"phasor/trainer/generator/internal/draw"
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

// tile is the number of frequencies whose phases are computed together.
const tile = 64

// selection is a subset of the frequencies, laid out for the products.
type selection struct {
	dim    int
	omega  []float32 // one row a frequency
	across []float32 // by tiles: within one, a row a channel
	z      []complex128
}

func newSelection(dim, room int) *selection {
	return &selection{
		dim: dim, omega: make([]float32, 0, room*dim),
		across: make([]float32, room*dim), z: make([]complex128, 0, room),
	}
}

// choose fills the selection with frequencies of a problem.
func (s *selection) choose(p *problem, index []int) {
	d := p.dim
	s.omega, s.z = s.omega[:0], s.z[:0]
	for _, j := range index {
		s.omega = append(s.omega, p.omega[j*d:j*d+d]...)
		s.z = append(s.z, p.z[j])
	}
	if cap(s.across) < len(s.omega) {
		s.across = make([]float32, len(s.omega))
	}
	s.across = s.across[:len(s.omega)]
	for lo := 0; lo < len(index); lo += tile {
		n := min(tile, len(index)-lo)
		for i := range n {
			for k := range d {
				s.across[lo*d+k*n+i] = s.omega[(lo+i)*d+k]
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
