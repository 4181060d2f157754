package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The half angle of r turns, |r| <= 1/2: with u = r r,
//
//	P = r (S0 + u(S1 + u(S2 + u(S3 + u S4)))) = sqrt(2) sin(pi r)
//	Q =    C0 + u(C1 + u(C2 + u(C3 + u C4)))  = sqrt(2) cos(pi r)
//	cos(2 pi r) = 1 - P P,  sin(2 pi r) = P Q
var (
	sines   = [5]float32{4.442882834150685, -7.308241154578656, 3.606288958638492, -0.8457635981866104, 0.10920575707384743}
	cosines = [5]float32{1.4142134966405506, -6.9788509922865964, 5.739461229122794, -1.8835632995335314, 0.3106987475835834}
)

// circle holds the coefficients of both polynomials.
type circle struct {
	*isa
	sine, cosine [5]Mem
}

func (c *constants) circle() circle {
	k := circle{isa: c.isa}
	for i := range 5 {
		k.sine[i], k.cosine[i] = c.float(sines[i]), c.float(cosines[i])
	}
	return k
}

// half replaces phases in turns by P, in p, and Q, in q. All have as many vectors;
// the phases and u are overwritten.
func (k circle) half(phase, u, p, q []reg.VecPhysical) {
	for i := range phase {
		if k.isa == wide {
			VRNDSCALEPS(Imm(0), phase[i], u[i])
		} else {
			VROUNDPS(Imm(0), phase[i], u[i])
		}
		VSUBPS(u[i], phase[i], phase[i])
	}
	for i := range phase {
		VMULPS(phase[i], phase[i], u[i])
		k.set(k.sine[4], p[i])
		k.set(k.cosine[4], q[i])
	}
	for s := 3; s >= 0; s-- {
		for i := range phase {
			k.horner(k.sine[s], u[i], p[i])
			k.horner(k.cosine[s], u[i], q[i])
		}
	}
	for i := range phase {
		VMULPS(phase[i], p[i], p[i])
	}
}

// shape returns how many rows of how many vectors a tile of phases has, and how
// many of these vectors go through the polynomials together.
func (s *isa) shape() (rows, vectors, group int) {
	if s == wide {
		return 8, 2, 4
	}
	return 4, 2, 1
}

