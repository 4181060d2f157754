// Command generate writes the assembly of package kernel and its declarations.
// In this folder:
//
//	go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel
package main

import (
	"math"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	for _, s := range []*isa{wide, narrow} {
		for _, transposed := range []bool{true, false} {
			s.panel(2, transposed)
			s.panel(1, transposed)
		}
		s.pack()
		s.sums()
		s.pull()
		s.tanh()
		s.through()
		s.adam()
		s.average()
		s.add()
	}
	Generate()
}

// tile is the number of frequencies of a tile, and of columns of a packed panel.
const tile = 32

var (
	zmm = []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}
	ymm = []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	}
	xmm = []reg.VecPhysical{
		reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7, reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
	}
)

// isa is one of the two instruction sets, and what differs between them.
type isa struct {
	suffix string
	reg    []reg.VecPhysical
	lanes  int
	rows   int // of a tile of a product
	mask   string
}

var (
	wide   = &isa{suffix: "512", reg: zmm, lanes: 16, rows: 8, mask: "uint32"}
	narrow = &isa{suffix: "256", reg: ymm, lanes: 8, rows: 6, mask: "*int32"}
)

func (s *isa) bytes() int { return 4 * s.lanes }

// parameter is a parameter of a function and the register it is loaded to.
type parameter struct {
	name string
	to   reg.GPPhysical
}

// begin starts a function and loads its parameters.
func (s *isa) begin(name, signature, comment string, parameters ...parameter) string {
	name += s.suffix
	TEXT(name, NOSPLIT, "func("+signature+")")
	Pragma("noescape")
	Doc(strings.Split(name+" "+comment, "\n")...)
	for _, p := range parameters {
		Load(Param(p.name), p.to)
	}
	return name
}

func end() {
	VZEROUPPER()
	RET()
}

func (s *isa) zero(r reg.VecPhysical) {
	if s == wide {
		VPXORQ(r, r, r)
	} else {
		VXORPS(r, r, r)
	}
}

// constants is a table of numbers in the read-only data, each in all lanes where
// the instruction set cannot broadcast an operand.
type constants struct {
	*isa
	table  Mem
	offset int
}

func (s *isa) constants(name string) *constants {
	return &constants{isa: s, table: GLOBL(name+"_constants", RODATA|NOPTR)}
}

func (c *constants) float(x float32) Mem {
	at := c.table.Offset(c.offset)
	n := c.lanes
	if c.isa == wide {
		n = 1
	}
	for range n {
		DATA(c.offset, U32(math.Float32bits(x)))
		c.offset += 4
	}
	return at
}

// set sets all lanes to a constant.
func (s *isa) set(constant Mem, r reg.VecPhysical) { VBROADCASTSS(constant, r) }

// horner sets p = p u + constant.
func (s *isa) horner(constant Mem, u, p reg.VecPhysical) {
	if s == wide {
		VFMADD213PS_BCST(constant, u, p)
	} else {
		VFMADD213PS(constant, u, p)
	}
}

// align starts the next instruction on a line of the cache of decoded instructions,
// so that the speed of a short loop does not depend on where the linker puts it.
func align() {
	Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []Op{Imm(64)}})
}
