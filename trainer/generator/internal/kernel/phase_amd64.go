//go:build amd64 && !noasm

package kernel

func sumsAVX512(_ *Room, cos, sin, omega, y []float32, n, d int) {
	sums512(&cos[0], &sin[0], &omega[0], &y[0], n, n, d)
}

func sumsAVX2(_ *Room, cos, sin, omega, y []float32, n, d int) {
	sums256(&cos[0], &sin[0], &omega[0], &y[0], n, n, d)
}

// pullAVX512 takes 32 records through up to depth frequencies at a time: their
// weights stay in the first level of cache until the product has them.
func pullAVX512(w *Room, dy, y, tiles, omega, re, im []float32, n, d int) {
	for i := 0; i < n; i += Tile {
		mask := uint32(1<<min(n-i, Tile) - 1)
		for lo := 0; lo < len(re); lo += depth {
			rows := min(depth, len(re)-lo)
			for j := 0; j < rows; j += Tile {
				pull512(&w[j*Tile], &tiles[(lo+j)*d], &y[i], &re[lo+j], &im[lo+j], n, d, mask)
			}
			across512(dy[i:], omega[lo*d:], w[:], d, rows, n, d, Tile, n-i)
		}
	}
}

// pullAVX2 is pullAVX512 for 16 records at a time.
func pullAVX2(w *Room, dy, y, tiles, omega, re, im []float32, n, d int) {
	for i := 0; i < n; i += half {
		mask := &masks[half-min(n-i, half)]
		for lo := 0; lo < len(re); lo += depth {
			rows := min(depth, len(re)-lo)
			for j := 0; j < rows; j += Tile {
				pull256(&w[j*Tile], &tiles[(lo+j)*d], &y[i], &re[lo+j], &im[lo+j], n, d, mask)
			}
			across256(dy[i:], omega[lo*d:], w[:], d, rows, n, d, Tile, n-i)
		}
	}
}
