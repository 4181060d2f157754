package safetensors

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// scanner reads a header in canonical spelling. It is as strict as it takes to
// attribute every byte; order and escapes are checked by rebuilding the header.
type scanner struct {
	head []byte // without the length field
	pos  int
	data []byte // all tensors' bytes
	end  int    // of the tensors so far, in data
}

var errSpelling = errors.New("not a header in canonical form")

func (s *scanner) file() (*File, error) {
	f := &File{Metadata: map[string]string{}}
	if !s.accept(`{"` + metadataName + `":{`) {
		return nil, errSpelling
	}
	for more := true; more; more = s.accept(",") {
		k, err := s.text()
		if err != nil {
			return nil, err
		}
		if _, ok := f.Metadata[k]; ok || !s.accept(":") {
			return nil, errSpelling
		}
		if f.Metadata[k], err = s.text(); err != nil {
			return nil, err
		}
	}
	if !s.accept("}") {
		return nil, errSpelling
	}
	for s.accept(",") {
		t, err := s.tensor()
		if err != nil {
			return nil, err
		}
		f.Tensors = append(f.Tensors, t)
	}
	if !s.accept("}") {
		return nil, errSpelling
	}
	for s.accept(" ") {
	}
	if s.pos != len(s.head) {
		return nil, errSpelling
	}
	if s.end != len(s.data) {
		return nil, fmt.Errorf("the tensors take %d bytes, found %d", s.end, len(s.data))
	}
	return f, nil
}

func (s *scanner) tensor() (t Tensor, err error) {
	if t.Name, err = s.text(); err != nil {
		return t, err
	}
	if !s.accept(`:{"dtype":`) {
		return t, errSpelling
	}
	dtype, err := s.text()
	if err != nil {
		return t, err
	}
	t.DType = DType(dtype)
	if !s.accept(`,"shape":`) {
		return t, errSpelling
	}
	if t.Shape, err = s.ints(); err != nil {
		return t, err
	}
	if !s.accept(`,"data_offsets":`) {
		return t, errSpelling
	}
	offsets, err := s.ints()
	if err != nil {
		return t, err
	}
	if !s.accept("}") || len(offsets) != 2 {
		return t, errSpelling
	}
	n, err := size(t.DType, t.Shape)
	if err != nil {
		return t, err
	}
	if n > len(s.data)-s.end || offsets[0] != s.end || offsets[1] != s.end+n {
		return t, fmt.Errorf("tensor %q of %d bytes at offsets %v, where %d bytes are left at %d", t.Name, n, offsets, len(s.data)-s.end, s.end)
	}
	t.Data = s.data[s.end : s.end+n : s.end+n]
	s.end += n
	return t, check(t)
}

func (s *scanner) accept(want string) bool {
	if len(s.head)-s.pos < len(want) || string(s.head[s.pos:s.pos+len(want)]) != want {
		return false
	}
	s.pos += len(want)
	return true
}

// ints reads a list of integers that are not negative.
func (s *scanner) ints() ([]int, error) {
	if !s.accept("[") {
		return nil, errSpelling
	}
	v := []int{}
	if s.accept("]") {
		return v, nil
	}
	for {
		n, first := 0, s.pos
		for ; s.pos < len(s.head) && s.head[s.pos]-'0' <= 9; s.pos++ {
			digit := int(s.head[s.pos] - '0')
			if n > (math.MaxInt-digit)/10 {
				return nil, fmt.Errorf("a number is too large")
			}
			n = 10*n + digit
		}
		if s.pos == first {
			return nil, errSpelling
		}
		v = append(v, n)
		if s.accept("]") {
			return v, nil
		}
		if !s.accept(",") {
			return nil, errSpelling
		}
	}
}

// text reads a JSON string with the escapes that the format uses.
func (s *scanner) text() (string, error) {
	if !s.accept(`"`) {
		return "", errSpelling
	}
	var b []byte
	for s.pos < len(s.head) {
		c := s.head[s.pos]
		s.pos++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return "", fmt.Errorf("a string is not valid UTF-8")
			}
			return string(b), nil
		case c == '\\':
			c, ok := s.escape()
			if !ok {
				return "", errSpelling
			}
			b = append(b, c)
		default:
			b = append(b, c)
		}
	}
	return "", fmt.Errorf("a string has no end")
}

// escape reads what follows a backslash.
func (s *scanner) escape() (byte, bool) {
	for c := range byte(0x20) {
		if e := escapes[c]; e != 0 && s.accept(string(rune(e))) {
			return c, true
		}
	}
	switch {
	case s.accept(`"`):
		return '"', true
	case s.accept(`\`):
		return '\\', true
	case s.accept("u00") && s.pos+2 <= len(s.head):
		hi, lo := s.head[s.pos]-'0', s.head[s.pos+1]
		if lo -= '0'; lo > 9 {
			lo -= 'a' - '0' - 10
		}
		s.pos += 2
		return hi<<4 | lo&15, hi <= 1
	}
	return 0, false
}
