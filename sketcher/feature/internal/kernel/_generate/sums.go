package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The general registers of the sums.
var (
	regA, regB = reg.RDX, reg.RBX
	regOmega   = reg.RDI
	regN, regD = reg.RCX, reg.R8
	stride     = reg.R9  // bytes of a record
	column     = reg.RAX // frequencies of the channel
	channel    = reg.R15
	rows       = []reg.GPPhysical{reg.RSI, reg.R10, reg.R11, reg.R12}
)

const sumsDoc = `adds a and b of n records of d channels and one block of frequencies:

	for i := range n {
		for j := range Lanes {
			var p int32
			for k := range d {
				p += q[i*d+k] * omega[k][j]
			}
			a[j] += int64(a(p))
			b[j] += int64(b(p))
		}
	}`

func sumsHeader(name string) {
	TEXT(name, NOSPLIT, "func(a, b *[32]int64, omega *[32]int32, q *int32, n, d int)")
	Pragma("noescape")
	doc(name + " " + sumsDoc)
	loadSums()
	MOVQ(regD, stride)
	SHLQ(Imm(2), stride)
}

func loadSums() {
	Load(Param("a"), regA)
	Load(Param("b"), regB)
	Load(Param("omega"), regOmega)
	Load(Param("q"), rows[0])
	Load(Param("n"), regN)
	Load(Param("d"), regD)
}

// sums512 keeps two vectors of frequencies for four records at a time in
// registers, with all coefficients; the records left over go one by one.
func sums512() {
	sumsHeader("sums512")
	sum512{a: zmm[8:10], b: zmm[10:12], free: zmm[22:]}.body("sums512")
}

const splitDoc = `is sums512 for numbers that are split in halves of 16 bits (see split.go):
crossed words of the d channels come first in a row, then the joined words of the
pairs of channels, both in q and in omega. With dot(x, y) the sum of the products
of the signed halves of x and y,

	p = sum over k < d of dot(q[k], omega[k][j]) << 16
	  + sum over d <= k < d+pairs of dot(q[k], omega[k][j])`

// split512 is sums512 with dot products of halves, which multiply and add in one
// instruction.
func split512() {
	const name = "split512"
	TEXT(name, NOSPLIT, "func(a, b *[32]int64, omega *[32]int32, q *int32, n, d, pairs int)")
	Pragma("noescape")
	doc(name + " " + splitDoc)
	loadSums()
	words := reg.R13
	Load(Param("pairs"), words)
	ADDQ(regD, words)
	MOVQ(words, stride)
	SHLQ(Imm(2), stride)
	sum512{a: zmm[8:10], b: zmm[10:12], free: zmm[22:], words: words}.body(name)
}

