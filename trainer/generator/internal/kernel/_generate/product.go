package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// panel multiplies into a panel of C that is as many vectors wide, in tiles of
// rows that stay in registers. The rows of C are columns of A if it is transposed.
func (s *isa) panel(vectors int, transposed bool) {
	c, a, b := reg.RDX, reg.RSI, reg.RDI
	m, k := reg.RCX, reg.R8
	widthC, widthA, widthB := reg.R9, reg.R10, reg.R11
	name, element := "panelN", "a[i*widthA+l]"
	if transposed {
		name, element = "panelT", "a[l*widthA+i]"
	}
	s.begin(fmt.Sprintf("%s%dx", name, vectors), "c, a, b *float32, m, k, widthC, widthA, widthB int, mask "+s.mask,
		fmt.Sprintf(`adds a product to a panel of C that is %d columns wide, or less by the
mask. Each element is a chain of fused multiply-adds in increasing order of l:

	for i := range m {
		for j := range columns {
			for l := range k {
				c[i*widthC+j] += %s * b[l*widthB+j]
			}
		}
	}

It reads all of the %d columns of B.`, vectors*s.lanes, element, vectors*s.lanes),
		parameter{"c", c}, parameter{"a", a}, parameter{"b", b}, parameter{"m", m}, parameter{"k", k},
		parameter{"widthC", widthC}, parameter{"widthA", widthA}, parameter{"widthB", widthB})
	if s == wide {
		s.loadMask(reg.RAX)
	}
	for _, r := range []reg.GPPhysical{widthC, widthA, widthB} {
		SHLQ(Imm(2), r)
	}
	p := step{isa: s, transposed: transposed, widthA: widthA, widthB: widthB, upper: reg.RAX, lower: reg.RBX, next: reg.R13, row3: reg.R12}
	LEAQ(Mem{Base: widthA, Index: widthA, Scale: 2}, p.row3)

	// Two tiles share what is more than one and less than two.
	size, left := reg.RAX, reg.R15
	Label("rows")
	MOVQ(m, size)
	CMPQ(m, Imm(uint64(s.rows)))
	JLE(LabelRef("choose"))
	MOVQ(U32(uint32(s.rows)), size)
	CMPQ(m, Imm(uint64(2*s.rows)))
	JGE(LabelRef("choose"))
	LEAQ(Mem{Base: m, Disp: 1}, size)
	SHRQ(Imm(1), size)
	Label("choose")
	for rows := s.rows; rows > 0; rows-- {
		CMPQ(size, Imm(uint64(rows)))
		JEQ(LabelRef(fmt.Sprintf("tile%d", rows)))
	}
	end()

	for rows := s.rows; rows > 0; rows-- {
		p.tile = s.reg[:rows*vectors]
		p.columns, p.values = s.reg[s.rows*vectors:][:vectors], s.reg[s.rows*vectors+vectors:]
		loop := fmt.Sprintf("step%d", rows)
		Label(fmt.Sprintf("tile%d", rows))
		mask := p.upper // as long as it is free
		if s != wide {
			s.loadMask(mask)
		}
		MOVQ(c, p.next)
		for i, r := range p.tile {
			v := i % vectors
			s.loadColumns(v, Mem{Base: p.next, Disp: v * s.bytes()}, r, mask, p.columns[0])
			if v == vectors-1 && i < len(p.tile)-1 {
				ADDQ(widthC, p.next)
			}
		}
		MOVQ(a, p.upper)
		if rows > 4 && !transposed {
			LEAQ(Mem{Base: a, Index: widthA, Scale: 4}, p.lower)
		}
		MOVQ(b, p.next)
		MOVQ(k, left)
		SUBQ(Imm(2), left)
		JL(LabelRef(loop + "_last"))
		align()
		Label(loop)
		p.multiply(0)
		p.multiply(1)
		p.advance()
		SUBQ(Imm(2), left)
		JGE(LabelRef(loop))
		Label(loop + "_last")
		CMPQ(left, I8(-1))
		JNE(LabelRef(loop + "_end"))
		p.multiply(0)
		Label(loop + "_end")
		if s != wide {
			s.loadMask(mask)
		}
		for i, r := range p.tile {
			v := i % vectors
			s.storeColumns(v, r, Mem{Base: c, Disp: v * s.bytes()}, mask, p.columns[0])
			if v == vectors-1 {
				ADDQ(widthC, c)
			}
		}
		if transposed {
			ADDQ(Imm(uint64(4*rows)), a)
		} else {
			for range rows {
				ADDQ(widthA, a)
			}
		}
		SUBQ(Imm(uint64(rows)), m)
		JMP(LabelRef("rows"))
	}
}

// step is a step of a product along l.
type step struct {
	*isa
	transposed     bool
	widthA, widthB reg.GPPhysical
	upper, lower   reg.GPPhysical // the first and the fifth row of A, or the first column
	row3           reg.GPPhysical // three rows of A
	next           reg.GPPhysical // the row of B

	tile, columns, values []reg.VecPhysical
}

