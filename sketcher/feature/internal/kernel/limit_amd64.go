//go:build amd64 && !noasm

package kernel

import "github.com/klauspost/cpuid/v2"

// fmaNumbers is how many numbers fma512 works on, and at least as many as fma256.
const fmaNumbers = 192

// MultiplyAdds does at least n fused multiply-adds of binary32 in the widest
// registers of this processor, with no memory and no other arithmetic beside them,
// and returns how many it did; none if the processor has no such instruction.
func MultiplyAdds(n int) int {
	var x [fmaNumbers]float32
	return multiplyAdds(&x, n)
}

func multiplyAdds(x *[fmaNumbers]float32, n int) int {
	run, each := fma512, 2*fmaNumbers
	switch {
	case n <= 0 || !cpuid.CPU.Supports(cpuid.FMA3, cpuid.AVX2):
		return 0
	case !cpuid.CPU.Supports(cpuid.AVX512F):
		run, each = fma256, fmaNumbers
	}
	rounds := (n + each - 1) / each
	run(&x[0], rounds)
	return rounds * each
}
