package feature

import (
	"cmp"
	"math"
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
// Each atom has its grid cell as a bin; a cell in which no value prevails is
// parted (see partCells). Of the edges that remain, eight lie
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
	fine, parted := partCells(values, isAtom, min(maxFine, Bins+1-outsideEdges-len(cells)))
	if room := Bins + 1 - outsideEdges - len(cells) - len(fine); room > 0 {
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
	room := Bins + 1 - len(cells) - len(fine)
	cells = sortedCells(append(cells, outside(lo, hi)[:max(0, min(room, outsideEdges))]...))

	for _, c := range cells {
		fine = append(fine, int32(c)*cell)
	}
	slices.Sort(fine)
	for b := range edges {
		edges[b] = fine[min(b, len(fine)-1)]
	}
	for b := range stored {
		stored[b] = edges[b] + (edges[b+1]-edges[b])/2
	}
	for _, a := range atoms {
		stored[binOf(&edges, a.q)] = a.q
	}
	for _, v := range parted {
		if b := binOf(&edges, v.q); v.count > 0 {
			stored[b] = v.q
		} else {
			stored[b] = edges[b] + (edges[b+1]-edges[b])/2
		}
	}
	return edges, stored
}

// A cell whose most frequent value makes up less than prevails of its records
// holds several values, a few quanta of some instrument apart. It is parted on a
// grid of fineCell, the heaviest part first, as long as a part has more than
// twice an atom's share and maxFine allows.
const (
	prevails = 2. / 3
	fineCell = cell / 16
	maxFine  = 48
)

// part is the values of a parted cell that share a bin.
type part struct {
	values valueCounts
	count  int
}

func newPart(values valueCounts) part {
	p := part{values: values}
	for _, v := range values {
		p.count += v.count
	}
	return p
}

// mode returns the most frequent value, with count 0 if it does not prevail.
func (p part) mode() valueCount {
	m := p.values[0]
	for _, v := range p.values {
		if v.count > m.count {
			m = v
		}
	}
	if float64(m.count) < prevails*float64(p.count) {
		m.count = 0
	}
	return m
}

// split parts p at the edge of the fine grid that is nearest to half its
// records; ok is false if all its values are in one cell of that grid.
func (p part) split() (edge int32, low, high part, ok bool) {
	below, best := 0, p.count
	at := 0
	for i, v := range p.values[:len(p.values)-1] {
		below += v.count
		next := p.values[i+1].q
		if floorTo(next, fineCell) == floorTo(v.q, fineCell) {
			continue
		}
		if off := max(2*below-p.count, p.count-2*below); off < best {
			best, at, edge = off, i+1, floorTo(next, fineCell)
		}
	}
	if at == 0 {
		return 0, p, p, false
	}
	return edge, newPart(p.values[:at]), newPart(p.values[at:]), true
}

func floorTo(q, step int32) int32 {
	r := q % step
	if r < 0 {
		r += step
	}
	return q - r
}

// partCells parts the atoms' cells in which no value prevails. It returns at
// most room inner edges in q units, and of each part its most frequent value,
// with count 0 where none prevails. Cells beyond the table of bins stay whole.
func partCells(values valueCounts, isAtom map[int]bool, room int) (edges []int32, modes valueCounts) {
	n := 0
	var parts []part
	for i := 0; i < len(values); {
		c, from := cellOf(values[i].q), i
		for ; i < len(values) && cellOf(values[i].q) == c; i++ {
			n += values[i].count
		}
		if q := values[from].q; isAtom[c] && q >= -reach && q < reach {
			if p := newPart(values[from:i]); p.mode().count == 0 {
				parts = append(parts, p)
			}
		}
	}
	whole := map[int]bool{}
	for len(edges) < room {
		heaviest := -1
		for i, p := range parts {
			if !whole[i] && float64(p.count) > 2*atomShare*float64(n) && (heaviest < 0 || p.count > parts[heaviest].count) {
				heaviest = i
			}
		}
		if heaviest < 0 {
			break
		}
		edge, low, high, ok := parts[heaviest].split()
		if !ok {
			whole[heaviest] = true
			continue
		}
		edges = append(edges, edge)
		parts[heaviest] = low
		parts = append(parts, high)
	}
	for _, p := range parts {
		modes = append(modes, p.mode())
	}
	return edges, modes
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

// exactValues returns the physical value of each bin of channel k whose stored
// value prevails in it, NaN for the others. Of several physical values that are
// quantised alike it is the most frequent, and of these the smallest.
func (p *pilotSet) exactValues(pilot []float64, k int, kind Kind, values valueCounts, edges *[Bins + 1]int32, stored *[Bins]int32) []float64 {
	least := atomRecords
	if kind != Continuous {
		least = 1
	}
	var all, same [Bins]int
	for _, v := range values {
		b := binOf(edges, v.q)
		all[b] += v.count
		if v.q == stored[b] {
			same[b] += v.count
		}
	}
	var found [Bins]map[float64]int
	for i := range p.n {
		q := p.q[i*p.d+k]
		if b := binOf(edges, q); q == stored[b] && same[b] >= least && float64(same[b]) >= prevails*float64(all[b]) {
			if found[b] == nil {
				found[b] = map[float64]int{}
			}
			found[b][pilot[i*p.d+k]]++
		}
	}
	exact := make([]float64, Bins)
	for b := range exact {
		exact[b] = math.NaN()
		most := 0
		for x, n := range found[b] {
			if n > most || n == most && x < exact[b] {
				exact[b], most = x, n
			}
		}
	}
	return exact
}