// multiply emits the step at l+at, where at is 0 or 1.
func (p step) multiply(at int) {
	vectors := len(p.columns)
	for v, r := range p.columns {
		from := Mem{Base: p.next, Disp: v * p.bytes()}
		if at > 0 {
			from.Index, from.Scale = p.widthB, 1
		}
		VMOVUPS(from, r)
	}
	for i := range len(p.tile) / vectors {
		value := p.element(i, at)
		if p.isa == wide && vectors == 1 {
			VFMADD231PS_BCST(value, p.columns[0], p.tile[i])
			continue
		}
		x := p.values[i%len(p.values)]
		VBROADCASTSS(value, x)
		for v, r := range p.columns {
			VFMADD231PS(r, x, p.tile[i*vectors+v])
		}
	}
}

// element is the place of row i of A at l+at.
func (p step) element(i, at int) Mem {
	if p.transposed {
		value := Mem{Base: p.upper, Disp: 4 * i}
		if at > 0 {
			value.Index, value.Scale = p.widthA, 1
		}
		return value
	}
	value := Mem{Base: []reg.GPPhysical{p.upper, p.lower}[i/4], Disp: 4 * at}
	switch i % 4 {
	case 1, 2:
		value.Index, value.Scale = p.widthA, uint8(i%4)
	case 3:
		value.Index, value.Scale = p.row3, 1
	}
	return value
}

// advance moves on by two.
func (p step) advance() {
	LEAQ(Mem{Base: p.next, Index: p.widthB, Scale: 2}, p.next)
	switch {
	case p.transposed:
		LEAQ(Mem{Base: p.upper, Index: p.widthA, Scale: 2}, p.upper)
	case len(p.tile)/len(p.columns) > 4:
		ADDQ(Imm(8), p.lower)
		fallthrough
	default:
		ADDQ(Imm(8), p.upper)
	}
}

// pack transposes some rows, a block of as many columns as rows at a time.
func (s *isa) pack() {
	dst, src, stride, rows, cols := reg.RDI, reg.RSI, reg.R8, reg.R9, reg.R10
	name := s.begin("pack", "dst, src *float32, stride, rows, cols int", fmt.Sprintf(`transposes up to %d rows into a packed panel:

	for j := range rows {
		for l := range cols {
			dst[l*%d+j] = src[j*stride+l]
		}
	}

What it writes is rounded up to %d in both directions; the rest has no meaning.`, s.lanes, tile, s.lanes),
		parameter{"dst", dst}, parameter{"src", src}, parameter{"stride", stride}, parameter{"rows", rows}, parameter{"cols", cols})
	SHLQ(Imm(2), stride)
	n := s.lanes
	in, out := s.reg[:n/2*2], s.reg[n:]
	if s != wide {
		in, out = s.reg[:8], s.reg[8:16]
	}
	mask := s.tails(name, out[0])
	at, next := reg.RBX, reg.RDX
	Label("block")
	MOVQ(U32(uint32(n)), reg.RCX)
	CMPQ(cols, reg.RCX)
	CMOVQLT(cols, reg.RCX)
	mask.first(reg.RCX)
	// Past the last row, it is read again.
	MOVQ(src, at)
	for j := range n {
		mask.load(Mem{Base: at}, in[j])
		if j < n-1 {
			LEAQ(Mem{Base: at, Index: stride, Scale: 1}, next)
			CMPQ(rows, Imm(uint64(j+1)))
			CMOVQGT(next, at)
		}
	}
	for i := 0; i < n; i += 2 {
		VUNPCKLPS(in[i+1], in[i], out[i])
		VUNPCKHPS(in[i+1], in[i], out[i+1])
	}
	for i := 0; i < n; i += 4 {
		VUNPCKLPD(out[i+2], out[i], in[i])
		VUNPCKHPD(out[i+2], out[i], in[i+1])
		VUNPCKLPD(out[i+3], out[i+1], in[i+2])
		VUNPCKHPD(out[i+3], out[i+1], in[i+3])
	}
	// Lane L of in[4g+c] is column 4L+c of rows 4g to 4g+3.
	for c := range 4 {
		if s != wide {
			VPERM2F128(Imm(0x20), in[4+c], in[c], out[c])
			VPERM2F128(Imm(0x31), in[4+c], in[c], out[4+c])
			continue
		}
		even, odd := out[4*c:4*c+2], out[4*c+2:4*c+4]
		for h := range 2 {
			VSHUFF32X4(Imm(0x88), in[8*h+4+c], in[8*h+c], even[h])
			VSHUFF32X4(Imm(0xdd), in[8*h+4+c], in[8*h+c], odd[h])
		}
		VSHUFF32X4(Imm(0x88), even[1], even[0], in[c])
		VSHUFF32X4(Imm(0x88), odd[1], odd[0], in[4+c])
		VSHUFF32X4(Imm(0xdd), even[1], even[0], in[8+c])
		VSHUFF32X4(Imm(0xdd), odd[1], odd[0], in[12+c])
	}
	if s == wide {
		out = in
	}
	for l := range n {
		VMOVUPS(out[l], Mem{Base: dst, Disp: 4 * tile * l})
	}
	ADDQ(U32(uint32(4*tile*n)), dst)
	ADDQ(Imm(uint64(s.bytes())), src)
	SUBQ(Imm(uint64(n)), cols)
	JG(LabelRef("block"))
	end()
}
