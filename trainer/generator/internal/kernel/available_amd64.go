//go:build amd64 && !noasm

package kernel

import "github.com/klauspost/cpuid/v2"

// available lists the kernels that run here, the fastest first.
var available = func() (sets []*Set) {
	cpu := &cpuid.CPU
	if cpu.Supports(cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512DQ, cpuid.AVX512BW, cpuid.AVX2, cpuid.FMA3) {
		sets = append(sets, avx512)
	}
	if cpu.Supports(cpuid.AVX2, cpuid.FMA3) {
		sets = append(sets, avx2)
	}
	return append(sets, portable)
}()
