package feature

import "math"

// The logarithm and the exponential are computed here, in a fixed order of
// binary64 operations whose products are never fused, because the standard
// library's may differ between architectures and a sketch must not.

const (
	// ln2 is split so that k*ln2High is exact for |k| < 2^11.
	ln2High = 0x1.62e42fee00000p-1
	ln2Low  = 0x1.a39ef35793c76p-33
)

// log1p returns log(1+x), and NaN for x <= -1.
func log1p(x float64) float64 {
	switch {
	case !(x > -1):
		return math.NaN()
	case math.IsInf(x, 1):
		return x
	case x > -0.29 && x < 0.41:
		return logNear1(x)
	}
	// 1 + x = u + c, u = 2^k (1+f), with c what rounding u lost.
	u := 1 + x
	var c float64
	if x < 1 {
		c = 1 - (u - x)
	} else if x < 1<<53 {
		c = x - (u - 1)
	}
	k, f := split(u)
	t := logNear1(f) + float64(c/u)
	return float64(float64(k)*ln2High) + (t + float64(float64(k)*ln2Low))
}

// split writes u > 0 as 2^k (1+f) with 1+f in [sqrt(1/2), sqrt(2)).
func split(u float64) (k int, f float64) {
	f, k = math.Frexp(u)
	if f < math.Sqrt2/2 {
		f *= 2
		k--
	}
	return k, f - 1
}

// logNear1 returns log(1+f) for 1+f in about [sqrt(1/2), sqrt(2)]. With
// s = f/(2+f),
//
//	log(1+f) = 2 atanh(s) = f - s (f - R),  R = 2 (s^2/3 + s^4/5 + ...)
func logNear1(f float64) float64 {
	s := float64(f / (2 + f))
	z := float64(s * s)
	r := 0.0
	for i := len(atanh) - 1; i >= 0; i-- {
		r = float64(z * (atanh[i] + r))
	}
	return f - float64(s*(f-r))
}

// atanh is 2/3, 2/5, ...: the terms left out are below 2^-58 of the sum.
var atanh = [...]float64{2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23}

// asinh returns log(x + sqrt(x^2+1)).
func asinh(x float64) float64 {
	a := math.Abs(x)
	var y float64
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0) || a < 0x1p-28:
		return x
	case a < 0x1p28:
		z := float64(a * a)
		y = log1p(a + float64(z/(1+math.Sqrt(1+z))))
	default:
		// asinh(a) = log(2a) + 1/(4 a^2) - ...; 1 + (a-1) is a again.
		y = log1p(a-1) + math.Ln2
	}
	return math.Copysign(y, x)
}

// expm1 returns e^y - 1.
func expm1(y float64) float64 {
	switch {
	case math.IsNaN(y) || math.IsInf(y, 1) || y == 0:
		return y
	case y > 709.8:
		return math.Inf(1)
	case y < -40:
		return -1
	}
	// y = k ln 2 + r, |r| <= ln(2)/2, and e^y - 1 = 2^k (e^r - 1) + (2^k - 1).
	k := math.RoundToEven(float64(y / math.Ln2))
	r := (y - float64(k*ln2High)) - float64(k*ln2Low)
	e := 0.0
	for n := 15.0; n > 1; n-- {
		e = float64((e + 1) * float64(r/n))
	}
	e = float64((e + 1) * r)
	if k == 0 {
		return e
	}
	if k > 1000 {
		return math.Ldexp(e+1, int(k))
	}
	p := math.Ldexp(1, int(k))
	return float64(p*e) + (p - 1)
}

// sinh returns (e^y - e^-y)/2.
func sinh(y float64) float64 {
	a := math.Abs(y)
	var x float64
	if a < 700 {
		t := expm1(a)
		x = float64((t + float64(t/(t+1))) / 2)
	} else {
		h := expm1(float64(a / 2))
		x = float64(float64(h/2) * h)
	}
	return math.Copysign(x, y)
}
