package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The general registers of the sums.
var (
	regA, regB = reg.RDX, reg.RBX
	regOmega   = reg.RDI
	regN       = reg.RCX
	stride     = reg.R9                                                                 // bytes of a record
	column     = reg.RAX                                                                // row of frequencies
	word       = reg.R15                                                                // of a record
	rows       = []reg.GPPhysical{reg.RSI, reg.R10, reg.R11, reg.R12, reg.RDX, reg.RBX} // of records; the last two are a and b else
	list       = reg.R13                                                                // of the words
	at         = reg.R14                                                                // in the list
	shift      = reg.R8                                                                 // where the phase is shifted
)

const sumsDoc = `adds a and b of n records and one block of frequencies, split in halves
of 16 bits (see split.go). With dot(x, y) the sum of the products of the signed
halves of x and y:

	for i := range n {
		for j := range Lanes {
			var p int32
			for k, w := range words[:all] {
				if k == shift {
					p <<= 16
				}
				p += dot(q[i*stride+w], omega[k][j])
			}
			a[j] += int64(a(p))
			b[j] += int64(b(p))
		}
	}

with 0 < shift < all.`

func sumsHeader(name string) {
	TEXT(name, NOSPLIT, "func(a, b *[32]int64, omega *[32]int32, words *int32, shift, all int, q *int32, n, stride int)")
	Pragma("noescape")
	doc(name + " " + sumsDoc)
	Load(Param("omega"), regOmega)
	Load(Param("words"), list)
	Load(Param("shift"), shift)
	Load(Param("q"), rows[0])
	Load(Param("n"), regN)
	Load(Param("stride"), stride)
	SHLQ(Imm(2), stride)
}

// argument returns the memory of an argument.
func argument(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// products emits the loops over the words before and after the shift.
func products(name string, add func(), shifts func()) {
	MOVQ(regOmega, column)
	XORQ(at, at)
	for _, part := range []struct {
		name string
		end  Op
	}{{"high", shift}, {"low", argument("all")}} {
		align()
		Label(name + "_" + part.name)
		MOVLQSX(Mem{Base: list, Index: at, Scale: 4}, word)
		add()
		ADDQ(U32(4*lanes), column)
		INCQ(at)
		CMPQ(at, part.end)
		JNE(LabelRef(name + "_" + part.name))
		if part.name == "high" {
			shifts()
		}
	}
}
