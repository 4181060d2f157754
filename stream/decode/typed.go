package decode

import (
	"math"
	"strconv"
)

// What follows takes the values of formats that carry types. Their numbers have
// a text only if something compares or keeps it: integers in decimal, floating
// point numbers in the fewest digits that give them back, without exponent.

// plain says that a field is nothing but one channel.
func (t *target) plain() bool { return t.only >= 0 }

func (s *sink) put(t *target, v float64) {
	s.x[t.only], s.status[t.only] = v, present
}

// integer takes a signed integer.
func (s *sink) integer(t *target, v int64) {
	if t.plain() {
		s.put(t, float64(v))
		return
	}
	s.digits = strconv.AppendInt(s.digits[:0], v, 10)
	s.number(t, s.digits, float64(v))
}

// natural takes an unsigned integer.
func (s *sink) natural(t *target, v uint64) {
	if t.plain() {
		s.put(t, float64(v))
		return
	}
	s.digits = strconv.AppendUint(s.digits[:0], v, 10)
	s.number(t, s.digits, float64(v))
}

// float takes a floating point number of so many bits.
func (s *sink) float(t *target, v float64, bits int) {
	if t.plain() {
		s.put(t, v)
		return
	}
	s.digits = strconv.AppendFloat(s.digits[:0], v, 'f', -1, bits)
	s.number(t, s.digits, v)
}

// truth takes a boolean.
func (s *sink) truth(t *target, v bool) {
	if v {
		s.boolean(t, textTrue, 1)
	} else {
		s.boolean(t, textFalse, 0)
	}
}

var textTrue, textFalse = []byte("true"), []byte("false")

// opaque takes bytes that are neither a text nor a number: they can be compared,
// and be a key.
func (s *sink) opaque(t *target, b []byte) {
	s.set(t, 0, wrong)
	if t.time {
		s.timeHow = wrong
	}
	s.compare(t, b)
	for _, w := range t.wishes {
		if w.what == keepTime {
			s.kept[keepTime].rank = 0
		}
	}
}

// instant takes an integer whose type says how many of them are a millisecond,
// or how many milliseconds one is.
func (s *sink) instant(t *target, v int64, per, each int64) {
	s.integer(t, v)
	if t.time {
		ms := v / per
		s.timestamp(ms*each, v >= 0 && ms <= maxTime/each)
		s.known = true
	}
}

// typedFields places the fields that are no channels. The event time is told by
// its field's type, or else by the unit.
func (s *scanner) typedFields(c Config) {
	s.fields(c)
	if c.Time.Field != "" {
		s.nodes[s.at(c.Time.Field)].time = true
	}
}

// kid returns the node below n of a name or the text of an index, -1 if nothing
// of that name is wanted.
func (s *scanner) kid(n int32, name string) int32 {
	if n < 0 {
		return -1
	}
	nd := &s.nodes[n]
	for i, other := range nd.names {
		if other == name {
			return nd.kids[i]
		}
	}
	return -1
}

// wanted reports whether a value is asked for, or anything in it.
func (s *scanner) wanted(n int32) bool {
	return n >= 0 && (!s.nodes[n].empty() || len(s.nodes[n].kids) > 0 || s.nodes[n].array)
}

// forgetBelow takes back all that was said of a value and of what is in it.
func (s *scanner) forgetBelow(n int32) {
	nd := &s.nodes[n]
	if nd.seen != s.record && len(nd.kids) > 0 {
		return
	}
	nd.seen = 0
	s.forget(&nd.target)
	if nd.array {
		s.shape = Accepted
	}
	for _, k := range nd.kids {
		s.forgetBelow(k)
	}
}

// start begins a record of a format that carries types.
func (s *scanner) start(x []float64) {
	s.begin(x)
	clear(s.status)
	s.known = false
	s.record++
	s.shape = Accepted
}

// complete reports whether all channels are there and finite.
func (s *scanner) complete() bool {
	for k, v := range s.x {
		if s.status[k] != present || math.IsInf(v, 0) || v != v {
			return false
		}
	}
	return s.shape == Accepted
}

// shaped checks an array of channels.
func (s *scanner) shaped(nd *node, elements int) {
	if nd.array && elements != s.d {
		s.shape = Dimension
	}
}

// misshapen says that what should be the array of channels is none.
func (s *scanner) misshapen(nd *node) {
	if nd.array {
		s.shape = Schema
	}
}
