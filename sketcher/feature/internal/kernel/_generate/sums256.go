package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sums256 walks through the block of frequencies in four vectors, and keeps one of
// them for four records at a time; the coefficients stay in memory.
func sums256() {
	sumsHeader("sums256")
	Load(Param("a"), regA)
	Load(Param("b"), regB)
	c := newConstants("sums256_constants")
	s := sum256{a: ymm[4], b: ymm[5], free: ymm[6:16]}
	s.turn = c.float(1.0/(1<<32), 8)
	for i := range 5 {
		s.sines = append(s.sines, c.float(sines[i]*2048, 8))
		s.cosines = append(s.cosines, c.float(cosines[i]*2048, 8))
	}
	Label("vector")
	Load(Param("q"), rows[0])
	Load(Param("n"), regN)
	VPXOR(s.a, s.a, s.a)
	VPXOR(s.b, s.b, s.b)
	s.loop("four", 4)
	s.loop("one", 1)
	for i, out := range []reg.GPPhysical{regA, regB} {
		VEXTRACTI128(Imm(1), ymm[4+i], xmm[0])
		VPMOVSXDQ(xmm[4+i], ymm[1])
		VPMOVSXDQ(xmm[0], ymm[2])
		for h := range 2 {
			m := Mem{Base: out, Disp: h * 32}
			VPADDQ(m, ymm[1+h], ymm[1+h])
			VMOVDQU(ymm[1+h], m)
		}
		ADDQ(Imm(64), out)
	}
	ADDQ(Imm(32), regOmega)
	Load(Param("omega"), word)
	ADDQ(U32(4*lanes), word)
	CMPQ(regOmega, word)
	JNE(LabelRef("vector"))
	VZEROUPPER()
	RET()
}

type sum256 struct {
	a, b           reg.VecPhysical
	free           []reg.VecPhysical
	sines, cosines []Mem
	turn           Mem
}

func (s sum256) loop(name string, r int) {
	phases := ymm[:r]
	omega, value := s.free[0], s.free[1:5]
	Label(name)
	CMPQ(regN, Imm(uint64(r)))
	JL(LabelRef(name + "_end"))
	for i := 1; i < r; i++ {
		LEAQ(Mem{Base: rows[i-1], Index: stride, Scale: 1}, rows[i])
	}
	for _, p := range phases {
		VPXOR(p, p, p)
	}
	products(name, func() {
		VMOVDQU(Mem{Base: column}, omega)
		for i := range r {
			VPBROADCASTD(Mem{Base: rows[i], Index: word, Scale: 4}, value[i])
			VPMADDWD(omega, value[i], value[i])
			VPADDD(value[i], phases[i], phases[i])
		}
	}, func() {
		for _, p := range phases {
			VPSLLD(Imm(16), p, p)
		}
	})
	LEAQ(Mem{Base: rows[r-1], Index: stride, Scale: 1}, rows[0])
	for group := 0; group < r; group += 2 {
		s.polynomials(phases[group:min(group+2, r)])
	}
	SUBQ(Imm(uint64(r)), regN)
	JMP(LabelRef(name))
	Label(name + "_end")
}

func (s sum256) polynomials(phases []reg.VecPhysical) {
	u := func(i int) reg.VecPhysical { return s.free[3*i] }
	p := func(i int) reg.VecPhysical { return s.free[3*i+1] }
	q := func(i int) reg.VecPhysical { return s.free[3*i+2] }
	for i, r := range phases {
		VCVTDQ2PS(r, r)
		VMULPS(s.turn, r, r)
		VMULPS(r, r, u(i))
		VMOVAPS(s.sines[4], p(i))
		VMOVAPS(s.cosines[4], q(i))
	}
	for k := 3; k >= 0; k-- {
		for i := range phases {
			VFMADD213PS(s.sines[k], u(i), p(i))
			VFMADD213PS(s.cosines[k], u(i), q(i))
		}
	}
	for i, r := range phases {
		VMULPS(r, p(i), p(i))
		VMULPS(p(i), q(i), q(i))
		VMULPS(p(i), p(i), p(i))
		VCVTPS2DQ(q(i), q(i))
		VCVTPS2DQ(p(i), p(i))
		VPADDD(p(i), s.a, s.a)
		VPADDD(q(i), s.b, s.b)
	}
}
