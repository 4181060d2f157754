//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

// available lists the kernels that run here, the fastest first.
func available() []Set {
	var sets []Set
	x := &cpu.X86
	if x.HasAVX512F && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX2 && x.HasFMA {
		sets = append(sets, Set{Name: "avx512", Sums: sumsAVX512, Moments: momentsAVX512})
	}
	if x.HasAVX2 && x.HasFMA {
		sets = append(sets, Set{Name: "avx2", Sums: sumsAVX2, Moments: PortableMoments})
	}
	return append(sets, portable)
}

func sumsAVX512(a, b *[Lanes]int64, omega [][Lanes]int32, q []int32) {
	if d := len(omega); len(q) >= d && d > 0 {
		sums512(a, b, &omega[0], &q[0], len(q)/d, d)
	}
}

func sumsAVX2(a, b *[Lanes]int64, omega [][Lanes]int32, q []int32) {
	if d := len(omega); len(q) >= d && d > 0 {
		sums256(a, b, &omega[0], &q[0], len(q)/d, d)
	}
}

// panelSize is the number of values in the panels of a group of records.
const panelSize = 1024

func momentsAVX512(first, second []int64, lo, hi, q []int32) {
	d := len(lo)
	if d > Wide {
		squares(first, second, lo, hi, q)
		return
	}
	var panels [panelSize]float64
	groups := (d + 7) / 8
	most := panelSize / 8 / groups
	for n := min(len(q)/d, most); n > 0; n = min(len(q)/d, most) {
		for g := range groups {
			k := 8 * g
			mask := uint8(1<<min(d-k, 8) - 1)
			spread512(&panels[k*n], &first[k], &lo[k], &hi[k], &q[k], n, d, mask)
		}
		var tile [64]int64
		for g := range groups {
			for h := g; h < groups; h++ {
				gram512(&tile, &panels[8*g*n], &panels[8*h*n], n)
				addTile(second, &tile, 8*g, 8*h, d)
			}
		}
		q = q[n*d:]
	}
}

// addTile adds the products of channels from k and l on to the upper triangle.
func addTile(second []int64, tile *[64]int64, k, l, d int) {
	for i := range min(8, d-k) {
		row := k + i
		from := max(row, l)
		sums := second[row*d-row*(row-1)/2+from-row:]
		for j, x := range tile[8*i+from-l : 8*i+min(8, d-l)] {
			sums[j] += x
		}
	}
}
