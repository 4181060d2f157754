package generator

import (
	"phasor/trainer/generator/internal/gemm"
	"phasor/trainer/generator/internal/wave"
)

// phases holds the phasors of one block of records under a selection, which
// the gradient reuses, and their sums over the block.
type phases struct {
	cos, sin       []float32 // frequencies by width
	sumCos, sumSin []float32
	turns          []float32 // tile by width
}

func newPhases(room, width int) *phases {
	return &phases{
		cos: make([]float32, room*width), sin: make([]float32, room*width),
		sumCos: make([]float32, room), sumSin: make([]float32, room),
		turns: make([]float32, tile*width),
	}
}

// forward computes the phasors of the records y, dim by width.
func (p *phases) forward(s *selection, y []float32, width int) {
	d, m := s.dim, len(s.z)
	for lo := 0; lo < m; lo += tile {
		n := min(tile, m-lo)
		turns := p.turns[:n*width]
		clear(turns)
		gemm.AddTN(turns, s.across[lo*d:(lo+n)*d], y, n, width, d)
		for i := range n {
			j := lo + i
			row := j * width
			p.sumCos[j], p.sumSin[j] = wave.Turns(p.cos[row:row+width], p.sin[row:row+width], turns[i*width:i*width+width])
		}
	}
}

// sums computes only the sums of the phasors of the records y.
func (p *phases) sums(s *selection, y []float32, width int) {
	d, m := s.dim, len(s.z)
	for lo := 0; lo < m; lo += tile {
		n := min(tile, m-lo)
		turns := p.turns[:n*width]
		clear(turns)
		gemm.AddTN(turns, s.across[lo*d:(lo+n)*d], y, n, width, d)
		for i := range n {
			p.sumCos[lo+i], p.sumSin[lo+i] = wave.Turns(p.cos[:width], p.sin[:width], turns[i*width:i*width+width])
		}
	}
}

// backward writes the gradient of the loss at the records to dy, dim by width,
// given the residuals of the frequencies, re + i im, already times 4 pi/(B m):
//
//	dL/dy = sum_j (re_j sin_j - im_j cos_j) omega_j
//
// It overwrites the sines.
func (p *phases) backward(dy []float32, s *selection, re, im []float32, width int) {
	clear(dy)
	d, m := s.dim, len(s.z)
	for j := range m {
		a, b := re[j], im[j]
		sin := p.sin[j*width : j*width+width]
		cos := p.cos[j*width : j*width+width]
		cos = cos[:len(sin)]
		for i, v := range sin {
			sin[i] = a*v - b*cos[i]
		}
	}
	gemm.AddTN(dy, s.omega, p.sin, d, width, m)
}
