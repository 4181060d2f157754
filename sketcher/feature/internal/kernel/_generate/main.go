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
	sums512("sums512", madd, 4, 1)
	sums512("sums512vnni", dot, 6, 2, 1)
	sums256()
	halves512()
	quantise512()
	spread512()
	gram512()
	fma("fma512", zmm, 64)
	fma("fma256", ymm, 32)
	Generate()
}

// The coefficients of the polynomials, before they are multiplied by 2048.
var (
	sines   = [5]float32{4.442882834150685, -7.308241154578656, 3.606288958638492, -0.8457635981866104, 0.10920575707384743}
	cosines = [5]float32{1.4142134966405506, -6.9788509922865964, 5.739461229122794, -1.8835632995335314, 0.3106987475835834}
)

const lanes = 32

var (
	zmm = []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}
	ymm = []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
		reg.Y16, reg.Y17, reg.Y18, reg.Y19, reg.Y20, reg.Y21, reg.Y22, reg.Y23, reg.Y24, reg.Y25, reg.Y26, reg.Y27, reg.Y28, reg.Y29, reg.Y30, reg.Y31,
	}
	xmm = []reg.VecPhysical{
		reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7, reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
	}
)

// constants is a table of 32-bit words in the read-only data.
type constants struct {
	table  Mem
	offset int
}

func newConstants(name string) *constants {
	return &constants{table: GLOBL(name, RODATA|NOPTR)}
}

// word adds a word n times, and returns where the first one is.
func (c *constants) word(bits uint32, n int) Mem {
	at := c.table.Offset(c.offset)
	for range n {
		DATA(c.offset, U32(bits))
		c.offset += 4
	}
	return at
}

func (c *constants) float(x float32, n int) Mem { return c.word(math.Float32bits(x), n) }

// doc sets the comment of a declaration, which may have several lines.
func doc(text string) { Doc(strings.Split(text, "\n")...) }

// align starts the next instruction on a line of the cache of decoded instructions,
// so that the speed of a short loop does not depend on where the linker puts it.
func align() {
	Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []Op{Imm(64)}})
}
