package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// chains is the number of vectors that are multiplied and added at a time: more than
// a processor's latency times its multipliers, so that only the latter count.
const chains = 12

// fma does nothing but fused multiply-adds, in registers.
func fma(name string, vectors []reg.VecPhysical, bytes int) {
	TEXT(name, NOSPLIT, "func(x *float32, rounds int)")
	Pragma("noescape")
	doc(fmt.Sprintf(`%s does two fused multiply-adds a round with each of %d numbers:

	for range rounds {
		for i := range %d {
			x[i] = x[i]*0.5 + 0.5
			x[i] = x[i]*0.5 + 0.5
		}
	}`, name, chains*bytes/4, chains*bytes/4))
	x, rounds := reg.RDI, reg.RCX
	Load(Param("x"), x)
	Load(Param("rounds"), rounds)
	c := newConstants(name + "_constants")
	half := vectors[chains]
	VBROADCASTSS(c.float(0.5, 1), half)
	for i, v := range vectors[:chains] {
		VMOVUPS(Mem{Base: x, Disp: i * bytes}, v)
	}
	TESTQ(rounds, rounds)
	JLE(LabelRef("done"))
	align()
	Label("round")
	for range 2 {
		for _, v := range vectors[:chains] {
			VFMADD213PS(half, half, v)
		}
	}
	DECQ(rounds)
	JNE(LabelRef("round"))
	Label("done")
	for i, v := range vectors[:chains] {
		VMOVUPS(v, Mem{Base: x, Disp: i * bytes})
	}
	VZEROUPPER()
	RET()
}
