//go:build amd64 && !noasm

package kernel

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

// splitSize is the number of words of split records that are kept at a time, and
// splitDim the largest number of channels that are split.
const (
	splitSize = 6400
	splitDim  = 512
)

func packAVX512VNNI(omega [][Lanes]int32, d int) [][Lanes]int32 {
	if d > splitDim {
		return omega
	}
	return splitFrequencies(omega, d)
}

func blocksAVX512VNNI(a, b []int64, packed [][Lanes]int32, q []int32, d int) {
	if d > splitDim {
		for ; len(a) >= Lanes; a, b, packed = a[Lanes:], b[Lanes:], packed[d:] {
			sumsAVX512((*[Lanes]int64)(a), (*[Lanes]int64)(b), packed[:d], q)
		}
		return
	}
	var split [splitSize]int32
	words := splitWords(d)
	for len(q) >= d {
		n := min(len(q)/d, splitSize/words)
		splitRecords(split[:], q[:n*d], d)
		for i, row := 0, 0; i+Lanes <= len(a); i, row = i+Lanes, row+words {
			split512((*[Lanes]int64)(a[i:]), (*[Lanes]int64)(b[i:]), &packed[row], &split[0], n, d, words-d)
		}
		q = q[n*d:]
	}
}
