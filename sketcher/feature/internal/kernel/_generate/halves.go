package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// halves512 splits numbers sixteen at a time; a mask keeps to the last ones.
func halves512() {
	TEXT("halves512", NOSPLIT, "func(high, low, q *int32, n int)")
	Pragma("noescape")
	doc(`halves512 writes the halves of 16 bits of n numbers, two to a word:

	for i := range n {
		high.([]int16)[i] = int16((q[i] + 1<<15) >> 16)
		low.([]int16)[i] = int16(q[i])
	}

If n is odd, the last half of the words is left as it is.`)
	high, low, q, n := reg.RDI, reg.RDX, reg.RSI, reg.RCX
	Load(Param("high"), high)
	Load(Param("low"), low)
	Load(Param("q"), q)
	Load(Param("n"), n)
	c := newConstants("halves512_constants")
	half, x, y := zmm[0], zmm[1], zmm[2]
	VPBROADCASTD(c.word(1<<15, 1), half)
	Label("sixteen")
	CMPQ(n, Imm(16))
	JL(LabelRef("tail"))
	VMOVDQU32(Mem{Base: q}, x)
	VPADDD(half, x, y)
	VPSRLD(Imm(16), y, y)
	VPMOVDW(x, Mem{Base: low})
	VPMOVDW(y, Mem{Base: high})
	ADDQ(Imm(64), q)
	ADDQ(Imm(32), low)
	ADDQ(Imm(32), high)
	SUBQ(Imm(16), n)
	JMP(LabelRef("sixteen"))
	Label("tail")
	TESTQ(n, n)
	JE(LabelRef("done"))
	mask := reg.RAX
	MOVQ(U64(1), mask)
	SHLQ(reg.CL, mask)
	DECQ(mask)
	KMOVW(mask.As32(), reg.K1)
	VMOVDQU32_Z(Mem{Base: q}, reg.K1, x)
	VPADDD(half, x, y)
	VPSRLD(Imm(16), y, y)
	VPMOVDW(x, reg.K1, Mem{Base: low})
	VPMOVDW(y, reg.K1, Mem{Base: high})
	Label("done")
	VZEROUPPER()
	RET()
}