func (s sum512) body(name string) {
	c := newConstants(name + "_constants")
	const vectors = 2
	s.turn = c.float(1.0/(1<<32), 1)
	for i := range 5 {
		for j, v := range []float32{sines[i], cosines[i]} {
			r := zmm[12+5*j+i]
			VBROADCASTSS(c.float(v*2048, 1), r)
			if j == 0 {
				s.sines = append(s.sines, r)
			} else {
				s.cosines = append(s.cosines, r)
			}
		}
	}
	for _, r := range zmm[8:12] {
		VPXORQ(r, r, r)
	}
	s.loop("four", 4)
	s.loop("one", 1)
	for i, out := range []reg.GPPhysical{regA, regB} {
		for v := range vectors {
			r := 8 + i*vectors + v
			VEXTRACTI64X4(Imm(1), zmm[r], ymm[30])
			VPMOVSXDQ(ymm[r], zmm[0])
			VPMOVSXDQ(ymm[30], zmm[1])
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

	// words holds the words of a row if numbers are split, else it is nil.
	words reg.GPPhysical
}

// loop emits the loop over groups of r records, while there are so many.
func (s sum512) loop(name string, r int) {
	phases := zmm[:2*r]
	Label(name)
	CMPQ(regN, Imm(uint64(r)))
	JL(LabelRef(name + "_end"))
	for i := 1; i < r; i++ {
		LEAQ(Mem{Base: rows[i-1], Index: stride, Scale: 1}, rows[i])
	}
	for _, p := range phases {
		VPXORQ(p, p, p)
	}
	MOVQ(regOmega, column)
	XORQ(channel, channel)
	if s.words == nil {
		s.rotate(name+"_channel", regD, r, func(omega, value, product, phase reg.VecPhysical) {
			VPMULLD(omega, value, product)
			VPADDD(product, phase, phase)
		})
	} else {
		s.rotate(name+"_crossed", regD, r, dot)
		for _, p := range phases {
			VPSLLD(Imm(16), p, p)
		}
		s.rotate(name+"_joined", s.words, r, dot)
	}
	LEAQ(Mem{Base: rows[r-1], Index: stride, Scale: 1}, rows[0])
	for group := 0; group < len(phases); group += 3 {
		s.polynomials(group, phases[group:min(group+3, len(phases))])
	}
	SUBQ(Imm(uint64(r)), regN)
	JMP(LabelRef(name))
	Label(name + "_end")
}

// rotate emits the loop over the words of r rows up to the end, which adds the
// products of two vectors of frequencies.
func (s sum512) rotate(name string, end reg.GPPhysical, r int, multiply func(omega, value, product, phase reg.VecPhysical)) {
	omega, value, product := s.free[:2], s.free[2:6], s.free[6:10]
	align()
	Label(name)
	VMOVDQU64(Mem{Base: column}, omega[0])
	VMOVDQU64(Mem{Base: column, Disp: 64}, omega[1])
	for i := range r {
		VPBROADCASTD(Mem{Base: rows[i], Index: channel, Scale: 4}, value[i])
		multiply(omega[0], value[i], product[i], zmm[2*i])
		multiply(omega[1], value[i], value[i], zmm[2*i+1])
	}
	ADDQ(U32(4*lanes), column)
	INCQ(channel)
	CMPQ(channel, end)
	JNE(LabelRef(name))
}

// dot emits VPDPWSSD, which avo does not know.
func dot(omega, value, _, phase reg.VecPhysical) {
	Instruction(&ir.Instruction{
		Opcode:   "VPDPWSSD",
		Operands: []Op{omega, value, phase},
		Inputs:   []Op{omega, value, phase},
		Outputs:  []Op{phase},
		ISA:      []string{"AVX512VNNI"},
	})
}

// polynomials evaluates up to three vectors of phases, interleaved.
func (s sum512) polynomials(first int, phases []reg.VecPhysical) {
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
	}
	for i := range phases {
		VMULPS(p(i), q(i), q(i))
		VMULPS(p(i), p(i), p(i))
		VCVTPS2DQ(q(i), q(i))
		VCVTPS2DQ(p(i), p(i))
		v := (first + i) % 2
		VPADDD(p(i), s.a[v], s.a[v])
		VPADDD(q(i), s.b[v], s.b[v])
	}
}

// sums256 walks through the block of frequencies in four vectors, and keeps one of
// them for four records at a time; the coefficients stay in memory.
func sums256() {
	sumsHeader("sums256")
	c := newConstants("sums256_constants")
	s := sum256{a: ymm[4], b: ymm[5], free: ymm[6:16]}
	s.turn = c.float(1.0/(1<<32), 8)
	for i := range 5 {
		s.sines = append(s.sines, c.float(sines[i]*2048, 8))
		s.cosines = append(s.cosines, c.float(cosines[i]*2048, 8))
	}
	vector := reg.R13
	MOVQ(U32(lanes/8), vector)
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
	DECQ(vector)
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
	MOVQ(regOmega, column)
	XORQ(channel, channel)
	align()
	Label(name + "_channel")
	VMOVDQU(Mem{Base: column}, omega)
	for i := range r {
		VPBROADCASTD(Mem{Base: rows[i], Index: channel, Scale: 4}, value[i])
		VPMULLD(omega, value[i], value[i])
		VPADDD(value[i], phases[i], phases[i])
	}
	ADDQ(U32(4*lanes), column)
	INCQ(channel)
	CMPQ(channel, regD)
	JNE(LabelRef(name + "_channel"))
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
