package sketch

import (
	"math"
	"math/big"
	"math/bits"
)

// wide is a signed 128-bit integer, hi 2^64 + lo.
type wide struct {
	hi int64
	lo uint64
}

func narrow(x int64) wide { return wide{x >> 63, uint64(x)} }

// join returns high 2^32 + low.
func join(high, low int64) wide {
	lo, carry := bits.Add64(uint64(high)<<32, uint64(low), 0)
	return wide{high>>32 + low>>63 + int64(carry), lo}
}

// fits reports whether x is an int64.
func (x wide) fits() bool { return x.hi == int64(x.lo)>>63 }

// high returns floor(x / 2^32), which must fit: |x| < 2^95.
func (x wide) high() int64 { return x.hi<<32 | int64(x.lo>>32) }

func (x wide) less(y wide) bool { return x.hi < y.hi || x.hi == y.hi && x.lo < y.lo }

// within reports whether |x| <= bound.
func (x wide) within(bound wide) bool { return !bound.less(x) && !x.less(bound.negated()) }

func (x wide) negated() wide {
	lo, borrow := bits.Sub64(0, x.lo, 0)
	return wide{-x.hi - int64(borrow), lo}
}

func (x wide) minus(y wide) wide {
	lo, borrow := bits.Sub64(x.lo, y.lo, 0)
	return wide{x.hi - y.hi - int64(borrow), lo}
}

// times returns the exact product of two integers.
func times(x, y int64) wide {
	hi, lo := bits.Mul64(uint64(x), uint64(y))
	return wide{int64(hi) - x>>63&y - y>>63&x, lo}
}

// float returns x within 2 units in the last place, exactly if it fits in 53
// bits.
func (x wide) float() float64 {
	if x.fits() {
		return float64(int64(x.lo))
	}
	if x.hi < 0 {
		return -x.negated().float()
	}
	return float64(math.Ldexp(float64(x.hi), 64)) + float64(x.lo)
}

func (x wide) int() *big.Int {
	z := new(big.Int).Lsh(big.NewInt(x.hi), 64)
	return z.Add(z, new(big.Int).SetUint64(x.lo))
}
