//go:build amd64 && !noasm

package kernel

import (
	"slices"

	"github.com/klauspost/cpuid/v2"
)

// available lists the kernels that run here, the fastest first.
func available() []Set {
	var sets []Set
	cpu := &cpuid.CPU
	if cpu.Supports(cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512DQ, cpuid.AVX512BW, cpuid.AVX2, cpuid.FMA3) {
		wide := Set{"avx512", quantiseAVX512, pack, madd512.blocks, momentsAVX512}
		sets = append(sets, wide)
		if cpu.Supports(cpuid.AVX512VNNI) {
			split := wide
			split.Name, split.Blocks = "avx512vnni", vnni512.blocks
			// A product of 32 bits takes two slots on Intel's processors
			// and one on others, which gain nothing from splitting it.
			at := 1
			if cpu.VendorID == cpuid.Intel {
				at = 0
			}
			sets = slices.Insert(sets, at, split)
		}
	}
	if cpu.Supports(cpuid.AVX2, cpuid.FMA3) {
		sets = append(sets, Set{"avx2", PortableQuantise, pack, madd256.blocks, PortableMoments})
	}
	return append(sets, portable)
}
