//go:build amd64 && !noasm

package kernel

// depth is the number of rows of a packed panel: how far a product sums before
// it passes over C again.
const depth = Width

func addTN512(c, a, b []float32, m, n, k int) {
	whole := n / Tile * Tile
	for j := 0; j < whole; j += Tile {
		across512(c[j:], a, b[j:], m, k, n, m, n, Tile)
	}
	if whole == n {
		return
	}
	var p Room
	for l := 0; l < k; l += depth {
		steps := edge(&p, b, n, whole, l, k)
		across512(c[whole:], a[l*m:], p[:], m, steps, n, m, Tile, n-whole)
	}
}

func addNN512(c, a, b []float32, m, n, k int) {
	whole := n / Tile * Tile
	for j := 0; j < whole; j += Tile {
		along512(c[j:], a, b[j:], m, k, n, k, n, Tile)
	}
	if whole == n {
		return
	}
	var p Room
	for l := 0; l < k; l += depth {
		steps := edge(&p, b, n, whole, l, k)
		along512(c[whole:], a[l:], p[:], m, steps, n, k, Tile, n-whole)
	}
}

// edge copies the columns of B from j on, for as many rows from l on as fit: what
// is loaded of B is not masked, since that would take time in every step.
func edge(p *Room, b []float32, n, j, l, k int) (steps int) {
	steps = min(depth, k-l)
	for i := range steps {
		copy(p[i*Tile:(i+1)*Tile], b[(l+i)*n+j:(l+i+1)*n])
	}
	return steps
}

func addNT512(c, a, b []float32, m, n, k int) {
	var p Room // a panel of B'
	for j := 0; j < n; j += Tile {
		for l := 0; l < k; l += depth {
			steps := min(depth, k-l)
			for r := 0; r < min(Tile, n-j); r += 16 {
				pack512(&p[r], &b[(j+r)*k+l], k, min(16, n-j-r), steps)
			}
			along512(c[j:], a[l:], p[:], m, steps, n, k, Tile, n-j)
		}
	}
}

// across512 adds to up to 32 columns of C, with A transposed.
func across512(c, a, b []float32, m, k, widthC, widthA, widthB, columns int) {
	mask := uint32(1<<min(columns, Tile) - 1)
	if columns <= 16 {
		panelT1x512(&c[0], &a[0], &b[0], m, k, widthC, widthA, widthB, mask)
	} else {
		panelT2x512(&c[0], &a[0], &b[0], m, k, widthC, widthA, widthB, mask)
	}
}

// along512 adds to up to 32 columns of C.
func along512(c, a, b []float32, m, k, widthC, widthA, widthB, columns int) {
	mask := uint32(1<<min(columns, Tile) - 1)
	if columns <= 16 {
		panelN1x512(&c[0], &a[0], &b[0], m, k, widthC, widthA, widthB, mask)
	} else {
		panelN2x512(&c[0], &a[0], &b[0], m, k, widthC, widthA, widthB, mask)
	}
}

// half is the number of columns of a panel with AVX2.
const half = Tile / 2

func addTN256(c, a, b []float32, m, n, k int) {
	whole := n / half * half
	for j := 0; j < whole; j += half {
		across256(c[j:], a, b[j:], m, k, n, m, n, half)
	}
	if whole == n {
		return
	}
	var p Room
	for l := 0; l < k; l += depth {
		steps := edge(&p, b, n, whole, l, k)
		across256(c[whole:], a[l*m:], p[:], m, steps, n, m, Tile, n-whole)
	}
}

func addNN256(c, a, b []float32, m, n, k int) {
	whole := n / half * half
	for j := 0; j < whole; j += half {
		along256(c[j:], a, b[j:], m, k, n, k, n, half)
	}
	if whole == n {
		return
	}
	var p Room
	for l := 0; l < k; l += depth {
		steps := edge(&p, b, n, whole, l, k)
		along256(c[whole:], a[l:], p[:], m, steps, n, k, Tile, n-whole)
	}
}

func addNT256(c, a, b []float32, m, n, k int) {
	var p Room // a panel of B'
	for j := 0; j < n; j += half {
		for l := 0; l < k; l += depth {
			steps := min(depth, k-l)
			for r := 0; r < min(half, n-j); r += 8 {
				pack256(&p[r], &b[(j+r)*k+l], k, min(8, n-j-r), steps)
			}
			along256(c[j:], a[l:], p[:], m, steps, n, k, Tile, n-j)
		}
	}
}

// masks holds the column masks of panels of 16 columns: the one of n begins half-n
// words in.
var masks = func() (v [2 * half]int32) {
	for i := range half {
		v[i] = -1
	}
	return v
}()

// across256 adds to up to 16 columns of C, with A transposed.
func across256(c, a, b []float32, m, k, widthC, widthA, widthB, columns int) {
	mask := &masks[half-min(columns, half)]
	if columns <= 8 {
		panelT1x256(&c[0], &a[0], &b[0], m, k, widthC, widthA, widthB, mask)
	} else {
		panelT2x256(&c[0], &a[0], &b[0], m, k, widthC, widthA, widthB, mask)
	}
}

// along256 adds to up to 16 columns of C.
func along256(c, a, b []float32, m, k, widthC, widthA, widthB, columns int) {
	mask := &masks[half-min(columns, half)]
	if columns <= 8 {
		panelN1x256(&c[0], &a[0], &b[0], m, k, widthC, widthA, widthB, mask)
	} else {
		panelN2x256(&c[0], &a[0], &b[0], m, k, widthC, widthA, widthB, mask)
	}
}
