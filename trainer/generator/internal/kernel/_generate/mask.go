package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A column mask has a bit for each of 32 columns with AVX-512, and with AVX2 it
// points at a word for each of 16, all ones or all zeros.

var kmask = []reg.OpmaskPhysical{reg.K1, reg.K2}

// loadMask reads the parameter mask, which stays in pointer with AVX2.
func (s *isa) loadMask(pointer reg.GPPhysical) {
	if s != wide {
		Load(Param("mask"), pointer)
		return
	}
	bits := pointer.As32()
	Load(Param("mask"), bits)
	KMOVW(bits, kmask[0])
	SHRL(Imm(16), bits)
	KMOVW(bits, kmask[1])
}

// loadColumns loads vector v of a row under the column mask; spare is overwritten.
func (s *isa) loadColumns(v int, from Mem, to reg.VecPhysical, pointer reg.GPPhysical, spare reg.VecPhysical) {
	if s == wide {
		VMOVUPS_Z(from, kmask[v], to)
		return
	}
	VMOVUPS(Mem{Base: pointer, Disp: v * s.bytes()}, spare)
	VMASKMOVPS(from, spare, to)
}

func (s *isa) storeColumns(v int, from reg.VecPhysical, to Mem, pointer reg.GPPhysical, spare reg.VecPhysical) {
	if s == wide {
		VMOVUPS(from, kmask[v], to)
		return
	}
	VMOVUPS(Mem{Base: pointer, Disp: v * s.bytes()}, spare)
	VMASKMOVPS(from, spare, to)
}

// tail is the mask of the first elements of a vector, in K3 or in a register.
type tail struct {
	*isa
	vector reg.VecPhysical
	ones   Mem
}

// tails prepares masks; vector is theirs with AVX2.
func (s *isa) tails(name string, vector reg.VecPhysical) tail {
	t := tail{isa: s, vector: vector}
	if s != wide {
		t.ones = GLOBL(name+"_ones", RODATA|NOPTR)
		for i := range 2 * s.lanes {
			x := uint32(0)
			if i < s.lanes {
				x = 1<<32 - 1
			}
			DATA(4*i, U32(x))
		}
	}
	return t
}

// first sets the mask to the first n elements, with n at most the lanes; n, RAX
// and RCX, which n may be, are overwritten.
func (t tail) first(n reg.GPPhysical) {
	if t.isa == wide {
		if n != reg.RCX {
			MOVQ(n, reg.RCX)
		}
		MOVL(U32(1), reg.EAX)
		SHLL(reg.CL, reg.EAX)
		DECL(reg.EAX)
		KMOVW(reg.EAX, reg.K3)
		return
	}
	LEAQ(t.ones, reg.RAX)
	NEGQ(n)
	VMOVUPS(Mem{Base: reg.RAX, Index: n, Scale: 4, Disp: t.bytes()}, t.vector)
}

func (t tail) load(from Mem, to reg.VecPhysical) {
	if t.isa == wide {
		VMOVUPS_Z(from, reg.K3, to)
	} else {
		VMASKMOVPS(from, t.vector, to)
	}
}

func (t tail) store(from reg.VecPhysical, to Mem) {
	if t.isa == wide {
		VMOVUPS(from, reg.K3, to)
	} else {
		VMASKMOVPS(from, t.vector, to)
	}
}
