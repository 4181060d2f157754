//go:build amd64 && !noasm

package kernel

func quantiseAVX512(q []int32, x, offset, scale []float64) bool {
	if len(x) == 0 {
		return true
	}
	q, offset, scale = q[:len(x)], offset[:len(x)], scale[:len(x)]
	return quantise512(&q[0], &x[0], &offset[0], &scale[0], len(x)) == 0
}
