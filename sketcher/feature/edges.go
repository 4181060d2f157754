package feature

import (
	"cmp"
	"slices"
	"sort"
)

// The histogram's edges are multiples of one cell of the grid, 1/64 standard
// unit. The outermost ones are outerCell cells out, where the cells of the largest
// quantised values end.
const outerCell = Limit/cell + 1

// A value is an atom if it makes up atomShare of the pilot and atomRecords
// records; a channel has at most maxAtoms of them.
const (
	atomShare   = 0.002
	atomRecords = 10
	maxAtoms    = 64
)

// outsideEdges is the number of edges beyond the pilot's range, half of them on
// each side. The nearest one is an eighth of the range away, at least
// nearestOutside cells, and each distance is twice the one before.
const (
	outsideEdges   = 8
	nearestOutside = 16
)

// cellOf returns the grid cell that holds q.
func cellOf(q int32) int { return int(q) >> cellShift }

// findAtoms returns the atoms among the values of n records in increasing
// order, at most one a grid cell: the most frequent, and of equally frequent
// ones the smallest.
func findAtoms(values valueCounts, n int) valueCounts {
	var atoms valueCounts
	for _, v := range values {
		if v.count >= atomRecords && float64(v.count) >= atomShare*float64(n) {
			atoms = append(atoms, v)
		}
	}
	slices.SortStableFunc(atoms, func(a, b valueCount) int { return cmp.Compare(b.count, a.count) })
	taken := map[int]bool{}
	kept := atoms[:0]
	for _, a := range atoms {
		if c := cellOf(a.q); !taken[c] && len(kept) < maxAtoms {
			taken[c] = true
			kept = append(kept, a)
		}
	}
	slices.SortFunc(kept, func(a, b valueCount) int { return cmp.Compare(a.q, b.q) })
	return kept
}

// histogram returns the edges of a channel's bins and the value that stands for
// each bin, from the channel's value counts and its atoms.
//
// Each atom has its grid cell as a bin. Of the edges that remain, eight lie
// outside the pilot's range; half of the others part the records that are not
// in an atom's cell into equal numbers, half part their range into equal
// widths. Edges that coincide are kept once, and the last one is repeated. The
// value of a bin is its atom, or else its middle.
func histogram(values, atoms valueCounts) (edges [Bins + 1]int32, stored [Bins]int32) {
	cells := make([]int, 0, 2*Bins)
	isAtom := map[int]bool{}
	for _, a := range atoms {
		c := cellOf(a.q)
		isAtom[c] = true
		cells = append(cells, c, c+1)
	}
	cells = sortedCells(cells)
	if room := Bins + 1 - outsideEdges - len(cells); room > 0 {
		var rest valueCounts
		for _, v := range values {
			if !isAtom[cellOf(v.q)] {
				rest = append(rest, v)
			}
		}
		cells = append(cells, equalMass(rest, room/2)...)
		cells = append(cells, equalWidth(rest, room-room/2)...)
	}
	cells = sortedCells(cells)
	lo, hi := cellOf(values[0].q), cellOf(values[len(values)-1].q)+1
	room := Bins + 1 - len(cells)
	cells = sortedCells(append(cells, outside(lo, hi)[:min(room, outsideEdges)]...))

	for b := range edges {
		edges[b] = int32(cells[min(b, len(cells)-1)]) * cell
	}
	for b := range stored {
		stored[b] = edges[b] + (edges[b+1]-edges[b])/2
	}
	for _, a := range atoms {
		stored[binOf(&edges, a.q)] = a.q
	}
	return edges, stored
}

// binOf returns the bin of q: the last one whose lower edge is not above q, or
// the first.
func binOf(edges *[Bins + 1]int32, q int32) int {
	return sort.Search(Bins-1, func(b int) bool { return edges[b+1] > q })
}

// sortedCells sorts cell numbers and drops duplicates and those beyond the
// quantised range.
func sortedCells(cells []int) []int {
	slices.Sort(cells)
	cells = slices.Compact(cells)
	return slices.DeleteFunc(cells, func(c int) bool { return c < -outerCell || c > outerCell })
}

// equalMass returns the cells of count inner quantiles at equal distances.
func equalMass(rest valueCounts, count int) []int {
	total := 0
	for _, v := range rest {
		total += v.count
	}
	cells := make([]int, 0, count)
	i, below := 0, 0 // below: records of rest[:i]
	for e := 1; e <= count && total > 0; e++ {
		rank := e * total / (count + 1)
		for below+rest[i].count <= rank {
			below += rest[i].count
			i++
		}
		cells = append(cells, cellOf(rest[i].q))
	}
	return cells
}

// equalWidth returns count edges from the cell of the smallest value to the end
// of the cell of the largest.
func equalWidth(rest valueCounts, count int) []int {
	if len(rest) == 0 || count == 0 {
		return nil
	}
	lo, hi := cellOf(rest[0].q), cellOf(rest[len(rest)-1].q)+1
	if count == 1 {
		return []int{hi}
	}
	cells := make([]int, count)
	for e := range cells {
		cells[e] = lo + (2*e*(hi-lo)+count-1)/(2*(count-1))
	}
	return cells
}

// outside returns edges beyond the pilot's range [lo, hi), the nearest first,
// above and below in turn.
func outside(lo, hi int) []int {
	cells := make([]int, 0, outsideEdges)
	distance := max((hi-lo+7)/8, nearestOutside)
	for range outsideEdges / 2 {
		cells = append(cells, hi+distance, lo-distance)
		distance *= 2
	}
	return cells
}
