package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The hyperbolic tangent is x P(x x)/Q(x x) with an error of 2.1e-8 of its value up
// to bound, where it is 1 to working precision.
var (
	above = [5]float32{0.999999979167, 0.13379737323, 0.003494056885, 2.05838219036e-5, 1.3319494998e-8}
	below = [5]float32{1, 0.467130526045, 0.0258711599111, 0.000328312818578, 7.76220288449e-7}
)

const bound = 9.02

// walk emits a loop over the n elements of some vectors, whole registers first and
// the rest under a mask.
func (s *isa) walk(name string, n reg.GPPhysical, mask reg.VecPhysical, body func(load func(base reg.GPPhysical, to reg.VecPhysical), store func(from reg.VecPhysical, base reg.GPPhysical))) {
	at, left := reg.RBX, reg.RCX
	t := s.tails(name, mask)
	if left != n {
		MOVQ(n, left)
	}
	XORQ(at, at)
	CMPQ(left, Imm(uint64(s.lanes)))
	JL(LabelRef("rest"))
	align()
	Label("whole")
	body(
		func(base reg.GPPhysical, to reg.VecPhysical) { VMOVUPS(Mem{Base: base, Index: at, Scale: 4}, to) },
		func(from reg.VecPhysical, base reg.GPPhysical) { VMOVUPS(from, Mem{Base: base, Index: at, Scale: 4}) })
	ADDQ(Imm(uint64(s.lanes)), at)
	SUBQ(Imm(uint64(s.lanes)), left)
	CMPQ(left, Imm(uint64(s.lanes)))
	JGE(LabelRef("whole"))
	Label("rest")
	TESTQ(left, left)
	JEQ(LabelRef("end"))
	t.first(left)
	body(
		func(base reg.GPPhysical, to reg.VecPhysical) { t.load(Mem{Base: base, Index: at, Scale: 4}, to) },
		func(from reg.VecPhysical, base reg.GPPhysical) { t.store(from, Mem{Base: base, Index: at, Scale: 4}) })
	Label("end")
}

// matrix emits a loop over rows of n elements, each whole registers first and the
// rest under a mask. The body is given its index in the row and how to load and
// store there; the vectors move on by a row after it.
func (s *isa) matrix(name string, rows, n reg.GPPhysical, mask reg.VecPhysical, vectors []reg.GPPhysical,
	before func(), body func(load func(base reg.GPPhysical, to reg.VecPhysical), store func(from reg.VecPhysical, base reg.GPPhysical)), after func()) {
	Label("row")
	before()
	s.walk(name, n, mask, body)
	after()
	for _, r := range vectors {
		LEAQ(Mem{Base: r, Index: n, Scale: 4}, r)
	}
	DECQ(rows)
	JNE(LabelRef("row"))
}

func (s *isa) tanh() {
	x, bias, rows, n := reg.RDI, reg.RSI, reg.R8, reg.R9
	name := s.begin("tanh", "x, bias *float32, rows, n int", `replaces the sum of each element and the bias of its row by the hyperbolic
tangent:

	for i := range rows {
		for j := range n {
			x[i*n+j] = tanh(x[i*n+j] + bias[i])
		}
	}`,
		parameter{"x", x}, parameter{"bias", bias}, parameter{"rows", rows}, parameter{"n", n})
	c := s.constants(name)
	high, low, one, minus, b := s.reg[0], s.reg[1], s.reg[2], s.reg[3], s.reg[4]
	s.set(c.float(bound), high)
	s.set(c.float(-bound), low)
	s.set(c.float(1), one)
	s.set(c.float(-1), minus)
	var top, bottom [5]Mem
	for i := range 5 {
		top[i], bottom[i] = c.float(above[i]), c.float(below[i])
	}
	v, u, p, q := s.reg[5], s.reg[6], s.reg[7], s.reg[8]
	s.matrix(name, rows, n, s.reg[9], []reg.GPPhysical{x}, func() {
		VBROADCASTSS(Mem{Base: bias}, b)
	}, func(load func(reg.GPPhysical, reg.VecPhysical), store func(reg.VecPhysical, reg.GPPhysical)) {
		load(x, v)
		VADDPS(b, v, v)
		// The second operand is taken if one is not a number.
		VMINPS(v, high, v)
		VMAXPS(v, low, v)
		VMULPS(v, v, u)
		s.set(top[4], p)
		s.set(bottom[4], q)
		for i := 3; i >= 0; i-- {
			s.horner(top[i], u, p)
			s.horner(bottom[i], u, q)
		}
		VMULPS(v, p, p)
		VDIVPS(q, p, v)
		VMINPS(v, one, v)
		VMAXPS(v, minus, v)
		store(v, x)
	}, func() {
		ADDQ(Imm(4), bias)
	})
	end()
}

