package decode

import "github.com/zeebo/xxh3"

// Masks stand for the variable parts of a message.
const (
	maskNumber = "<num>"
	maskHex    = "<hex>"
	maskUUID   = "<uuid>"
	maskIP     = "<ip>"
	maskPath   = "<path>"
	maskID     = "<id>"
)

// tokens splits a message. Tokens are what stands between blanks and the
// characters of isSplit, without the quotes, points and colons around it.
// Variable parts are replaced by masks, ASCII letters by small ones; other
// bytes are taken as they are, valid UTF-8 or not.
type tokens struct {
	rest    []byte
	scratch []byte
}

// start begins a message.
func (t *tokens) start(message []byte) { t.rest = message }

// next returns the next token, valid until the next call; nil is the end.
func (t *tokens) next() []byte {
	for {
		i := 0
		for i < len(t.rest) && isSplit(t.rest[i]) {
			i++
		}
		from := i
		for i < len(t.rest) && !isSplit(t.rest[i]) {
			i++
		}
		if i == from {
			t.rest = nil
			return nil
		}
		word := t.rest[from:i]
		t.rest = t.rest[i:]
		if word = trimToken(word); len(word) == 0 {
			continue
		}
		mask := maskOf(word)
		t.scratch = t.scratch[:0]
		if mask != "" {
			t.scratch = append(t.scratch, mask...)
			return t.scratch
		}
		for _, c := range word {
			if c-'A' < 26 {
				c |= 0x20
			}
			t.scratch = append(t.scratch, c)
		}
		return t.scratch
	}
}

func isSplit(c byte) bool {
	switch c {
	case '=', ',', ';', '(', ')', '[', ']', '{', '}', '<', '>', '|', '"':
		return true
	}
	return c <= ' ' || c == 0x7f
}

func trimToken(w []byte) []byte {
	for len(w) > 0 && isEdge(w[len(w)-1]) {
		w = w[:len(w)-1]
	}
	for len(w) > 0 && w[0] != '.' && w[0] != '/' && isEdge(w[0]) {
		w = w[1:]
	}
	return w
}

func isEdge(c byte) bool {
	switch c {
	case '.', ':', '!', '?', '\'', '`', '*', '/':
		return true
	}
	return false
}

// maskOf returns what stands for a token that varies from line to line: a
// number, which may have a sign, a fraction, an exponent and a unit of up to
// three letters; a hexadecimal number with 0x, or of eight digits or more with
// one from 0 to 9; a UUID; an address of IPv4 or IPv6, which may begin with a
// slash and end in a port; a path; any other word with a digit in it.
func maskOf(w []byte) string {
	digits, slashes, colons, points := 0, 0, 0, 0
	for _, c := range w {
		switch {
		case c-'0' <= 9:
			digits++
		case c == '/' || c == '\\':
			slashes++
		case c == ':':
			colons++
		case c == '.':
			points++
		}
	}
	if slashes > 0 && (slashes > 1 || w[0] == '/') {
		if w[0] == '/' && slashes == 1 && isIPv4(w[1:]) {
			return maskIP
		}
		return maskPath
	}
	if digits == 0 {
		if colons >= 2 && isIPv6(w) {
			return maskIP
		}
		return ""
	}
	switch {
	case isNumber(w):
		return maskNumber
	case points >= 3 && isIPv4(w), colons >= 2 && isIPv6(w):
		return maskIP
	case isUUID(w):
		return maskUUID
	case isHex(w):
		return maskHex
	}
	return maskID
}

func isNumber(w []byte) bool {
	_, i := plainNumber(w, 0, '.')
	if i < 0 {
		return false
	}
	if i < len(w) && w[i] == '%' {
		i++
	}
	for n := 0; i < len(w) && n < 3 && w[i]|0x20-'a' < 26; n++ {
		i++
	}
	return i == len(w)
}

// isIPv4 knows a.b.c.d with an optional port.
func isIPv4(w []byte) bool {
	i := 0
	for part := range 4 {
		if part > 0 {
			if i >= len(w) || w[i] != '.' {
				return false
			}
			i++
		}
		var v int
		if i = digitsAt(w, i, 1, 3, &v); i < 0 || v > 255 {
			return false
		}
	}
	if i < len(w) && w[i] == ':' {
		var port int
		if i = digitsAt(w, i+1, 1, 5, &port); i < 0 {
			return false
		}
	}
	return i == len(w)
}

// isIPv6 knows groups of up to four hexadecimal digits between two to seven
// colons, one pair of which may be adjacent. Times such as 10:20:30 look alike
// and are masked alike.
func isIPv6(w []byte) bool {
	colons, run, pairs := 0, 0, 0
	for i, c := range w {
		switch {
		case c == ':':
			if i > 0 && w[i-1] == ':' {
				pairs++
			}
			colons++
			run = 0
		case isHexDigit(c):
			if run++; run > 4 {
				return false
			}
		default:
			return false
		}
	}
	return colons >= 2 && colons <= 7 && pairs <= 1
}

func isUUID(w []byte) bool {
	if len(w) != 36 {
		return false
	}
	for i, c := range w {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isHexDigit(c) {
			return false
		}
	}
	return true
}

func isHex(w []byte) bool {
	if len(w) > 2 && w[0] == '0' && w[1]|0x20 == 'x' {
		w = w[2:]
	} else if len(w) < 8 {
		return false
	}
	for _, c := range w {
		if !isHexDigit(c) {
			return false
		}
	}
	return true
}

func isHexDigit(c byte) bool { return c-'0' <= 9 || c|0x20-'a' < 6 }

// hashToken is XXH3 of 64 bits with the seed 0, of the token as next returns it.
func hashToken(token []byte) uint64 { return xxh3.Hash(token) }

// bucket maps the upper half of a hash to 0..n-1 by multiplication.
func bucket(h uint64, n int) int { return int((h >> 32) * uint64(n) >> 32) }

// tokenSign is the sign of a token, from the lowest bit of its hash.
func tokenSign(h uint64) float64 {
	if h&1 == 0 {
		return 1
	}
	return -1
}

// chain adds a token's hash to that of the template before it:
//
//	h = (template ^ token) * 0x9e3779b97f4a7c15, rotated left by 31 bits
func chain(template, token uint64) uint64 {
	h := (template ^ token) * 0x9e3779b97f4a7c15
	return h<<31 | h>>33
}
