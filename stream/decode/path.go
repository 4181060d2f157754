package decode

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxIndex bounds the array elements that a path can name.
const maxIndex = 1 << 16

// parsePath splits a path into names. The path "$" gives none.
func parsePath(path string) ([]string, error) {
	bad := func(why string) ([]string, error) {
		return nil, fmt.Errorf("path %q %s: write names joined by dots, elements as values[3], and \\. for a dot within a name", path, why)
	}
	if path == "" {
		return bad("is empty")
	}
	if !utf8.ValidString(path) {
		return bad("is not UTF-8")
	}
	rest := path
	if rest == "$" {
		return nil, nil
	}
	if strings.HasPrefix(rest, "$.") {
		rest = rest[2:]
	} else if strings.HasPrefix(rest, "$[") {
		rest = rest[1:]
	}
	var names []string
	var name strings.Builder
	// open says that a name is being read or must follow.
	open := !strings.HasPrefix(rest, "[")
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '[':
			if open {
				if name.Len() == 0 {
					return bad("has an empty name")
				}
				names = append(names, name.String())
				name.Reset()
				open = false
			}
			end := strings.IndexByte(rest[i:], ']')
			if end < 0 {
				return bad("has a [ without ]")
			}
			digits := rest[i+1 : i+end]
			if elementIndex(digits) < 0 {
				return bad(fmt.Sprintf("has the element [%s], which is no index from 0 to %d", digits, maxIndex-1))
			}
			names = append(names, digits)
			i += end
		case c == '.':
			if open {
				if name.Len() == 0 {
					return bad("has an empty name")
				}
				names = append(names, name.String())
				name.Reset()
			}
			open = true
		case !open:
			return bad("has text after ]")
		case c == '\\':
			i++
			if i == len(rest) {
				return bad("ends in a backslash")
			}
			name.WriteByte(rest[i])
		default:
			name.WriteByte(c)
		}
	}
	if open {
		if name.Len() == 0 {
			return bad("has an empty name")
		}
		names = append(names, name.String())
	}
	return names, nil
}

// elementIndex returns the array index that a name can stand for, or -1.
func elementIndex(name string) int {
	if name == "" || len(name) > 5 || len(name) > 1 && name[0] == '0' {
		return -1
	}
	k := 0
	for i := 0; i < len(name); i++ {
		c := name[i] - '0'
		if c > 9 {
			return -1
		}
		k = k*10 + int(c)
	}
	if k >= maxIndex {
		return -1
	}
	return k
}

// SplitPath returns the names of a path; "$" has none.
func SplitPath(path string) ([]string, error) { return parsePath(path) }
