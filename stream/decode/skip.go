package decode

// maxDepth is the number of nested containers that encoding/json allows.
const maxDepth = 10000

// word returns the index behind true, false or null at b[i], or -1.
func word(b []byte, i int) int {
	rest := b[i:]
	switch {
	case len(rest) >= 4 && (string(rest[:4]) == "true" || string(rest[:4]) == "null"):
		return i + 4
	case len(rest) >= 5 && string(rest[:5]) == "false":
		return i + 5
	}
	return -1
}

// skip checks the value at b[i], at which there is a byte, and returns the
// index behind it, or -1.
func skip(b []byte, i, depth int) int {
	switch c := b[i]; c {
	case '"':
		next, _ := quoted(b, i)
		return next
	case 't', 'f', 'n':
		return word(b, i)
	case '{', '[':
		depth++
		if depth > maxDepth {
			return -1
		}
		end := c + 2 // the closing bracket in ASCII
		i = space(b, i+1)
		if i < len(b) && b[i] == end {
			return i + 1
		}
		for {
			if c == '{' {
				if i >= len(b) || b[i] != '"' {
					return -1
				}
				if i, _ = quoted(b, i); i < 0 {
					return -1
				}
				if i = space(b, i); i >= len(b) || b[i] != ':' {
					return -1
				}
				i = space(b, i+1)
			}
			if i >= len(b) {
				return -1
			}
			if i = skip(b, i, depth); i < 0 {
				return -1
			}
			if i = space(b, i); i >= len(b) {
				return -1
			}
			if b[i] == end {
				return i + 1
			}
			if b[i] != ',' {
				return -1
			}
			i = space(b, i+1)
		}
	}
	return skipNumber(b, i)
}
