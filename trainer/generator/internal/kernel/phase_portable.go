package kernel

import "math"

const (
	// steps is the size of the table of one turn.
	steps = 4096
	// magic rounds a float32 of magnitude below 2^22 to the nearest integer,
	// and leaves that integer in the low bits of the sum.
	magic = 3 << 22
)

// circle holds the cosine and sine of each step of a turn.
var circle = func() (t [steps][2]float32) {
	for i := range t {
		s, c := math.Sincos(2 * math.Pi * float64(i) / steps)
		t[i] = [2]float32{float32(c), float32(s)}
	}
	return t
}()

// phasor returns cos(2 pi t) and sin(2 pi t). A phase is rounded to a step of the
// table and turned by the rest in first order:
//
//	cos(a + e) = cos a - e sin a,   sin(a + e) = sin a + e cos a,   |e| <= pi/4096
func phasor(t float32) (cos, sin float32) {
	t -= (t + magic) - magic
	t *= steps
	k := t + magic
	e := (t - (k - magic)) * float32(2*math.Pi/steps)
	p := &circle[math.Float32bits(k)&(steps-1)]
	return p[0] - e*p[1], p[1] + e*p[0]
}

func sums(room *Room, cos, sin, omega, y []float32, n, d int) {
	turns := room[:Tile*n]
	clear(turns)
	addTN(turns, omega, y, Tile, n, d)
	for j := range Tile {
		var a, b float32
		for _, t := range turns[j*n : j*n+n] {
			x, y := phasor(t)
			a += x
			b += y
		}
		cos[j], sin[j] = a, b
	}
}

func pull(room *Room, dy, y, tiles, omega, re, im []float32, n, d int) {
	turns := room[:Tile*n]
	for lo := 0; lo < len(re); lo += Tile {
		clear(turns)
		addTN(turns, tiles[lo*d:], y, Tile, n, d)
		for j := range Tile {
			a, b := re[lo+j], im[lo+j]
			row := turns[j*n : j*n+n]
			for i, t := range row {
				cos, sin := phasor(t)
				row[i] = a*sin - b*cos
			}
		}
		addTN(dy, omega[lo*d:], turns, d, n, Tile)
	}
}
