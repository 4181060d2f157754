package kernel

import "math"

// Unit is the number of q units in one standard unit, and Limit the largest
// magnitude of q.
const (
	Unit  = 1 << 16
	Limit = 1<<23 - 1
)

// PortableQuantise is [Set.Quantise] in plain Go.
func PortableQuantise(q []int32, x, offset, scale []float64) bool {
	q, offset, scale = q[:len(x)], offset[:len(x)], scale[:len(x)]
	for k, v := range x {
		if !(math.Abs(v) <= math.MaxFloat64) {
			return false
		}
		v = float64(float64((v-offset[k])*scale[k]) * Unit)
		if v > Limit {
			v = Limit
		} else if v < -Limit {
			v = -Limit
		}
		q[k] = int32(math.RoundToEven(v))
	}
	return true
}
