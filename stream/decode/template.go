package decode

import "encoding/binary"

// template is the layout of a record: the bytes between its values, and what
// each value is for. A record with the same bytes between valid values follows
// the grammar, because the record from which the layout was learnt did, and has
// its fields in the same places. So one comparison a field replaces reading
// names, brackets and spaces; whatever does not fit is left to the scanner.
type template struct {
	literal []byte
	slots   []slot
	status  []uint8 // present for the channels that have a slot
	full    bool    // all have
}

// slot is one value of a template.
type slot struct {
	end   int32 // of the literal before the value
	only  int32 // the channel, if the value is for one channel only, else -1
	node  int32 // the node, -1 for a value that is skipped
	depth int32 // of the containers around the value

	// The first and the last eight bytes of a literal of up to sixteen, so that
	// it is compared at once; the mask has those that a shorter one has.
	head, tail, mask uint64
}

// span is where a record that is being scanned has a value.
type span struct {
	start, end int
	node       int32
	depth      int
}

const (
	maxLayouts = 4       // producers with different layouts in one partition
	maxSlots   = 1 << 13 // values in a layout that is worth learning
	maxLiteral = 1 << 16 // bytes between them
	patience   = 16      // records in a row that fit no layout
	pause      = 256     // records before layouts are tried again
)

// layouts are the templates in use, the one that fitted last in front.
type layouts struct {
	templates []*template
	spans     []span
	misses    int
	pause     int
}

// mark notes a value of the record that is being scanned.
func (l *layouts) mark(start, end int, node int32, depth int) {
	if l.pause == 0 && len(l.spans) <= maxSlots {
		l.spans = append(l.spans, span{start, end, node, depth})
	}
}

// learn makes a template of the record b, which s has scanned. Records with a
// name that occurs twice must not be learnt.
func (l *layouts) learn(s *scanner, b []byte) {
	if l.pause > 0 {
		l.pause--
		return
	}
	if l.misses++; l.misses >= patience {
		l.pause, l.misses = pause, patience/2
		return
	}
	if !l.worth(s, len(b)) {
		return
	}
	var t *template
	if len(l.templates) < maxLayouts {
		t = &template{status: make([]uint8, len(s.status))}
		l.templates = append(l.templates, t)
	} else {
		t = l.templates[maxLayouts-1]
	}
	copy(l.templates[1:], l.templates)
	l.templates[0] = t

	t.literal, t.slots = t.literal[:0], t.slots[:0]
	clear(t.status)
	from := 0
	for _, sp := range l.spans {
		t.literal = append(t.literal, b[from:sp.start]...)
		from = sp.end
		v := slot{end: int32(len(t.literal)), only: -1, node: sp.node, depth: int32(sp.depth)}
		v.words(t.literal[t.end():])
		if sp.node >= 0 {
			v.only = s.nodes[sp.node].only
			for _, k := range s.nodes[sp.node].channels {
				t.status[k] = present
			}
		}
		t.slots = append(t.slots, v)
	}
	t.literal = append(t.literal, b[from:]...)
	t.full = true
	for _, how := range t.status {
		t.full = t.full && how == present
	}
}

// end returns where the literals of the slots end.
func (t *template) end() int {
	if len(t.slots) == 0 {
		return 0
	}
	return int(t.slots[len(t.slots)-1].end)
}

func (v *slot) words(literal []byte) {
	n := min(len(literal), 8)
	var head, tail, mask [8]byte
	copy(head[:], literal)
	copy(tail[:], literal[len(literal)-n:])
	for i := range n {
		mask[i] = 0xff
	}
	v.head, v.tail, v.mask = binary.LittleEndian.Uint64(head[:]), binary.LittleEndian.Uint64(tail[:]), binary.LittleEndian.Uint64(mask[:])
}

// worth refuses records that would make large templates, and those in which a container
// stands for a channel, or a scalar for the array of channels: a template only
// knows channels that are scalars or absent.
func (l *layouts) worth(s *scanner, size int) bool {
	if len(l.spans) > maxSlots {
		return false
	}
	literal := size
	for _, sp := range l.spans {
		if sp.node >= 0 && s.nodes[sp.node].array {
			return false
		}
		literal -= sp.end - sp.start
	}
	return literal <= maxLiteral && s.firstWrong() < 0
}

// predicted tries the templates. If one fits, the record is read, and regular
// says that all channels are present and finite.
func (s *scanner) predicted(b []byte, x []float64) (hit, regular bool) {
	l := &s.layouts
	if l.pause > 0 {
		return false, false
	}
	for j, t := range l.templates {
		fits, regular := s.fit(t, b, x)
		if !fits {
			continue
		}
		l.misses = 0
		if j > 0 {
			copy(l.templates[1:j+1], l.templates[:j])
			l.templates[0] = t
		}
		return true, regular
	}
	return false, false
}

func (s *scanner) fit(t *template, b []byte, x []float64) (fits, regular bool) {
	s.begin(x)
	s.shape = Accepted
	regular = t.full
	if !regular {
		copy(s.status, t.status)
	}
	i, from := 0, 0
	for k := range t.slots {
		v := &t.slots[k]
		end := int(v.end)
		n := end - from
		same := false
		switch left := len(b) - i; {
		case n <= 8 && left > 8:
			same = binary.LittleEndian.Uint64(b[i:])&v.mask == v.head
		case n > 8 && n <= 16 && left > n:
			same = binary.LittleEndian.Uint64(b[i:]) == v.head && binary.LittleEndian.Uint64(b[i+n-8:]) == v.tail
		case left > n:
			same = string(b[i:i+n]) == string(t.literal[from:end])
		}
		if !same {
			return false, false
		}
		i += n
		from = end
		if v.only >= 0 {
			f, next := number(b, i)
			if next >= 0 && f-f == 0 {
				x[v.only] = f
				i = next
				continue
			}
			if regular {
				regular = false
				copy(s.status, t.status)
			}
		}
		switch {
		case v.node < 0:
			i = skip(b, i, int(v.depth))
		case v.only < 0 && len(s.nodes[v.node].channels) > 0:
			// Fields of several purposes set more than their value.
			if regular {
				regular = false
				copy(s.status, t.status)
			}
			fallthrough
		default:
			i = s.scalar(b, i, &s.nodes[v.node].target)
		}
		if i < 0 {
			return false, false
		}
	}
	tail := t.literal[from:]
	if len(b)-i != len(tail) || string(b[i:]) != string(tail) {
		return false, false
	}
	return true, regular
}
