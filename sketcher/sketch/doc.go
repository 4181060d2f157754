// Package sketch is the mergeable accumulator of a sketch.
//
// The sketch of N records x_i with m frequencies omega_j is their mean phasors
//
//	z_j = (1/N) sum_i exp(2 pi i omega_j.x_i),   j < m
//
// An [Accumulator] holds the integers that they follow from, and beside them
// the moments, the range and a histogram of every channel:
//
//	count      N
//	A, B       sums of 2^22 (1 - cos) and 2^22 sin: z_j = 1 - A_j/(N 2^22) + i B_j/(N 2^22)
//	moment1    sums of v_k, where v counts 2^-10 standard units
//	moment2    sums of v_k v_l, k <= l, by rows; of v_k^2 only for more than 128 channels
//	min, max   of the quantised values q, which count 2^-16 standard units
//	histogram  records in each of 128 bins a channel
//	clamped    values that were cut at ±128 standard units, a channel
//
// All of them are sums or extremes of integers. An accumulator is therefore a
// pure function of the map and the multiset of records: neither batching, order,
// the division among accumulators that are merged later, nor the processor
// changes a bit of it, and merging is exact, commutative and associative.
//
// # Format
//
// An accumulator NAME in a safetensors file, with d channels and m frequencies:
//
//	NAME/count      I64 [1]
//	NAME/A, NAME/B  I64 [m,2]
//	NAME/moment1    I64 [d,2]
//	NAME/moment2    I64 [d(d+1)/2,2], for d > 128 I64 [d,2]
//	NAME/min, max   I32 [d]
//	NAME/histogram  I64 [d,128]
//	NAME/clamped    I64 [d]
//
// A pair [lo, hi] of I64 is the 128-bit integer hi 2^64 + uint64(lo). Of no
// records, min is 2147483647 and max is -2147483648.
//
// A file of format phasor.sketch/1 holds one accumulator named total, and the
// metadata format, map (the map's fingerprint), channels (their names as a JSON
// array) and sha256, and nothing else: equal sketches are equal files.
//
// A file is refused if no multiset of records could have given its numbers as far
// as their bounds tell: a row of the histogram that does not add up to the count,
// a sum beyond what count records can reach, a mean outside of the range.
package sketch
