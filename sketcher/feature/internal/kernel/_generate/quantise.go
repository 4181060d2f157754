package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quantise512 takes eight channels at a time; a mask keeps to the last ones.
func quantise512() {
	TEXT("quantise512", NOSPLIT, "func(q *int32, x, offset, scale *float64, n int) (rejected int)")
	Pragma("noescape")
	doc(`quantise512 writes n quantised channels, and returns 0 if all are finite:

	for k := range n {
		y := (x[k] - offset[k]) * scale[k] * Unit
		q[k] = int32(math.RoundToEven(min(max(y, -Limit), Limit)))
	}`)
	q, x, offset, scale, n := reg.RDI, reg.RSI, reg.RDX, reg.R8, reg.RCX
	Load(Param("q"), q)
	Load(Param("x"), x)
	Load(Param("offset"), offset)
	Load(Param("scale"), scale)
	Load(Param("n"), n)
	c := newConstants("quantise512_constants")
	double := func(high uint32) Mem {
		m := c.word(0, 1)
		c.word(high, 1)
		return m
	}
	unit := double(0x40f00000)
	top := c.word(0xc0000000, 1)
	c.word(0x415fffff, 1)
	bottom := c.word(0xc0000000, 1)
	c.word(0xc15fffff, 1)
	mask, bad, rejected := reg.R9, reg.R10, reg.RAX
	XORL(rejected.As32(), rejected.As32())
	Label("eight")
	MOVL(U32(0xff), mask.As32())
	CMPQ(n, Imm(8))
	JGE(LabelRef("masked"))
	TESTQ(n, n)
	JLE(LabelRef("done"))
	MOVL(U32(1), mask.As32())
	SHLL(reg.CL, mask.As32())
	DECL(mask.As32())
	Label("masked")
	KMOVB(mask.As32(), reg.K1)
	v := zmm[0]
	VMOVUPD_Z(Mem{Base: x}, reg.K1, v)
	const notFinite = 0x01 | 0x08 | 0x10 | 0x80 // quiet NaN, +Inf, -Inf, signalling NaN
	VFPCLASSPDZ(Imm(notFinite), v, reg.K2)
	KMOVB(reg.K2, bad.As32())
	ORL(bad.As32(), rejected.As32())
	VMOVUPD_Z(Mem{Base: offset}, reg.K1, zmm[1])
	VMOVUPD_Z(Mem{Base: scale}, reg.K1, zmm[2])
	VSUBPD(zmm[1], v, v)
	VMULPD(zmm[2], v, v)
	VMULPD_BCST(unit, v, v)
	VMINPD_BCST(top, v, v)
	VMAXPD_BCST(bottom, v, v)
	VCVTPD2DQ(v, ymm[0])
	VMOVDQU32(ymm[0], reg.K1, Mem{Base: q})
	for _, r := range []reg.GPPhysical{x, offset, scale} {
		ADDQ(Imm(64), r)
	}
	ADDQ(Imm(32), q)
	SUBQ(Imm(8), n)
	JMP(LabelRef("eight"))
	Label("done")
	Store(rejected.As64(), Return("rejected"))
	VZEROUPPER()
	RET()
}
