package decode

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// Powers of ten that float64 and uint64 hold exactly.
var (
	pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
	pow10u = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}
)

// number reads the JSON number that begins at b[i]. It returns the value that
// strconv.ParseFloat gives, infinite beyond the range of float64, and the index
// behind the number, or -1 if there is none.
func number(b []byte, i int) (float64, int) {
	if v, next := short(b, i); next > 0 {
		return v, next
	}
	start := i
	neg := false
	if i < len(b) && b[i] == '-' {
		neg = true
		i++
	}
	first := i
	if i >= len(b) {
		return 0, -1
	}
	c := b[i] - '0'
	if c > 9 {
		return 0, -1
	}
	m := uint64(c)
	i++
	if c != 0 {
		for i < len(b) {
			c = b[i] - '0'
			if c > 9 {
				break
			}
			m = m*10 + uint64(c)
			i++
		}
	}
	digits := i - first
	frac := 0
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) {
			c = b[i] - '0'
			if c > 9 {
				break
			}
			m = m*10 + uint64(c)
			i++
		}
		frac = i - point
		if frac == 0 {
			return 0, -1
		}
		digits += frac
	}
	exp := -frac
	if i < len(b) && b[i]|0x20 == 'e' {
		e, next := exponent(b, i)
		if next < 0 {
			return 0, -1
		}
		exp += e
		i = next
	}
	if digits <= 19 {
		// m did not overflow.
		if m < 1<<53 && exp >= -22 && exp <= 22 {
			f := float64(m)
			if exp < 0 {
				f /= pow10[-exp]
			} else {
				f *= pow10[exp]
			}
			if neg {
				f = -f
			}
			return f, i
		}
		if exp < 0 && exp >= -19 {
			f := quotient(m, -exp)
			if neg {
				f = -f
			}
			return f, i
		}
		if m > 0 && exp >= 309 {
			// Beyond the range; strconv would allocate an error.
			return math.Inf(sign(neg)), i
		}
	}
	return parseFloat(b[start:i]), i
}

// short reads a number of up to seven characters, beside its sign, and without
// exponent, if eight bytes can be looked at. It returns 0 for all others, valid or
// not.
//
// A byte is a digit if it differs from '0' by at most 9. The sum marks those that
// do not; what it carries reaches no byte before the end of the number.
func short(b []byte, i int) (float64, int) {
	const (
		zeros = 0x3030303030303030
		marks = 0x8080808080808080
		past9 = 0x7676767676767676
	)
	if len(b)-i < 9 {
		return 0, 0
	}
	neg := b[i] == '-'
	if neg {
		i++
	}
	w := binary.LittleEndian.Uint64(b[i:])
	digits := w ^ zeros
	others := (digits + past9 | digits) & marks
	if others == 0 {
		return 0, 0
	}
	at := bits.TrailingZeros64(others) &^ 7 // of the first byte that is no digit
	end, frac := at, 0
	if byte(w>>at) == '.' {
		others &= others - 1
		if others == 0 {
			return 0, 0
		}
		end = bits.TrailingZeros64(others) &^ 7
		if frac = end>>3 - at>>3 - 1; frac == 0 {
			return 0, 0
		}
		before := uint64(1)<<at - 1
		digits = digits&before | digits>>8&^before
		digits <<= 72 - end
	} else {
		digits <<= (64 - at) & 63
	}
	if at == 0 || at > 8 && byte(w) == '0' || byte(w>>end)|0x20 == 'e' {
		return 0, 0
	}
	v := float64(eight(digits)) / pow10[frac]
	if neg {
		v = -v
	}
	return v, i + end>>3
}

// eight returns the number of eight digits, the first one in the lowest byte.
func eight(digits uint64) uint64 {
	const pairs = 0x000000ff000000ff
	digits = digits*10 + digits>>8
	return ((digits&pairs)*(100+1000000<<32) + (digits>>16&pairs)*(1+10000<<32)) >> 32
}

func sign(neg bool) int {
	if neg {
		return -1
	}
	return 1
}

// exponent reads [eE][+-]?[0-9]+ at b[i]. Exponents saturate far outside the
// range that matters.
func exponent(b []byte, i int) (e, next int) {
	i++
	neg := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		neg = b[i] == '-'
		i++
	}
	start := i
	for i < len(b) {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		if e < 1<<20 {
			e = e*10 + int(c)
		}
		i++
	}
	if i == start {
		return 0, -1
	}
	if neg {
		e = -e
	}
	return e, i
}

// quotient returns m / 10^k rounded to nearest even, for m > 0 and 1 ≤ k ≤ 19.
//
// With m and the divisor D shifted to 64 bits, q = floor(m 2^63 / D) has 63 or
// 64 bits; a set last bit for a remainder that is not zero keeps the rounding
// of q to 53 bits correct, and the power of two that remains is exact.
func quotient(m uint64, k int) float64 {
	d := pow10u[k]
	sm, sd := bits.LeadingZeros64(m), bits.LeadingZeros64(d)
	m <<= sm
	d <<= sd
	q, r := bits.Div64(m>>1, m<<63, d)
	if r != 0 {
		q |= 1
	}
	return float64(q) * math.Float64frombits(uint64(1023-63+sd-sm)<<52)
}

// parseFloat is strconv.ParseFloat of text that follows its grammar.
func parseFloat(text []byte) float64 {
	v, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64) // #nosec G103 -- the text does not outlive the call
	return v
}

// skipNumber returns the index behind the JSON number at b[i], or -1.
func skipNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case c == '0':
		i++
	case c-'1' < 9:
		i = skipDigits(b, i+1)
	default:
		return -1
	}
	if i < len(b) && b[i] == '.' {
		next := skipDigits(b, i+1)
		if next == i+1 {
			return -1
		}
		i = next
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		_, i = exponent(b, i)
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}
