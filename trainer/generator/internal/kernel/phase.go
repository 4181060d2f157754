package kernel

// Sums sums the phasors of n records, at most Width, under tiles of frequencies:
//
//	cos[j] = sum over i < n of cos 2 pi omega_j.y_i,  sin[j] likewise
//
// where y is d by n, and tiles holds the frequencies in turns by tiles, within
// one a row a channel. len(cos) and len(sin) are the number of frequencies, a
// multiple of Tile. It panics with ErrShape if a length differs.
//
// An element is off by less than 8e-7 beside what the rounding of a phase makes.
// A phase that is infinite or not a number gives NaN.
func (s *Set) Sums(room *Room, cos, sin, tiles, y []float32, n, d int) {
	m := len(cos)
	if n < 1 || n > Width || d < 1 || m%Tile != 0 || len(sin) != m || len(tiles) != m*d || len(y) < n*d {
		panic(ErrShape)
	}
	for j := 0; j < m; j += Tile {
		s.sums(room, cos[j:j+Tile], sin[j:j+Tile], tiles[j*d:(j+Tile)*d], y, n, d)
	}
}

// Pull writes the gradient of the loss at n records, at most Width, to dy, both
// d by n:
//
//	dy_i = sum over j of (re_j sin 2 pi omega_j.y_i - im_j cos 2 pi omega_j.y_i) omega_j
//
// for the frequencies tiles as for Sums, and once more in omega, a row a
// frequency. It panics with ErrShape if a length differs.
func (s *Set) Pull(room *Room, dy, y, tiles, omega, re, im []float32, n, d int) {
	m := len(re)
	if n < 1 || n > Width || d < 1 || m%Tile != 0 || len(im) != m || len(tiles) != m*d || len(omega) != m*d || len(y) < n*d || len(dy) < n*d {
		panic(ErrShape)
	}
	clear(dy[:n*d])
	s.pull(room, dy, y, tiles, omega, re, im, n, d)
}
