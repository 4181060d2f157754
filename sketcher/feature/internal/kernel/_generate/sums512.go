package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sums512 keeps two vectors of frequencies for some records at a time in registers,
// with all coefficients, and goes through the numbers of records in that order.
// Every phase is a chain of multiplications that wait for one another: more records
// hide the wait and load frequencies less often, and leave fewer registers to the
// polynomials.
func sums512(name string, multiply multiply512, records ...int) {
	sumsHeader(name)
	n := 2 * records[0]
	sum512{a: zmm[n : n+2], b: zmm[n+2 : n+4], free: zmm[n+4 : 24], multiply: multiply}.body(name, records)
}

// multiply512 adds dot(omega, value) to the phase.
type multiply512 func(omega, value, product, phase reg.VecPhysical)

// madd takes two instructions.
func madd(omega, value, product, phase reg.VecPhysical) {
	VPMADDWD(omega, value, product)
	VPADDD(product, phase, phase)
}

// dot is VPDPWSSD, which avo does not know.
func dot(omega, value, _, phase reg.VecPhysical) {
	Instruction(&ir.Instruction{
		Opcode:   "VPDPWSSD",
		Operands: []Op{omega, value, phase},
		Inputs:   []Op{omega, value, phase},
		Outputs:  []Op{phase},
		ISA:      []string{"AVX512VNNI"},
	})
}

func (s sum512) body(name string, records []int) {
	c := newConstants(name + "_constants")
	const vectors = 2
	s.turn = c.float(1.0/(1<<32), 1)
	for i := range 5 {
		for j, v := range []float32{sines[i], cosines[i]} {
			r := zmm[24+4*j+i%4]
			m := c.float(v*2048, 1)
			if i == 4 {
				s.first[j] = m
				continue
			}
			VBROADCASTSS(m, r)
			if j == 0 {
				s.sines = append(s.sines, r)
			} else {
				s.cosines = append(s.cosines, r)
			}
		}
	}
	for v := range vectors {
		VPXORQ(s.a[v], s.a[v], s.a[v])
		VPXORQ(s.b[v], s.b[v], s.b[v])
	}
	for _, r := range records {
		s.loop(map[int]string{6: "six", 4: "four", 2: "two", 1: "one"}[r], r)
	}
	Load(Param("a"), regA)
	Load(Param("b"), regB)
	for i, out := range []reg.GPPhysical{regA, regB} {
		for v, sum := range [][]reg.VecPhysical{s.a, s.b}[i] {
			half := zmm[30]
			VEXTRACTI64X4(Imm(1), sum, half.AsY())
			VPMOVSXDQ(sum.AsY(), zmm[0])
			VPMOVSXDQ(half.AsY(), zmm[1])
			for h := range 2 {
				m := Mem{Base: out, Disp: v*128 + h*64}
				VPADDQ(m, zmm[h], zmm[h])
				VMOVDQU64(zmm[h], m)
			}
		}
	}
	VZEROUPPER()
	RET()
}

type sum512 struct {
	a, b, sines, cosines, free []reg.VecPhysical
	turn                       Mem
	first                      [2]Mem
	multiply                   multiply512
}

// loop emits the loop over groups of r records, while there are so many.
func (s sum512) loop(name string, r int) {
	phases := zmm[:2*r]
	omega, rest := s.free[:2], s.free[2:]
	Label(name)
	CMPQ(regN, Imm(uint64(r)))
	JL(LabelRef(name + "_end"))
	for i := 1; i < r; i++ {
		LEAQ(Mem{Base: rows[i-1], Index: stride, Scale: 1}, rows[i])
	}
	for _, p := range phases {
		VPXORQ(p, p, p)
	}
	products(name, func() {
		VMOVDQU64(Mem{Base: column}, omega[0])
		VMOVDQU64(Mem{Base: column, Disp: 64}, omega[1])
		for i := range r {
			value, product := rest[i], rest[len(rest)-1-i]
			VPBROADCASTD(Mem{Base: rows[i], Index: word, Scale: 4}, value)
			s.multiply(omega[0], value, product, zmm[2*i])
			s.multiply(omega[1], value, value, zmm[2*i+1])
		}
	}, func() {
		for _, p := range phases {
			VPSLLD(Imm(16), p, p)
		}
	})
	LEAQ(Mem{Base: rows[r-1], Index: stride, Scale: 1}, rows[0])
	for at, most := 0, len(s.free)/3&^1; at < len(phases); at += most {
		s.polynomials(phases[at:min(at+most, len(phases))])
	}
	SUBQ(Imm(uint64(r)), regN)
	JMP(LabelRef(name))
	Label(name + "_end")
}

// polynomials evaluates the vectors of phases of whole records, interleaved.
func (s sum512) polynomials(phases []reg.VecPhysical) {
	u := func(i int) reg.VecPhysical { return s.free[3*i] }
	p := func(i int) reg.VecPhysical { return s.free[3*i+1] }
	q := func(i int) reg.VecPhysical { return s.free[3*i+2] }
	for _, r := range phases {
		VCVTDQ2PS(r, r)
	}
	for _, r := range phases {
		VMULPS_BCST(s.turn, r, r)
	}
	for i, r := range phases {
		VMULPS(r, r, u(i))
		VBROADCASTSS(s.first[0], p(i))
		VBROADCASTSS(s.first[1], q(i))
	}
	for k := 3; k >= 0; k-- {
		for i := range phases {
			VFMADD213PS(s.sines[k], u(i), p(i))
			VFMADD213PS(s.cosines[k], u(i), q(i))
		}
	}
	for i, r := range phases {
		VMULPS(r, p(i), p(i))
	}
	for i := range phases {
		VMULPS(p(i), q(i), q(i))
		VMULPS(p(i), p(i), p(i))
		VCVTPS2DQ(q(i), q(i))
		VCVTPS2DQ(p(i), p(i))
		VPADDD(p(i), s.a[i%2], s.a[i%2])
		VPADDD(q(i), s.b[i%2], s.b[i%2])
	}
}
