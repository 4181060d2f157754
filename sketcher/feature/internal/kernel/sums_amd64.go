//go:build amd64 && !noasm

package kernel

import "sync"

// vector is one of the functions that add one block.
type vector int

const (
	vnni512 vector = iota
	madd512
	madd256
)

// splits keeps the memory of split records, which would be cleared at every call if
// it was on the stack.
var splits = sync.Pool{New: func() any { return new([2 * splitSize]int32) }}

// blocks splits some records at a time and adds them to every block. The functions
// are called by their names, so that the compiler knows that they keep nothing.
func (v vector) blocks(a, b []int64, p *Packed, q []int32, d int) {
	kept := splits.Get().(*[2 * splitSize]int32)
	defer splits.Put(kept)
	p.swap(a)
	p.swap(b)
	planes, size, stride := kept[:], planeSize(d), pairs(d)
	if 2*size > len(planes) {
		planes = make([]int32, 2*size)
	}
	most := size / stride
	if most > AtOnce {
		most -= most % AtOnce
	}
	for len(q) >= d {
		n := min(len(q)/d, most)
		v.split(planes[:size], planes[size:], q[:n*d], d)
		row := 0
		for i, block := range p.blocks {
			a, b := (*[Lanes]int64)(a[i*Lanes:]), (*[Lanes]int64)(b[i*Lanes:])
			switch omega, words := &p.omega[row], &p.words[row]; v {
			case vnni512:
				sums512vnni(a, b, omega, words, block.shift, block.all, &planes[0], n, stride)
			case madd512:
				sums512(a, b, omega, words, block.shift, block.all, &planes[0], n, stride)
			case madd256:
				sums256(a, b, omega, words, block.shift, block.all, &planes[0], n, stride)
			}
			row += block.all
		}
		q = q[n*d:]
	}
	p.swap(a)
	p.swap(b)
}

// split is splitRecords, but for the half of a word without a channel, which meets
// only zeros.
func (v vector) split(highs, lows, q []int32, d int) {
	switch {
	case v == madd256:
		splitRecords(highs, lows, q, d)
	case d%2 == 0:
		halves512(&highs[0], &lows[0], &q[0], len(q))
	default:
		for i := range len(q) / d {
			halves512(&highs[i*pairs(d)], &lows[i*pairs(d)], &q[i*d], d)
		}
	}
}
