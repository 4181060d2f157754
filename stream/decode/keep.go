package decode

// What the text of a field is kept for until the whole record was read.
const (
	keepTime uint8 = iota
	keepLevel
	keepMessage
	keepKey
	keeps
)

// wish says what a field's text is kept for. Of several fields that serve the
// same purpose in one record, the one of the lowest rank counts; ranks are
// counted from 1.
type wish struct{ what, rank uint8 }

// kept is the text of a field; with rank 0 there is none.
type kept struct {
	rank uint8
	text []byte
}

// keep copies a text, for it may be gone when the next field is read.
func (s *sink) keep(t *target, text []byte) {
	for _, w := range t.wishes {
		if k := &s.kept[w.what]; k.rank == 0 || w.rank <= k.rank {
			k.rank, k.text = w.rank, append(k.text[:0], text...)
		}
	}
}

// unkeep takes back what t has kept.
func (s *sink) unkeep(t *target) {
	for _, w := range t.wishes {
		if k := &s.kept[w.what]; k.rank == w.rank {
			k.rank = 0
		}
	}
}

// timeField makes t the field of the event time.
func (s *sink) timeField(t *target) {
	if s.clock != nil {
		t.wishes = append(t.wishes, wish{keepTime, 1})
	} else {
		t.time = true
	}
}

// readClock reads the kept time, of a record with the time stamp now.
func (s *sink) readClock(now int64) {
	if s.known {
		return
	}
	s.timeHow = absent
	if k := &s.kept[keepTime]; k.rank > 0 {
		s.timestamp(s.clock.whole(k.text, now))
	}
}

// keyText is the text of the window's key, if the record has one.
func (s *sink) keyText() ([]byte, bool) {
	k := &s.kept[keepKey]
	return k.text, k.rank > 0
}