// through is the way back through the hyperbolic tangent.
func (s *isa) through() {
	bias, dh, h, rows, n := reg.RDX, reg.RDI, reg.RSI, reg.R8, reg.R9
	name := s.begin("through", "bias, dh, h *float32, rows, n int", `multiplies a gradient at h = tanh(z) by the derivative and adds the
sum of each row to its bias:

	for i := range rows {
		for j := range n {
			dh[i*n+j] *= 1 - h[i*n+j]*h[i*n+j]
			bias[i] += dh[i*n+j]
		}
	}

with the sum in as many parts as a register has lanes.`,
		parameter{"bias", bias}, parameter{"dh", dh}, parameter{"h", h}, parameter{"rows", rows}, parameter{"n", n})
	c := s.constants(name)
	one, sum, v, u, x := s.reg[0], s.reg[1], s.reg[2], s.reg[3], s.reg[4]
	s.set(c.float(1), one)
	s.matrix(name, rows, n, s.reg[5], []reg.GPPhysical{h, dh}, func() {
		s.zero(sum)
	}, func(load func(reg.GPPhysical, reg.VecPhysical), store func(reg.VecPhysical, reg.GPPhysical)) {
		load(h, u)
		load(dh, x)
		VMOVAPS(one, v)
		VFNMADD231PS(u, u, v)
		VMULPS(x, v, v)
		store(v, dh)
		VADDPS(v, sum, sum)
	}, func() {
		s.addLanes(bias)
		ADDQ(Imm(4), bias)
	})
	end()
}

// addLanes adds the lanes of register 1 to a number; register 2 is overwritten.
func (s *isa) addLanes(to reg.GPPhysical) {
	if s == wide {
		VEXTRACTF64X4(Imm(1), zmm[1], ymm[2])
		VADDPS(ymm[2], ymm[1], ymm[1])
	}
	VEXTRACTF128(Imm(1), ymm[1], xmm[2])
	VADDPS(xmm[2], xmm[1], xmm[1])
	VPERMILPS(Imm(0x4e), xmm[1], xmm[2])
	VADDPS(xmm[2], xmm[1], xmm[1])
	VMOVSHDUP(xmm[1], xmm[2])
	VADDSS(xmm[2], xmm[1], xmm[1])
	VADDSS(Mem{Base: to}, xmm[1], xmm[1])
	VMOVSS(xmm[1], Mem{Base: to})
}

func (s *isa) adam() {
	w, g, m, v, n, p := reg.RDI, reg.RSI, reg.RDX, reg.R8, reg.RCX, reg.R9
	name := s.begin("adam", "w, grad, m, v *float32, n int, p *[7]float32", `takes a step of Adam with p = b1, 1-b1, b2, 1-b2, rate, correct, eps:

	for i := range n {
		m[i] = b1*m[i] + (1-b1)*grad[i]
		v[i] = b2*v[i] + (1-b2)*grad[i]*grad[i]
		w[i] -= rate * m[i] / (sqrt(v[i]*correct) + eps)
	}`,
		parameter{"w", w}, parameter{"grad", g}, parameter{"m", m}, parameter{"v", v}, parameter{"n", n}, parameter{"p", p})
	k := s.reg[:7]
	for i, r := range k {
		VBROADCASTSS(Mem{Base: p, Disp: 4 * i}, r)
	}
	x, first, second, t := s.reg[7], s.reg[8], s.reg[9], s.reg[10]
	s.walk(name, n, s.reg[11], func(load func(reg.GPPhysical, reg.VecPhysical), store func(reg.VecPhysical, reg.GPPhysical)) {
		load(g, x)
		load(m, first)
		load(v, second)
		VMULPS(k[1], x, t)
		VFMADD213PS(t, k[0], first)
		VMULPS(k[3], x, t)
		VMULPS(t, x, t)
		VFMADD213PS(t, k[2], second)
		store(first, m)
		store(second, v)
		VMULPS(k[5], second, second)
		VSQRTPS(second, second)
		VADDPS(k[6], second, second)
		VMULPS(k[4], first, first)
		VDIVPS(second, first, first)
		load(w, x)
		VSUBPS(first, x, x)
		store(x, w)
	})
	end()
}

func (s *isa) average() {
	mean, x, n, p := reg.RDI, reg.RSI, reg.RCX, reg.R9
	name := s.begin("average", "mean, x *float32, n int, p *[2]float32", `moves a mean towards x with p = decay, 1-decay:

	for i := range n {
		mean[i] = decay*mean[i] + (1-decay)*x[i]
	}`,
		parameter{"mean", mean}, parameter{"x", x}, parameter{"n", n}, parameter{"p", p})
	k := s.reg[:2]
	for i, r := range k {
		VBROADCASTSS(Mem{Base: p, Disp: 4 * i}, r)
	}
	a, b := s.reg[2], s.reg[3]
	s.walk(name, n, s.reg[4], func(load func(reg.GPPhysical, reg.VecPhysical), store func(reg.VecPhysical, reg.GPPhysical)) {
		load(mean, a)
		load(x, b)
		VMULPS(k[1], b, b)
		VFMADD213PS(b, k[0], a)
		store(a, mean)
	})
	end()
}

func (s *isa) add() {
	dst, x, n := reg.RDI, reg.RSI, reg.RCX
	name := s.begin("add", "dst, x *float32, n int", `adds x to dst:

	for i := range n {
		dst[i] += x[i]
	}`,
		parameter{"dst", dst}, parameter{"x", x}, parameter{"n", n})
	a, b := s.reg[0], s.reg[1]
	s.walk(name, n, s.reg[2], func(load func(reg.GPPhysical, reg.VecPhysical), store func(reg.VecPhysical, reg.GPPhysical)) {
		load(dst, a)
		load(x, b)
		VADDPS(b, a, a)
		store(a, dst)
	})
	end()
}
