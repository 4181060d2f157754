// Package kernel quantises records and adds their random Fourier features.
//
// A record is d quantised channels q_k, a frequency is d integers omega_jk, and
// the phase
//
//	p = sum_k q_k omega_jk mod 2^32
//
// counts 2^-32 turns. Its sine and cosine come from two polynomials in IEEE
// binary32, rounded to nearest even, in which every multiply-add is fused:
//
//	r = float32(p) 2^-32,  u = r r
//	P = (S0 + u(S1 + u(S2 + u(S3 + u S4)))) r
//	Q =  C0 + u(C1 + u(C2 + u(C3 + u C4)))
//	a = int32(rne(P P)) = 2^22 (1 - cos 2 pi r) + error
//	b = int32(rne(P Q)) = 2^22 sin 2 pi r + error
//
// with P P and P Q rounded to binary32 before they are rounded to an integer.
// The results are integers, so sums of them do not depend on their order, and
// every kernel gives the same ones: AVX-512 with and without VNNI, AVX2 and
// portable Go.
//
// # Layout
//
// Frequencies come in blocks of [Lanes]: omega[j/32*d+k][j%32], which every kernel
// packs in its own way (see split.go). Records are row-major. One call adds up to
// [MaxRecords] records, which keeps sums of a within int32, since a is at most
// 8,388,609 and |b| at most 4,194,304 for every phase.
//
// # Choice of the kernel
//
// The fastest kernel that the processor supports is used. The environment
// variable PHASOR_KERNEL = avx512vnni, avx512, avx2 or portable forces one; forcing
// one that is unknown or unavailable is an error of [Select]. Builds for another
// architecture than amd64, or with the tag noasm, have the portable one only.
package kernel
