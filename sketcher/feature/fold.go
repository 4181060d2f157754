package feature

import "phasor/sketcher/feature/internal/kernel"

// Sums are the integers that a map adds records to. With d channels and m
// frequencies, the lengths are m, m, d, [Pairs](d), d, d, d*[Bins], d.
type Sums struct {
	// A and B are the sums of 2^22 (1 - cos) and 2^22 sin of the phases.
	A, B []int64

	// Moment1 and Moment2 are the sums of v_k and of v_k v_l, k <= l, by
	// rows, where v = clamp((q+32) >> 6, ±32767) counts 2^-10 standard
	// units. Beyond 128 channels Moment2 has the squares only.
	Moment1, Moment2 []int64

	Min, Max  []int32 // of q
	Histogram []int64 // records per channel and bin
	Clamped   []int64 // records per channel with |q| = Limit
}

// The largest magnitudes that one record adds to A, to B and to Moment1; the
// square of the last is the one of Moment2.
const (
	MaxA = kernel.MaxA
	MaxB = kernel.MaxB
	MaxV = kernel.MaxV
)

// GridV is the number of units of v in one standard unit.
const GridV = 1 << 10

// WideDim is the largest number of channels whose second moments are kept for all
// pairs.
const WideDim = kernel.Wide

// V returns the v of a quantised value.
func V(q int32) int64 { return int64(kernel.Reduce(q)) }

// Pairs returns the number of second moments of d channels: the upper triangle
// for d <= WideDim, the diagonal above.
func Pairs(d int) int { return kernel.Pairs(d) }

// Fold adds whole records, quantised and one after the other, to s. It does not
// allocate, and the result does not depend on how records are divided among
// calls or on their order. Every |q| is at most Limit. It panics if the length
// of q is not a multiple of d.
func (m *Map) Fold(s *Sums, q []int32) {
	d := m.Dim()
	if len(q)%d != 0 {
		panic("feature: Fold of a part of a record")
	}
	for size := d * even(len(q)/d, d); len(q) > 0; {
		part := q[:min(size, len(q))]
		m.foldBlock(s, part)
		q = q[len(part):]
	}
}

// records returns how many records of d channels make a block: as many as stay
// in the first-level cache beside the frequencies.
func records(d int) int {
	n := min(max(4096/d, kernel.AtOnce), kernel.MaxRecords)
	return n - n%kernel.AtOnce
}

// even returns how many records to take at a time, for n records in as few blocks as
// records allows: nearly the same, since a short block would still load all frequencies.
func even(n, d int) int {
	most := records(d)
	blocks := max((n+most-1)/most, 1)
	n = (n + blocks - 1) / blocks
	return (n + kernel.AtOnce - 1) / kernel.AtOnce * kernel.AtOnce
}

func (m *Map) foldBlock(s *Sums, q []int32) {
	m.kernel.Blocks(s.A, s.B, m.omega, q, m.Dim())
	m.kernel.Moments(s.Moment1, s.Moment2, s.Min, s.Max, q)
	m.count(s, q)
}

// count adds the histogram and the clamped values, one channel after the other.
func (m *Map) count(s *Sums, q []int32) {
	for k := range m.bins {
		b := &m.bins[k]
		table, row := b.table, (*[Bins]int64)(s.Histogram[k*Bins:])
		for i := k; i < len(q); i += len(m.bins) {
			x := q[i]
			if c := uint32(x+reach) >> cellShift; c < cells {
				bin := table[c]
				if bin >= parted {
					bin = b.search(x)
				}
				row[bin%Bins]++
				continue
			}
			row[b.search(x)]++
			if x == Limit || x == -Limit {
				s.Clamped[k]++
			}
		}
	}
}
