//go:build amd64 && !noasm

package kernel

// depth is the number of rows of a packed panel: how far a product sums before
// it passes over C again.
const depth = Width

// few is the number of rows of C below which packing B takes longer than it saves.
const few = 32

func addTN512(c, a, b []float32, m, n, k int) { addLeft512(c, a, b, m, n, k, 1, m) }

func addNN512(c, a, b []float32, m, n, k int) { addLeft512(c, a, b, m, n, k, k, 1) }

// addLeft512 adds the product of the A whose element i, l is a[i*row+l*step].
func addLeft512(c, a, b []float32, m, n, k, row, step int) {
	if m < few {
		for j := 0; j < n; j += Tile {
			panel512(c[j:], a, b[j:], m, k, n, row, step, n, n-j)
		}
		return
	}
	var p Room // a panel of B that lies together
	for j := 0; j < n; j += Tile {
		width := min(Tile, n-j)
		for l := 0; l < k; l += depth {
			steps := min(depth, k-l)
			for i := range steps {
				copy(p[i*Tile:i*Tile+width], b[(l+i)*n+j:])
			}
			panel512(c[j:], a[l*step:], p[:], m, steps, n, row, step, Tile, width)
		}
	}
}

func addNT512(c, a, b []float32, m, n, k int) {
	var p Room // a panel of B that lies together
	for j := 0; j < n; j += Tile {
		for l := 0; l < k; l += depth {
			steps := min(depth, k-l)
			for r := 0; r < min(Tile, n-j); r += 16 {
				pack512(&p[r], &b[(j+r)*k+l], k, min(16, n-j-r), steps)
			}
			panel512(c[j:], a[l:], p[:], m, steps, n, k, 1, Tile, n-j)
		}
	}
}

// panel512 adds to up to 32 columns of C.
func panel512(c, a, b []float32, m, k, widthC, rowA, stepA, widthB, columns int) {
	mask := uint32(1<<min(columns, Tile) - 1)
	if columns <= 16 {
		panel1x512(&c[0], &a[0], &b[0], m, k, widthC, rowA, stepA, widthB, mask)
	} else {
		panel2x512(&c[0], &a[0], &b[0], m, k, widthC, rowA, stepA, widthB, mask)
	}
}

func addTN256(c, a, b []float32, m, n, k int) { addLeft256(c, a, b, m, n, k, 1, m) }

func addNN256(c, a, b []float32, m, n, k int) { addLeft256(c, a, b, m, n, k, k, 1) }

// half is the number of columns of a panel with AVX2.
const half = Tile / 2

// addLeft256 is addLeft512 for panels of 16 columns. The last one is packed if it
// is narrower, since what is loaded of B is not masked.
func addLeft256(c, a, b []float32, m, n, k, row, step int) {
	var p Room // a panel of B that lies together
	for j := 0; j < n; j += half {
		width := min(half, n-j)
		if m < few && width == half {
			panel256(c[j:], a, b[j:], m, k, n, row, step, n, width)
			continue
		}
		for l := 0; l < k; l += depth {
			steps := min(depth, k-l)
			for i := range steps {
				copy(p[i*Tile:i*Tile+width], b[(l+i)*n+j:])
			}
			panel256(c[j:], a[l*step:], p[:], m, steps, n, row, step, Tile, width)
		}
	}
}

func addNT256(c, a, b []float32, m, n, k int) {
	var p Room // a panel of B that lies together
	for j := 0; j < n; j += half {
		for l := 0; l < k; l += depth {
			steps := min(depth, k-l)
			for r := 0; r < min(half, n-j); r += 8 {
				pack256(&p[r], &b[(j+r)*k+l], k, min(8, n-j-r), steps)
			}
			panel256(c[j:], a[l:], p[:], m, steps, n, k, 1, Tile, n-j)
		}
	}
}

// edge holds the column masks of panels of 16 columns: the one of n begins half-n
// words in.
var edge = func() (v [2 * half]int32) {
	for i := range half {
		v[i] = -1
	}
	return v
}()

// panel256 adds to up to 16 columns of C.
func panel256(c, a, b []float32, m, k, widthC, rowA, stepA, widthB, columns int) {
	mask := &edge[half-min(columns, half)]
	if columns <= 8 {
		panel1x256(&c[0], &a[0], &b[0], m, k, widthC, rowA, stepA, widthB, mask)
	} else {
		panel2x256(&c[0], &a[0], &b[0], m, k, widthC, rowA, stepA, widthB, mask)
	}
}
