//go:build amd64 && !noasm

package kernel

import (
	"testing"

	"github.com/klauspost/cpuid/v2"
)

// Every number tells how many multiply-adds it went through: from 0, x/2 + 1/2
// gives 1 - 2^-k after k of them.
func TestMultiplyAddsDoesWhatItCounts(t *testing.T) {
	for _, f := range []struct {
		name    string
		run     func(x *float32, rounds int)
		numbers int
		ok      bool
	}{
		{"fma512", fma512, fmaNumbers, cpuid.CPU.Supports(cpuid.AVX512F)},
		{"fma256", fma256, fmaNumbers / 2, cpuid.CPU.Supports(cpuid.FMA3, cpuid.AVX2)},
	} {
		if !f.ok {
			continue
		}
		for rounds := range 12 {
			x := make([]float32, fmaNumbers+1)
			f.run(&x[0], rounds)
			for i, got := range x {
				want := float32(0)
				if i < f.numbers {
					want = 1 - 1/float32(int(1)<<(2*rounds))
				}
				if got != want {
					t.Fatalf("%s: number %d is %v after %d rounds, want %v", f.name, i, got, rounds, want)
				}
			}
		}
	}
	for _, n := range []int{-1, 0, 1, 191, 192, 193, 384, 385, 5000} {
		var x [fmaNumbers]float32
		done := multiplyAdds(&x, n)
		if done == 0 && (n <= 0 || !cpuid.CPU.Supports(cpuid.FMA3, cpuid.AVX2)) {
			continue
		}
		if done < n || done >= n+2*fmaNumbers {
			t.Errorf("%d multiply-adds were asked for and %d done", n, done)
		}
	}
}

func BenchmarkMultiplyAdds(b *testing.B) {
	done := 0
	for b.Loop() {
		done += MultiplyAdds(1 << 16)
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "multiply-adds/s")
}
