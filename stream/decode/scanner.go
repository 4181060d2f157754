package decode

// scanner reads JSON values into its sink. It keeps templates of the records
// that it met: see template.
type scanner struct {
	sink
	nodes   []node
	d       int
	record  uint64
	twice   bool    // a name on the tree occurred twice in an object
	trail   []int32 // the nodes met in this record, in order
	shape   Reason  // Dimension or Schema if the array of channels is none of d elements
	scratch []byte
	layouts layouts
}

func newScanner(c Config, d int) *scanner {
	return &scanner{sink: newSink(c, d), d: d, nodes: make([]node, 1)}
}

// scan reads one record. It returns false if the bytes are not JSON. Otherwise
// regular says that all channels are present and finite; if not, the status of
// each channel is set.
func (s *scanner) scan(b []byte, x []float64) (regular, ok bool) {
	if hit, regular := s.predicted(b, x); hit {
		return regular, true
	}
	s.begin(x)
	clear(s.status)
	s.record++
	s.twice, s.shape = false, Accepted
	s.trail = s.trail[:0]
	s.layouts.spans = s.layouts.spans[:0]
	i := space(b, 0)
	if i >= len(b) {
		return false, false
	}
	i = s.value(b, i, 0, 0)
	if i < 0 || space(b, i) != len(b) {
		return false, false
	}
	if !s.twice && s.shape == Accepted {
		s.layouts.learn(s, b)
	}
	return false, true
}

// value reads the value at b[i], at which there is a byte, for node n.
func (s *scanner) value(b []byte, i int, n int32, depth int) int {
	if n < 0 {
		next := skip(b, i, depth)
		s.layouts.mark(i, next, n, depth)
		return next
	}
	nd := &s.nodes[n]
	if nd.seen == s.record {
		s.twice = true
		s.forgetValue(nd)
	}
	nd.seen = s.record
	nd.from = len(s.trail)
	s.trail = append(s.trail, n)
	next := i
	switch b[i] {
	case '{':
		s.container(&nd.target)
		if nd.array {
			s.shape = Schema
			next = skip(b, i, depth)
			s.layouts.mark(i, next, -1, depth)
		} else {
			next = s.object(b, i, nd, depth+1)
		}
	case '[':
		s.container(&nd.target)
		next = s.elementsOf(b, i, nd, depth+1)
	default:
		next = s.scalar(b, i, &nd.target)
		if nd.array && b[i] != 'n' {
			s.shape = Schema
		}
		s.layouts.mark(i, next, n, depth)
	}
	nd.to = len(s.trail)
	return next
}

// forgetValue takes back what an earlier value of the same name has set. Going
// back over the trail keeps the work in proportion to the record, however often
// it repeats a name.
func (s *scanner) forgetValue(nd *node) {
	for _, n := range s.trail[nd.from:nd.to] {
		s.forget(&s.nodes[n].target)
		if s.nodes[n].array {
			s.shape = Accepted
		}
	}
}

func (s *scanner) object(b []byte, i int, nd *node, depth int) int {
	if depth > maxDepth {
		return -1
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		var kid int32
		if kid, i = s.name(b, i, nd); i < 0 {
			return -1
		}
		if i = space(b, i); i >= len(b) || b[i] != ':' {
			return -1
		}
		if i = space(b, i+1); i >= len(b) {
			return -1
		}
		if i = s.value(b, i, kid, depth); i < 0 {
			return -1
		}
		if i = space(b, i); i >= len(b) {
			return -1
		}
		if b[i] == '}' {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
		i = space(b, i+1)
	}
}

// name reads the name at b[i] and returns its node, -1 for one that is not
// wanted. Producers repeat their order, so the name after the last one is tried
// first.
func (s *scanner) name(b []byte, i int, nd *node) (kid int32, next int) {
	if nd.next < len(nd.literals) {
		lit := nd.literals[nd.next]
		if n := len(lit); n > 0 && len(b)-i >= n && string(b[i:i+n]) == lit {
			kid = nd.kids[nd.next]
			nd.next++
			return kid, i + n
		}
	}
	if i >= len(b) || b[i] != '"' {
		return -1, -1
	}
	next, escaped := quoted(b, i)
	if next < 0 {
		return -1, -1
	}
	key := b[i+1 : next-1]
	if escaped {
		s.scratch = unescape(s.scratch[:0], key)
		key = s.scratch
	}
	if nd.index != nil {
		if j, ok := nd.index[string(key)]; ok {
			nd.next = int(j) + 1
			return nd.kids[j], next
		}
		return -1, next
	}
	for j, name := range nd.names {
		if string(key) == name {
			nd.next = j + 1
			return nd.kids[j], next
		}
	}
	return -1, next
}

func (s *scanner) elementsOf(b []byte, i int, nd *node, depth int) int {
	if depth > maxDepth {
		return -1
	}
	count := 0
	i = space(b, i+1)
	if i < len(b) && b[i] == ']' {
		i++
	} else {
		for {
			if i >= len(b) {
				return -1
			}
			kid := int32(-1)
			if count < len(nd.elements) {
				kid = nd.elements[count]
			}
			if i = s.value(b, i, kid, depth); i < 0 {
				return -1
			}
			count++
			if i = space(b, i); i >= len(b) {
				return -1
			}
			if b[i] == ']' {
				i++
				break
			}
			if b[i] != ',' {
				return -1
			}
			i = space(b, i+1)
		}
	}
	if nd.array && count != s.d {
		s.shape = Dimension
	}
	return i
}

// scalar reads a value that is neither object nor array, or returns -1.
func (s *scanner) scalar(b []byte, i int, t *target) int {
	switch c := b[i]; c {
	case '"':
		next, escaped := quoted(b, i)
		if next < 0 {
			return -1
		}
		if t.empty() {
			return next
		}
		text := b[i+1 : next-1]
		if escaped {
			s.scratch = unescape(s.scratch[:0], text)
			text = s.scratch
		}
		s.text(t, text)
		return next
	case 't', 'f', 'n':
		next := word(b, i)
		if next < 0 {
			return -1
		}
		switch c {
		case 't':
			s.boolean(t, b[i:next], 1)
		case 'f':
			s.boolean(t, b[i:next], 0)
		default:
			s.null(t)
		}
		return next
	}
	if len(t.channels) == 0 {
		next := skipNumber(b, i)
		if next > 0 {
			s.number(t, b[i:next], 0)
		}
		return next
	}
	v, next := number(b, i)
	if next > 0 {
		s.number(t, b[i:next], v)
	}
	return next
}
