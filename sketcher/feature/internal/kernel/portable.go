package kernel

import "math"

// The fused multiply-adds of binary32 are computed in binary64, where a product
// of two binary32 numbers is exact, so that it does not matter whether the compiler
// fuses the product and the sum.
//
// The intermediate values of both polynomials, except the last one of each,
// stay in one binade [2^e, 2^(e+1)) for every u in [0, 1/4]. Adding a number
// 1.5 2^(52-23+e), whose last bit weighs 2^(e-23), therefore rounds to binary32:
// with the coefficient added to that number beforehand, which is exact, the sum
//
//	(u P + (S + magic)) - magic
//
// rounds the exact u P + S once, to nearest even, as a fused multiply-add does.
//
// The last step of each polynomial crosses binades. It is rounded to binary64
// and then to binary32, which differs from a fused multiply-add only if the
// first rounding is inexact and hits the middle of two binary32 numbers. That
// happens for none of the values of r; the tests walk through all of them.
const (
	magic10 = 3 << (51 - 23 + 10) // results in [2^10, 2^11)
	magic11 = 3 << (51 - 23 + 11)
	magic12 = 3 << (51 - 23 + 12)
	magic13 = 3 << (51 - 23 + 13)

	// Adding integral rounds to an integer, which is then in the low bits.
	integral = 3 << 51
)

// PortableBlocks is Blocks in plain Go, for frequencies as they are.
func PortableBlocks(a, b []int64, p *Packed, q []int32, d int) {
	for omega := p.omega; len(a) >= Lanes; a, b, omega = a[Lanes:], b[Lanes:], omega[d:] {
		Portable((*[Lanes]int64)(a), (*[Lanes]int64)(b), omega[:d], q)
	}
}

// Portable adds one block of frequencies.
func Portable(a, b *[Lanes]int64, omega [][Lanes]int32, q []int32) {
	d := len(omega)
	var phases, sa, sb [Lanes]int32
	for ; len(q) >= d; q = q[d:] {
		rotate(&phases, omega, q[:d])
		evaluate(&sa, &sb, &phases)
	}
	for j := range a {
		a[j] += int64(sa[j])
		b[j] += int64(sb[j])
	}
}

// rotate computes the phases of one record.
func rotate(phases *[Lanes]int32, omega [][Lanes]int32, q []int32) {
	omega = omega[:len(q)]
	for l := 0; l < Lanes; l += 4 {
		var p0, p1, p2, p3 int32
		for k, x := range q {
			w := (*[4]int32)(omega[k][l:])
			p0 += x * w[0]
			p1 += x * w[1]
			p2 += x * w[2]
			p3 += x * w[3]
		}
		*(*[4]int32)(phases[l:]) = [4]int32{p0, p1, p2, p3}
	}
}

// evaluate adds a and b of every phase.
func evaluate(a, b, phases *[Lanes]int32) {
	for j, p := range phases {
		r := float32(p) * turn
		u := float64(float32(r * r))

		s := (u*float64(s4) + (float64(s3) + magic10)) - magic10
		c := (u*float64(c4) + (float64(c3) + magic11)) - magic11
		s = (u*s + (float64(s2) + magic12)) - magic12
		c = (u*c + (float64(c2) + magic13)) - magic13
		s = (u*s + (float64(s1) + magic13)) - magic13
		c = (u*c + (float64(c1) + magic13)) - magic13

		sine := float32(float32(u*s+float64(s0)) * r)
		cosine := float32(u*c + float64(c0))

		a[j] += int32(math.Float64bits(float64(float32(sine*sine)) + integral))
		b[j] += int32(math.Float64bits(float64(float32(sine*cosine)) + integral))
	}
}
