package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// spread512 reduces eight channels.
func spread512() {
	TEXT("spread512", NOSPLIT, "func(panel *float64, first *int64, lo, hi, q *int32, n, d int, mask uint8)")
	Pragma("noescape")
	doc(`spread512 reduces up to eight channels of n records of d channels, and adds their
sums and ranges; mask has a bit for every channel:

	for i := range n {
		for k := range 8 {
			var x int32
			if mask>>k&1 != 0 {
				x = q[i*d+k]
				lo[k], hi[k] = min(lo[k], x), max(hi[k], x)
			}
			v := Reduce(x)
			panel[i*8+k] = float64(v)
			first[k] += int64(v)
		}
	}`)
	panel, first, lo, hi, q, n, stride := reg.RDI, reg.RDX, reg.R8, reg.R9, reg.RSI, reg.RCX, reg.RAX
	Load(Param("panel"), panel)
	Load(Param("first"), first)
	Load(Param("lo"), lo)
	Load(Param("hi"), hi)
	Load(Param("q"), q)
	Load(Param("n"), n)
	Load(Param("d"), stride)
	SHLQ(Imm(2), stride)
	mask := reg.R10
	Load(Param("mask"), mask.As32())
	KMOVB(mask.As32(), reg.K1)
	c := newConstants("spread512_constants")
	half, top, bottom := ymm[16], ymm[17], ymm[18]
	VPBROADCASTD(c.word(32, 1), half)
	VPBROADCASTD(c.word(math.MaxInt16, 1), top)
	VPBROADCASTD(c.word(0x1_0000_0000-math.MaxInt16, 1), bottom)
	low, high, sum := ymm[0], ymm[1], zmm[2]
	VMOVDQU32_Z(Mem{Base: lo}, reg.K1, low)
	VMOVDQU32_Z(Mem{Base: hi}, reg.K1, high)
	VPXORQ(sum, sum, sum)
	x, v, f := ymm[3], ymm[4], zmm[5]
	align()
	Label("record")
	VMOVDQU32_Z(Mem{Base: q}, reg.K1, x)
	VPMINSD(x, low, low)
	VPMAXSD(x, high, high)
	VPADDD(half, x, v)
	VPSRAD(Imm(6), v, v)
	VPMINSD(top, v, v)
	VPMAXSD(bottom, v, v)
	VCVTDQ2PD(v, f)
	VADDPD(f, sum, sum)
	VMOVUPD(f, Mem{Base: panel})
	ADDQ(Imm(64), panel)
	ADDQ(stride, q)
	DECQ(n)
	JNE(LabelRef("record"))
	VMOVDQU32(low, reg.K1, Mem{Base: lo})
	VMOVDQU32(high, reg.K1, Mem{Base: hi})
	VCVTPD2QQ(sum, sum)
	VMOVDQU64_Z(Mem{Base: first}, reg.K1, f)
	VPADDQ(f, sum, sum)
	VMOVDQU64(sum, reg.K1, Mem{Base: first})
	VZEROUPPER()
	RET()
}

// gram512 multiplies two panels.
func gram512() {
	TEXT("gram512", NOSPLIT, "func(tile *[64]int64, left, right *float64, n int)")
	Pragma("noescape")
	doc(`gram512 sets a tile of products of two panels of n records; all sums are whole
numbers below 2^53, so that binary64 holds them exactly:

	for k := range 8 {
		for l := range 8 {
			tile[k*8+l] = sum over i < n of left[i*8+k]*right[i*8+l]
		}
	}`)
	tile, left, right, n := reg.RDI, reg.RSI, reg.RDX, reg.RCX
	Load(Param("tile"), tile)
	Load(Param("left"), left)
	Load(Param("right"), right)
	Load(Param("n"), n)
	for k := range 8 {
		VPXORQ(zmm[k], zmm[k], zmm[k])
	}
	align()
	Label("record")
	VMOVUPD(Mem{Base: right}, zmm[8])
	for k := range 8 {
		VFMADD231PD_BCST(Mem{Base: left, Disp: 8 * k}, zmm[8], zmm[k])
	}
	ADDQ(Imm(64), left)
	ADDQ(Imm(64), right)
	DECQ(n)
	JNE(LabelRef("record"))
	for k := range 8 {
		VCVTPD2QQ(zmm[k], zmm[k])
		VMOVDQU64(zmm[k], Mem{Base: tile, Disp: 64 * k})
	}
	VZEROUPPER()
	RET()
}
