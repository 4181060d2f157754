package generator

import "phasor/trainer/generator/internal/kernel"

// phases holds the sums of the phasors of one block of records under a selection.
// The phasors themselves are computed again for the gradient: that takes less time
// than to write millions of them to memory and read them back.
type phases struct {
	set            *kernel.Set
	room           *kernel.Room
	sumCos, sumSin []float32 // by frequency, up to whole tiles
}

// newPhases has room for a number of frequencies.
func newPhases(room int) *phases {
	return &phases{
		set: kernel.Select(), room: new(kernel.Room),
		sumCos: make([]float32, whole(room)), sumSin: make([]float32, whole(room)),
	}
}

// forward sums the phasors of the records y, dim by width.
func (p *phases) forward(s *selection, y []float32, width int) {
	m := whole(len(s.z))
	p.set.Sums(p.room, p.sumCos[:m], p.sumSin[:m], s.across, y, width, s.dim)
}

// backward writes the gradient of the loss at the records y to dy, both dim by
// width, given the residuals of the frequencies, re + i im, already times
// 4 pi/(B m), and any numbers up to whole tiles, where the frequencies are zero:
//
//	dL/dy = sum_j (re_j sin_j - im_j cos_j) omega_j
func (p *phases) backward(dy, y []float32, s *selection, re, im []float32, width int) {
	m := whole(len(s.z))
	p.set.Pull(p.room, dy, y, s.across, s.omega, re[:m], im[:m], width, s.dim)
}
