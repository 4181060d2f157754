package kernel

// Processors with VNNI multiply and add two pairs of 16-bit integers in one
// instruction, where a product of 32 bits takes three. With every number split in
// signed halves, x = 2^16 high(x) + low(x),
//
//	q w = low(q) low(w) + 2^16 (high(q) low(w) + low(q) high(w))   mod 2^32
//
// The bracket is the dot product of the crossed words of q and w, that of q being
// (high, low) and that of w (low, high). The first term is joined for two channels
// in one dot product: (low, low) of both. So d channels take d crossed and d/2
// joined words, rounded up.

// splitWords returns the words of d channels.
func splitWords(d int) int { return d + (d+1)/2 }

// splitRecords writes the words of whole records.
func splitRecords(dst, q []int32, d int) {
	for ; len(q) >= d; q = q[d:] {
		row := q[:d]
		crossed, joined := dst[:d], dst[d:splitWords(d)]
		for k, x := range row {
			crossed[k] = int32(uint32(x)<<16 | uint32(x+1<<15)>>16)
		}
		for i := range joined {
			w := uint32(row[2*i]) & 0xffff
			if 2*i+1 < d {
				w |= uint32(row[2*i+1]) << 16
			}
			joined[i] = int32(w)
		}
		dst = dst[splitWords(d):]
	}
}

// splitFrequencies returns the words of frequencies in blocks.
func splitFrequencies(omega [][Lanes]int32, d int) [][Lanes]int32 {
	words := splitWords(d)
	out := make([][Lanes]int32, 0, len(omega)/d*words)
	for ; len(omega) > 0; omega = omega[d:] {
		block := make([][Lanes]int32, words)
		for k, row := range omega[:d] {
			for j, w := range row {
				low, high := uint32(w)&0xffff, uint32(w+1<<15)>>16
				block[k][j] = int32(low | high<<16)
				block[d+k/2][j] |= int32(low << (16 * (k % 2)))
			}
		}
		out = append(out, block...)
	}
	return out
}
