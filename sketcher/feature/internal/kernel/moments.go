package kernel

// Wide is the largest number of channels whose products are summed for all
// pairs; records of more channels have their squares summed only.
const Wide = 128

// MaxV is the largest magnitude of v.
const MaxV = 1<<15 - 1

// Pairs returns the number of second moments of d channels: the upper triangle
// up to [Wide] channels, the diagonal above.
func Pairs(d int) int {
	if d > Wide {
		return d
	}
	return d * (d + 1) / 2
}

// Reduce returns v = clamp((q+32) >> 6, ±MaxV): q rounded to a grid of 2^-10
// standard units.
func Reduce(q int32) int32 {
	return min(max((q+32)>>6, -MaxV), MaxV)
}

// PortableMoments is [Moments] in plain Go.
func PortableMoments(first, second []int64, lo, hi, q []int32) {
	d := len(lo)
	if d > Wide {
		squares(first, second, lo, hi, q)
		return
	}
	var buffer [Wide]int64
	v := buffer[:d]
	for ; len(q) >= d; q = q[d:] {
		spread(v, first, lo, hi, q)
		pairs := second
		for k, x := range v {
			row := v[k:]
			sums := pairs[:len(row)]
			for l, y := range row {
				sums[l] += x * y
			}
			pairs = pairs[len(row):]
		}
	}
}

// spread reduces one record, and adds it to the sums and the range.
func spread(v, first []int64, lo, hi, q []int32) {
	first, lo, hi, q = first[:len(v)], lo[:len(v)], hi[:len(v)], q[:len(v)]
	for k := range v {
		x := q[k]
		lo[k], hi[k] = min(lo[k], x), max(hi[k], x)
		v[k] = int64(Reduce(x))
		first[k] += v[k]
	}
}

func squares(first, second []int64, lo, hi, q []int32) {
	d := len(lo)
	first, second, hi = first[:d], second[:d], hi[:d]
	for ; len(q) >= d; q = q[d:] {
		for k, x := range q[:d] {
			lo[k], hi[k] = min(lo[k], x), max(hi[k], x)
			v := int64(Reduce(x))
			first[k] += v
			second[k] += v * v
		}
	}
}
