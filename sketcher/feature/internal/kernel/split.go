package kernel

import "slices"

// Processors multiply and add two pairs of integers of 16 bits in one or two
// instructions, where a product of 32 bits takes three. With numbers split in signed
// halves, x = 2^16 high(x) + low(x),
//
//	q w = low(q) low(w) + 2^16 (high(q) low(w) + low(q) high(w))   mod 2^32
//
// A word holds the same half of two channels that follow one another. Records have
// the words of their high halves in one plane and those of their low halves in
// another. Every block of frequencies has a list of words, whose dot products with
// rows of its own come
//
//	before the shift by 16 bits   high(q) low(w) of every pair of channels, and
//	                              low(q) high(w) of those where a high(w) is not zero
//	after it                      low(q) low(w) of every pair
//
// High halves are rare: they are the frequencies from half a turn a standard unit on.
// One of them costs its block a row, so that those that have any are gathered in the
// last blocks.

// Packed is frequencies in the form that a kernel takes.
type Packed struct {
	omega  [][Lanes]int32
	words  []int32  // of a record, for each row of omega
	blocks []listed // of Lanes frequencies
	swaps  [][2]int // of frequencies that stand in each other's place
}

// listed is the length of a block's list of words, all, and of its part before the
// shift.
type listed struct{ shift, all int }

// pack returns the frequencies of d channels, as they are in whole blocks.
func pack(omega [][Lanes]int32, d int) *Packed {
	p := &Packed{}
	omega = slices.Clone(omega)
	p.gather(omega, d)
	pairs := pairs(d)
	lowPlane := planeSize(d)
	for ; len(omega) > 0; omega = omega[d:] {
		highs, lows := halves(omega[:d])
		n := 0
		for i, row := range highs {
			p.add(i, lows[i])
			n++
			if row != ([Lanes]int32{}) {
				p.add(lowPlane+i, row)
				n++
			}
		}
		for i, row := range lows {
			p.add(lowPlane+i, row)
		}
		p.blocks = append(p.blocks, listed{n, n + pairs})
	}
	return p
}

// gather swaps frequencies until those with a high half are the last ones.
func (p *Packed) gather(omega [][Lanes]int32, d int) {
	at := func(j, k int) *int32 { return &omega[j/Lanes*d+k][j%Lanes] }
	rare := make([]bool, len(omega)/d*Lanes)
	for j := range rare {
		for k := range d {
			rare[j] = rare[j] || high(*at(j, k)) != 0
		}
	}
	for i, j := 0, len(rare)-1; ; i, j = i+1, j-1 {
		for i < j && !rare[i] {
			i++
		}
		for i < j && rare[j] {
			j--
		}
		if i >= j {
			return
		}
		p.swaps = append(p.swaps, [2]int{i, j})
		for k := range d {
			x, y := at(i, k), at(j, k)
			*x, *y = *y, *x
		}
	}
}

// swap puts sums in the places of their frequencies, and back again.
func (p *Packed) swap(sums []int64) {
	for _, s := range p.swaps {
		sums[s[0]], sums[s[1]] = sums[s[1]], sums[s[0]]
	}
}

func (p *Packed) add(word int, row [Lanes]int32) {
	p.words, p.omega = append(p.words, int32(word)), append(p.omega, row)
}

// halves returns the words of the frequencies of one block.
func halves(omega [][Lanes]int32) (highs, lows [][Lanes]int32) {
	pairs := pairs(len(omega))
	highs, lows = make([][Lanes]int32, pairs), make([][Lanes]int32, pairs)
	for k, row := range omega {
		for j, w := range row {
			highs[k/2][j] |= int32(high(w) << (16 * (k % 2)))
			lows[k/2][j] |= int32(low(w) << (16 * (k % 2)))
		}
	}
	return highs, lows
}

// splitSize is the number of words in a plane of split records, unless one record
// has more.
const splitSize = 4096

// pairs returns the number of words of each plane that d channels take.
func pairs(d int) int { return (d + 1) / 2 }

func planeSize(d int) int { return max(splitSize, pairs(d)) }

// splitRecords writes both planes of whole records of d channels.
func splitRecords(highs, lows, q []int32, d int) {
	pairs := pairs(d)
	for ; len(q) >= d; q, highs, lows = q[d:], highs[pairs:], lows[pairs:] {
		for i := range d / 2 {
			x, y := q[2*i], q[2*i+1]
			highs[i] = int32(high(x) | high(y)<<16)
			lows[i] = int32(low(x) | low(y)<<16)
		}
		if d%2 != 0 {
			highs[pairs-1], lows[pairs-1] = int32(high(q[d-1])), int32(low(q[d-1]))
		}
	}
}

func high(x int32) uint32 { return uint32(x+1<<15) >> 16 }

func low(x int32) uint32 { return uint32(x) & 0xffff }
