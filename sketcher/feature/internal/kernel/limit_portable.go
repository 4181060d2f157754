//go:build !amd64 || noasm

package kernel

// MultiplyAdds would do fused multiply-adds in vectors, of which this build has none.
func MultiplyAdds(n int) int { return 0 }
