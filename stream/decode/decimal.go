package decode

import "math/bits"

// maxDecimal bounds the bytes of a decimal without its sign's repetitions: no
// float64 has more before the point.
const maxDecimal = 128

// fraction takes the number of a decimal: two's complement with the high byte
// first, divided by 10^scale. It is rounded once, as the number's text would be.
func (a *avroReader) fraction(t *target, b []byte, scale int) {
	neg := len(b) > 0 && b[0] >= 0x80
	sign := byte(0)
	if neg {
		sign = 0xff
	}
	for len(b) > 0 && b[0] == sign {
		b = b[1:]
	}
	if len(b) > maxDecimal {
		a.opaque(t, b)
		return
	}
	if len(b) < 8 && t.plain() && scale < len(pow10) {
		var m uint64
		for _, c := range b {
			m = m<<8 | uint64(c^sign)
		}
		if neg {
			m++
		}
		if m < 1<<53 {
			v := float64(m) / pow10[scale]
			if neg {
				v = -v
			}
			a.put(t, v)
			return
		}
	}
	a.numeral = a.appendDecimal(a.numeral[:0], b, sign, scale)
	a.number(t, a.numeral, parseFloat(a.numeral))
}

// appendDecimal appends the decimal text of a number.
func (a *avroReader) appendDecimal(dst, b []byte, sign byte, scale int) []byte {
	// The magnitude in limbs of 32 bits, the lowest first.
	limbs := a.limbs[:0]
	for end := len(b); end > 0; end -= 4 {
		var v uint32
		for _, c := range b[max(0, end-4):end] {
			v = v<<8 | uint32(c^sign)
		}
		limbs = append(limbs, v)
	}
	if sign != 0 {
		carry := uint32(1)
		for k := range limbs {
			// Bits above those of b are 0 here, for b is not repeated sign.
			limbs[k], carry = bits.Add32(limbs[k], 0, carry)
		}
		if carry > 0 {
			limbs = append(limbs, 1)
		}
	}
	a.limbs = limbs
	if sign != 0 {
		dst = append(dst, '-')
	}
	// Digits from the last to the first, nine at a time.
	start := len(dst)
	for digits := 0; len(limbs) > 0 || digits <= scale; {
		rest := uint64(0)
		for k := len(limbs) - 1; k >= 0; k-- {
			rest = rest<<32 | uint64(limbs[k])
			limbs[k] = uint32(rest / 1e9)
			rest %= 1e9
		}
		for len(limbs) > 0 && limbs[len(limbs)-1] == 0 {
			limbs = limbs[:len(limbs)-1]
		}
		for range 9 {
			if len(limbs) == 0 && rest == 0 && digits > scale {
				break
			}
			if digits == scale && scale > 0 {
				dst = append(dst, '.')
			}
			dst = append(dst, byte('0'+rest%10))
			rest /= 10
			digits++
		}
	}
	for i, j := start, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}
