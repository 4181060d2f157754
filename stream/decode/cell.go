package decode

import "math"

// plainNumber reads the longest number at b[i] as people write it in tables:
// beside JSON's grammar a leading plus, leading zeros, .5 and 5. are allowed.
// It returns -1 if there is none.
func plainNumber(b []byte, i int, decimal byte) (float64, int) {
	start := i
	neg := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		neg = b[i] == '-'
		i++
	}
	first := i
	var m uint64
	for i < len(b) {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		m = m*10 + uint64(c)
		i++
	}
	digits, frac := i-first, 0
	point := -1
	if i < len(b) && b[i] == decimal {
		point = i - start
		i++
		from := i
		for i < len(b) {
			c := b[i] - '0'
			if c > 9 {
				break
			}
			m = m*10 + uint64(c)
			i++
		}
		frac = i - from
		digits += frac
	}
	if digits == 0 {
		return 0, -1
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
		f, exact := float64(m), true
		switch {
		case m < 1<<53 && exp < 0 && exp >= -22:
			f /= pow10[-exp]
		case m < 1<<53 && exp >= 0 && exp <= 22:
			f *= pow10[exp]
		case m > 0 && exp < 0 && exp >= -19:
			f = quotient(m, -exp)
		default:
			exact = false
		}
		if exact {
			if neg {
				f = -f
			}
			return f, i
		}
		if m > 0 && exp >= 309 {
			return math.Inf(sign(neg)), i
		}
	}
	if decimal == '.' || point < 0 {
		return parseFloat(b[start:i]), i
	}
	var buffer [64]byte
	text := append(buffer[:0], b[start:i]...)
	text[point] = '.'
	return parseFloat(text), i
}

// ParseNumber reads a whole cell of a table: a decimal number, or NaN or Inf or
// Infinity in any case, each with an optional sign. Hexadecimal numbers and
// underscores, which strconv.ParseFloat knows, are refused.
func ParseNumber(cell []byte) (float64, bool) { return parseCell(cell, '.') }

func parseCell(cell []byte, decimal byte) (float64, bool) {
	if v, next := plainNumber(cell, 0, decimal); next == len(cell) && next > 0 {
		return v, true
	}
	word := cell
	neg := false
	if len(word) > 0 && (word[0] == '-' || word[0] == '+') {
		neg = word[0] == '-'
		word = word[1:]
	}
	switch {
	case equalFold(word, "nan"):
		return math.NaN(), true
	case equalFold(word, "inf"), equalFold(word, "infinity"):
		return math.Inf(sign(neg)), true
	}
	return 0, false
}

// equalFold compares with an ASCII text in lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c|0x20 != lower[i] {
			return false
		}
	}
	return true
}
