package feature

import "sort"

const (
	// cell is the width of a cell of the grid of histogram edges.
	cell      = 1 << cellShift
	cellShift = 10

	// reach is where the grid ends: 8 standard units from zero.
	reach = 8 * Unit

	cells = 2 * reach / cell
)

// binning finds the histogram bin of a quantised value: from a table within
// reach, and by search beyond and in the few cells that an edge parts.
type binning struct {
	table *[cells]uint8
	edges []int32
}

func newBinning(edges []int32) binning {
	b := binning{table: new([cells]uint8), edges: edges}
	for i := range b.table {
		first := int32(i*cell - reach)
		b.table[i] = b.search(first)
		if b.search(first+cell-1) != b.table[i] {
			b.table[i] = parted
		}
	}
	return b
}

// parted stands in the table for cells with an edge within.
const parted = 1 << 7

// search returns the last bin whose lower edge is at most q, or the first bin.
func (b *binning) search(q int32) uint8 {
	after := sort.Search(Bins, func(i int) bool { return b.edges[i] > q })
	return uint8(max(after-1, 0))
}

// bin returns the bin of q.
func (b *binning) bin(q int32) uint8 {
	if i := uint32(q+reach) >> cellShift; i < cells && b.table[i] < parted {
		return b.table[i]
	}
	return b.search(q)
}
