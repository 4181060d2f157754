package decode

// target says what one field of a record is for. A field may serve several
// purposes.
type target struct {
	channels []int32
	where    []uint8
	time     bool
	tag      bool
	wishes   []wish
	// only is the channel of a field that serves nothing else, else -1.
	only int32
}

func (t *target) settle() {
	t.only = -1
	if len(t.channels) == 1 && len(t.where) == 0 && !t.time && !t.tag && len(t.wishes) == 0 {
		t.only = t.channels[0]
	}
}

func (t *target) empty() bool {
	return len(t.channels) == 0 && len(t.where) == 0 && !t.time && !t.tag && len(t.wishes) == 0
}

// sink collects the fields of one record as a scanner meets them, in any order.
type sink struct {
	numericStrings, booleans bool
	decimal                  byte
	unit                     unit
	timed                    bool     // a time field is configured
	want                     []string // the texts of where
	all                      uint64   // one bit for each of want
	tags                     map[string]int32

	x       []float64
	status  []uint8
	timeHow uint8
	time    int64
	matched uint64
	tagHow  uint8
	tag     int32 // the channel of the tag, -1 if it is none
	kept    [keeps]kept
	clock   *clock // for times that are kept as texts
	known   bool   // the type of the time's field has told the time
	digits  []byte // the text of a number
}

func newSink(c Config, d int) sink {
	s := sink{
		numericStrings: c.NumericStrings,
		booleans:       c.Booleans,
		decimal:        '.',
		unit:           parseUnit(c.Time.Unit),
		timed:          c.Time.Field != "",
		status:         make([]uint8, d),
		clock:          newClock(c.Time),
	}
	for _, k := range c.whereKeys() {
		s.want = append(s.want, c.Where[k])
	}
	s.all = 1<<len(s.want) - 1
	return s
}

// begin forgets the previous record, but for the channels.
func (s *sink) begin(x []float64) {
	s.x = x
	s.timeHow = absent
	s.matched = 0
	s.tagHow = absent
	for i := range s.kept {
		s.kept[i].rank = 0
	}
}

func (s *sink) forget(t *target) {
	for _, k := range t.channels {
		s.status[k] = absent
	}
	for _, w := range t.where {
		s.matched &^= 1 << w
	}
	if t.time {
		s.timeHow, s.known = absent, false
	}
	if t.tag {
		s.tagHow = absent
	}
	s.unkeep(t)
}

func (s *sink) compare(t *target, text []byte) {
	s.keep(t, text)
	for _, w := range t.where {
		if string(text) == s.want[w] {
			s.matched |= 1 << w
		}
	}
	if t.tag {
		s.tagHow = present
		k, ok := s.tags[string(text)]
		if !ok {
			k = -1
		}
		s.tag = k
	}
}

// number takes a JSON number; v need only be set if the field has channels.
func (s *sink) number(t *target, text []byte, v float64) {
	for _, k := range t.channels {
		s.x[k] = v
		s.status[k] = present
	}
	if t.time {
		s.timestamp(s.unit.number(text))
	}
	s.compare(t, text)
}

func (s *sink) timestamp(ms int64, ok bool) {
	s.time, s.timeHow = ms, present
	if !ok {
		s.timeHow = wrong
	}
}

// text takes a JSON string after its escapes are resolved.
func (s *sink) text(t *target, text []byte) {
	if len(t.channels) > 0 {
		how := wrong
		var v float64
		if s.numericStrings {
			if len(text) == 0 {
				how = null
			} else if f, ok := parseCell(text, '.'); ok {
				v, how = f, present
			}
		}
		s.set(t, v, how)
	}
	if t.time {
		if s.unit.textual() {
			s.timestamp(s.unit.text(text))
		} else if s.numericStrings {
			s.timestamp(s.unit.number(text))
		} else {
			s.timeHow = wrong
		}
	}
	s.compare(t, text)
}

// boolean takes true or false, text being its first letter onwards.
func (s *sink) boolean(t *target, text []byte, v float64) {
	how := wrong
	if s.booleans {
		how = present
	}
	s.set(t, v, how)
	if t.time {
		s.timeHow = wrong
	}
	s.compare(t, text)
	if t.tag {
		s.tagHow = wrong
	}
}

func (s *sink) null(t *target) {
	s.set(t, 0, null)
	if t.time {
		s.timeHow = null
	}
	if t.tag {
		s.tagHow = null
	}
}

// container takes an object or array where a scalar is wanted.
func (s *sink) container(t *target) {
	s.set(t, 0, wrong)
	if t.time {
		s.timeHow = wrong
	}
	if t.tag {
		s.tagHow = wrong
	}
}

func (s *sink) set(t *target, v float64, how uint8) {
	for _, k := range t.channels {
		s.x[k] = v
		s.status[k] = how
	}
}

// firstWrong returns the first channel of a wrong type, or -1.
func (s *sink) firstWrong() int {
	for k, h := range s.status {
		if h == wrong {
			return k
		}
	}
	return -1
}
