//go:build amd64 && !noasm

package kernel

// panelSize is the number of values in the panels of a group of records.
const panelSize = 1024

// momentsAVX512 reduces some records to panels of eight channels each, in binary64,
// and multiplies every pair of panels. All sums are below 2^53 and so exact.
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
