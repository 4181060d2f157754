package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// panel multiplies into a panel of C that is as many vectors wide, in tiles of
// rows that stay in registers.
func (s *isa) panel(vectors int) {
	c, a, b := reg.RDX, reg.RSI, reg.RDI
	m, k := reg.RCX, reg.R8
	widthC, rowA, stepA, widthB := reg.R9, reg.R10, reg.R11, reg.R12
	s.begin(fmt.Sprintf("panel%dx", vectors), "c, a, b *float32, m, k, widthC, rowA, stepA, widthB int, mask "+s.mask,
		fmt.Sprintf(`adds a product to a panel of C that is %d columns wide, or less by the
mask. Each element is a chain of fused multiply-adds in increasing order of l:

	for i := range m {
		for j := range columns {
			for l := range k {
				c[i*widthC+j] += a[i*rowA+l*stepA] * b[l*widthB+j]
			}
		}
	}`, vectors*s.lanes),
		parameter{"c", c}, parameter{"a", a}, parameter{"b", b}, parameter{"m", m}, parameter{"k", k},
		parameter{"widthC", widthC}, parameter{"rowA", rowA}, parameter{"stepA", stepA}, parameter{"widthB", widthB})
	if s == wide {
		s.loadMask(reg.RAX)
	}
	for _, r := range []reg.GPPhysical{widthC, rowA, stepA, widthB} {
		SHLQ(Imm(2), r)
	}
	row3, upper, lower, next, left := reg.R13, reg.RAX, reg.RBX, reg.R14, reg.R15
	LEAQ(Mem{Base: rowA, Index: rowA, Scale: 2}, row3)

	// Two tiles share what is more than one and less than two.
	Label("rows")
	MOVQ(m, upper)
	CMPQ(m, Imm(uint64(s.rows)))
	JLE(LabelRef("choose"))
	MOVQ(U32(uint32(s.rows)), upper)
	CMPQ(m, Imm(uint64(2*s.rows)))
	JGE(LabelRef("choose"))
	LEAQ(Mem{Base: m, Disp: 1}, upper)
	SHRQ(Imm(1), upper)
	Label("choose")
	for rows := s.rows; rows > 0; rows-- {
		CMPQ(upper, Imm(uint64(rows)))
		JEQ(LabelRef(fmt.Sprintf("tile%d", rows)))
	}
	end()

	for rows := s.rows; rows > 0; rows-- {
		tile := s.reg[:rows*vectors]
		columns, values := s.reg[s.rows*vectors:][:vectors], s.reg[s.rows*vectors+vectors:]
		values = values[:min(len(values), 8)]
		loop := fmt.Sprintf("step%d", rows)
		Label(fmt.Sprintf("tile%d", rows))
		mask := upper // as long as it is free
		if s != wide {
			s.loadMask(mask)
		}
		MOVQ(c, next)
		for i, r := range tile {
			v := i % vectors
			s.loadColumns(v, Mem{Base: next, Disp: v * s.bytes()}, r, mask, columns[0])
			if v == vectors-1 && i < len(tile)-1 {
				ADDQ(widthC, next)
			}
		}
		MOVQ(a, upper)
		if rows > 4 {
			LEAQ(Mem{Base: a, Index: rowA, Scale: 4}, lower)
		}
		MOVQ(b, next)
		MOVQ(k, left)
		align()
		Label(loop)
		for v, r := range columns {
			from := Mem{Base: next, Disp: v * s.bytes()}
			if s == wide {
				VMOVUPS_Z(from, kmask[v], r)
			} else {
				VMOVUPS(from, r)
			}
		}
		for i := range rows {
			base := []reg.GPPhysical{upper, lower}[i/4]
			value := Mem{Base: base}
			switch i % 4 {
			case 1, 2:
				value.Index, value.Scale = rowA, uint8(i%4)
			case 3:
				value.Index, value.Scale = row3, 1
			}
			if s == wide && vectors == 1 {
				VFMADD231PS_BCST(value, columns[0], tile[i])
				continue
			}
			x := values[i%len(values)]
			VBROADCASTSS(value, x)
			for v, r := range columns {
				VFMADD231PS(r, x, tile[i*vectors+v])
			}
		}
		ADDQ(stepA, upper)
		if rows > 4 {
			ADDQ(stepA, lower)
		}
		ADDQ(widthB, next)
		DECQ(left)
		JNE(LabelRef(loop))
		if s != wide {
			s.loadMask(mask)
		}
		for i, r := range tile {
			v := i % vectors
			s.storeColumns(v, r, Mem{Base: c, Disp: v * s.bytes()}, mask, columns[0])
			if v == vectors-1 {
				ADDQ(widthC, c)
				ADDQ(rowA, a)
			}
		}
		SUBQ(Imm(uint64(rows)), m)
		JMP(LabelRef("rows"))
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