// sums adds phasors over records, one row each, frequencies in the lanes.
func (s *isa) sums() {
	cos, sin, omega, y := reg.RDX, reg.RBX, reg.RDI, reg.RSI
	n, width, d := reg.RCX, reg.R8, reg.R9
	name := s.begin("sums", "cos, sin, omega, y *float32, n, width, d int", `adds the phasors of n records under a tile of frequencies in turns:

	for j := range 32 {
		cos[j], sin[j] = 0, 0
		for i := range n {
			var p float32
			for k := range d {
				p += omega[k*32+j] * y[k*width+i]
			}
			cos[j] += cosine of p turns
			sin[j] += sine of p turns
		}
	}`,
		parameter{"cos", cos}, parameter{"sin", sin}, parameter{"omega", omega},
		parameter{"width", width}, parameter{"d", d})
	SHLQ(Imm(2), width)
	c := s.constants(name)
	k := c.circle()
	rows, vectors, group := s.shape()
	phases := s.reg[:rows*vectors]
	squares := s.reg[rows*vectors:][:vectors]
	products := s.reg[rows*vectors+vectors:][:vectors]
	free := s.reg[rows*vectors+2*vectors:]
	at, column, left := reg.R10, reg.R11, reg.R12

	part := reg.R13
	XORQ(part, part)
	Label("part")
	Load(Param("y"), y)
	Load(Param("n"), n)
	for v := range vectors {
		s.zero(squares[v])
		s.zero(products[v])
	}
	for _, rows := range []int{rows, 1} {
		label := fmt.Sprintf("records%d", rows)
		phases := phases[:rows*vectors]
		Label(label)
		CMPQ(n, Imm(uint64(rows)))
		JL(LabelRef(label + "_end"))
		for _, p := range phases {
			s.zero(p)
		}
		MOVQ(y, at)
		MOVQ(omega, column)
		MOVQ(d, left)
		align()
		Label(label + "_channel")
		for v := range vectors {
			VMOVUPS(Mem{Base: column, Disp: v * s.bytes()}, free[v])
		}
		values := free[vectors:][:min(8, len(free)-vectors)]
		for i := range rows {
			x := values[i%len(values)]
			VBROADCASTSS(Mem{Base: at, Disp: 4 * i}, x)
			for v := range vectors {
				VFMADD231PS(free[v], x, phases[i*vectors+v])
			}
		}
		ADDQ(width, at)
		ADDQ(U32(4*tile), column)
		DECQ(left)
		JNE(LabelRef(label + "_channel"))
		for i := 0; i < len(phases); i += group {
			some := phases[i:min(i+group, len(phases))]
			u, p, q := free[:group], free[group:2*group], free[2*group:3*group]
			k.half(some, u, p, q)
			for j := range some {
				v := (i + j) % vectors
				VFMADD231PS(p[j], p[j], squares[v])
				VFMADD231PS(p[j], q[j], products[v])
			}
		}
		ADDQ(Imm(uint64(4*rows)), y)
		SUBQ(Imm(uint64(rows)), n)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	Load(Param("n"), n)
	VXORPS(xmm[0], xmm[0], xmm[0])
	VCVTSI2SSQ(n, xmm[0], xmm[0])
	VBROADCASTSS(xmm[0], s.reg[0])
	for v := range vectors {
		VSUBPS(squares[v], s.reg[0], squares[v])
		VMOVUPS(squares[v], Mem{Base: cos, Disp: v * s.bytes()})
		VMOVUPS(products[v], Mem{Base: sin, Disp: v * s.bytes()})
	}
	for _, r := range []reg.GPPhysical{omega, cos, sin} {
		ADDQ(U32(uint32(vectors*s.bytes())), r)
	}
	ADDQ(U32(uint32(vectors*s.lanes)), part)
	CMPQ(part, Imm(tile))
	JNE(LabelRef("part"))
	end()
}

// pull computes how strongly each phase is pulled, frequencies by rows and
// records in the lanes.
func (s *isa) pull() {
	rows, vectors, group := s.shape()
	w, omega, y, re, im := reg.RDX, reg.RDI, reg.RSI, reg.R8, reg.R9
	width, d, mask := reg.R10, reg.R11, reg.RBX
	name := s.begin("pull", "w, omega, y, re, im *float32, width, d int, mask "+s.mask, fmt.Sprintf(`weighs the sines and cosines of the phases of up to %d records under a
tile of frequencies in turns:

	for j := range 32 {
		for i := range columns {
			var p float32
			for k := range d {
				p += omega[k*32+j] * y[k*width+i]
			}
			w[j*32+i] = re[j]*(sine of p turns) - im[j]*(cosine of p turns)
		}
	}

Past the columns of the mask, up to %d, w has no meaning.`, vectors*s.lanes, vectors*s.lanes),
		parameter{"w", w}, parameter{"omega", omega}, parameter{"y", y}, parameter{"re", re}, parameter{"im", im},
		parameter{"width", width}, parameter{"d", d})
	s.loadMask(mask)
	SHLQ(Imm(2), width)
	c := s.constants(name)
	k := c.circle()
	phases, free := s.reg[:rows*vectors], s.reg[rows*vectors:]
	at, column, left, part := reg.R12, reg.R13, reg.R15, reg.RCX

	XORQ(part, part)
	Label("rows")
	for _, p := range phases {
		s.zero(p)
	}
	MOVQ(y, at)
	MOVQ(omega, column)
	MOVQ(d, left)
	align()
	Label("channel")
	values := free[vectors:][:min(8, len(free)-vectors)]
	for v := range vectors {
		s.loadColumns(v, Mem{Base: at, Disp: v * s.bytes()}, free[v], mask, values[0])
	}
	for i := range rows {
		x := values[i%len(values)]
		VBROADCASTSS(Mem{Base: column, Disp: 4 * i}, x)
		for v := range vectors {
			VFMADD231PS(free[v], x, phases[i*vectors+v])
		}
	}
	ADDQ(width, at)
	ADDQ(U32(4*tile), column)
	DECQ(left)
	JNE(LabelRef("channel"))
	// re sin - im cos = P (re Q + im P) - im
	u, p, q := free[:group], free[group:2*group], free[2*group:3*group]
	a, b := free[3*group], free[3*group+1]
	for i := 0; i < len(phases); i += group {
		some := phases[i:min(i+group, len(phases))]
		k.half(some, u, p, q)
		for j := range some {
			row, v := (i+j)/vectors, (i+j)%vectors
			if v == 0 || group == 1 {
				VBROADCASTSS(Mem{Base: re, Disp: 4 * row}, a)
				VBROADCASTSS(Mem{Base: im, Disp: 4 * row}, b)
			}
			VMULPS(b, p[j], u[j])
			VFMADD231PS(a, q[j], u[j])
			VFMSUB213PS(b, p[j], u[j])
			VMOVUPS(u[j], Mem{Base: w, Disp: 4*tile*row + v*s.bytes()})
		}
	}
	ADDQ(Imm(uint64(4*rows)), omega)
	ADDQ(Imm(uint64(4*rows)), re)
	ADDQ(Imm(uint64(4*rows)), im)
	ADDQ(U32(uint32(4*tile*rows)), w)
	ADDQ(Imm(uint64(rows)), part)
	CMPQ(part, Imm(tile))
	JNE(LabelRef("rows"))
	end()
}
