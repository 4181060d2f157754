package decode

import (
	"bytes"
	"fmt"
	"strings"
)

// line is the template of a line: literals with fields between them. A run of
// blanks in a literal stands for one blank or more. A field takes the shortest
// text behind which its literal follows, and the last literal ends the line;
// the field of the time takes what the clock reads.
type line struct {
	fields   []lineField
	literals [][]byte // one more than fields, the first before them
	clock    int      // the field that is a time, -1 if none
}

// lineField is one placeholder. Without a name its text is not used.
type lineField struct {
	name       string
	number     bool
	start, end int // in the line that was matched last
}

// parseLine reads a template; clock is the name of the field of the time.
func parseLine(text, clock string) (*line, error) {
	p := &line{clock: -1}
	var lit []byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '<' || text[i+1] == '\\'):
			i++
			lit = append(lit, text[i])
		case c == '<':
			end := strings.IndexByte(text[i:], '>')
			if end < 0 {
				return nil, fmt.Errorf("pattern %q has a < without >: write \\< for the character", text)
			}
			f, err := parseField(text[i+1 : i+end])
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", text, err)
			}
			if len(p.fields) > 0 && len(lit) == 0 {
				return nil, fmt.Errorf("pattern %q has two fields with nothing between them: nothing says where the first ends", text)
			}
			for _, other := range p.fields {
				if f.name != "" && other.name == f.name {
					return nil, fmt.Errorf("pattern %q names the field %q twice: rename one, or write <_>", text, f.name)
				}
			}
			if f.name != "" && f.name == clock {
				p.clock = len(p.fields)
			}
			p.fields = append(p.fields, f)
			p.literals = append(p.literals, lit)
			lit = nil
			i += end
		case c == '\t' || c == ' ':
			if n := len(lit); n == 0 || lit[n-1] != ' ' {
				lit = append(lit, ' ')
			}
		default:
			lit = append(lit, c)
		}
	}
	if len(p.fields) == 0 {
		return nil, fmt.Errorf("pattern %q has no <field>", text)
	}
	if len(p.fields) > maxPattern/4 {
		return nil, fmt.Errorf("pattern %q has too many fields", text)
	}
	p.literals = append(p.literals, bytes.TrimRight(lit, " "))
	return p, nil
}

func parseField(text string) (lineField, error) {
	name, kind, typed := strings.Cut(text, ":")
	f := lineField{name: name, number: kind == "number"}
	if typed && kind != "number" && kind != "text" {
		return f, fmt.Errorf("<%s> is of the kind %q: write <%s> for a text or <%s:number>", text, kind, name, name)
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c|0x20-'a' >= 26 && c-'0' > 9 && c != '_' && c != '.' && c != '-' {
			return f, fmt.Errorf("<%s> is no field: names are letters, digits, and _ . -; write \\< for the character", text)
		}
	}
	if name == "" {
		return f, fmt.Errorf("<> has no name: write <_> for a text that is not used, \\< for the character")
	}
	if name == "_" {
		f.name = ""
	}
	return f, nil
}

// match finds the fields of b, which has no blanks at its end. The time is that
// of the clock's field.
func (p *line) match(b []byte, k *clock, now int64) (ms int64, ok bool) {
	i := literalAt(p.literals[0], b, 0)
	if i < 0 {
		return 0, false
	}
	for n := range p.fields {
		f := &p.fields[n]
		lit := p.literals[n+1]
		last := n == len(p.fields)-1
		f.start = i
		if n == p.clock {
			t, size, ok := k.prefix(b[i:], now)
			if !ok {
				return 0, false
			}
			ms = t
			f.end = i + size
			if i = literalAt(lit, b, f.end); i < 0 || last && i != len(b) {
				return 0, false
			}
			continue
		}
		if last && len(lit) == 0 {
			f.end, i = len(b), len(b)
			continue
		}
		if f.end, i = findLiteral(lit, b, i, last); i < 0 {
			return 0, false
		}
	}
	return ms, i == len(b)
}

// literalAt returns the index behind lit at b[i], or -1.
func literalAt(lit, b []byte, i int) int {
	for _, c := range lit {
		if c == ' ' {
			if i = blanks(b, i); i < 0 {
				return -1
			}
			continue
		}
		if i >= len(b) || b[i] != c {
			return -1
		}
		i++
	}
	return i
}

// findLiteral returns where lit first stands at or behind b[i], and the index
// behind it; next is -1 if it stands nowhere. With last it must end b.
func findLiteral(lit, b []byte, i int, last bool) (at, next int) {
	for i <= len(b) {
		if lit[0] == ' ' {
			for i < len(b) && b[i] != ' ' && b[i] != '\t' {
				i++
			}
		} else {
			n := bytes.IndexByte(b[i:], lit[0])
			if n < 0 {
				return 0, -1
			}
			i += n
		}
		if next = literalAt(lit, b, i); next >= 0 && (!last || next == len(b)) {
			return i, next
		}
		if lit[0] == ' ' && i < len(b) {
			// What fails at one blank of a run fails at the others.
			i = blanks(b, i)
		} else {
			i++
		}
	}
	return 0, -1
}
