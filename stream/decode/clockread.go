package decode

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// instant is a time as it was read; -1 stands for what was not written.
type instant struct {
	year, month, day, hour, minute, second int
	ms                                     int64 // of the second, or since 1970 with epoch
	zone                                   int64
	epoch                                  bool
}

// read reads the layout at the beginning of b and returns the time and its
// length.
func (l layout) read(b []byte, k *clock, now int64) (ms int64, n int, ok bool) {
	t := instant{year: -1, zone: k.zone}
	i := 0
	for _, d := range l {
		if i = d.read(b, i, &t); i < 0 {
			return 0, 0, false
		}
	}
	ms, ok = t.unix(k.year, now)
	return ms, i, ok
}

// read reads one piece at b[i] and returns the index behind it, or -1.
func (d directive) read(b []byte, i int, t *instant) int {
	switch d.letter {
	case 0:
		if d.literal == ' ' {
			return blanks(b, i)
		}
		if i >= len(b) || b[i] != d.literal {
			return -1
		}
		return i + 1
	case 'Y':
		return digitsAt(b, i, 4, 4, &t.year)
	case 'y':
		i = digitsAt(b, i, 2, 2, &t.year)
		if t.year += 1900; t.year < 1969 {
			t.year += 100
		}
		return i
	case 'm':
		return digitsAt(b, i, 2, 2, &t.month)
	case 'd':
		if i < len(b) && b[i] == ' ' {
			i++
		}
		return digitsAt(b, i, 1, 2, &t.day)
	case 'b':
		for m := range 12 {
			if i+3 <= len(b) && equalFold(b[i:i+3], monthNames[3*m:3*m+3]) {
				t.month = m + 1
				return i + 3
			}
		}
		return -1
	case 'a':
		n := i
		for n < len(b) && b[n]|0x20-'a' < 26 {
			n++
		}
		if n-i < 3 {
			return -1
		}
		return n
	case 'H':
		return digitsAt(b, i, 2, 2, &t.hour)
	case 'M':
		return digitsAt(b, i, 2, 2, &t.minute)
	case 'S':
		return digitsAt(b, i, 2, 2, &t.second)
	case 'f':
		return d.fraction(b, i, t)
	case 'z':
		ms, n := zoneAt(b, i)
		if n < 0 {
			if d.optional {
				return i
			}
			return -1
		}
		t.zone = ms
		return n
	}
	return epochAt(b, i, t)
}

// fraction reads the digits of a fraction, with its separator if that is part
// of the directive: a point, a comma or a colon.
func (d directive) fraction(b []byte, i int, t *instant) int {
	start := i
	if d.optional {
		if i+1 >= len(b) || b[i] != '.' && b[i] != ',' && b[i] != ':' || b[i+1]-'0' > 9 {
			return start
		}
		i++
	}
	first := i
	t.ms = 0
	for unit := int64(100); i < len(b) && b[i]-'0' <= 9; i++ {
		t.ms += int64(b[i]-'0') * unit
		unit /= 10
	}
	if i == first {
		return -1
	}
	return i
}

// epochAt reads seconds since 1970 with an optional fraction.
func epochAt(b []byte, i int, t *instant) int {
	n := skipDigits(b, i)
	if n == i {
		return -1
	}
	if n+1 < len(b) && b[n] == '.' && b[n+1]-'0' <= 9 {
		n = skipDigits(b, n+1)
	}
	ms, ok := unitS.number(b[i:n])
	if !ok {
		return -1
	}
	t.ms, t.epoch = ms, true
	return n
}

// digitsAt reads from least to most digits.
func digitsAt(b []byte, i, least, most int, v *int) int {
	n := 0
	*v = 0
	for ; n < most && i < len(b) && b[i]-'0' <= 9; n++ {
		*v = *v*10 + int(b[i]-'0')
		i++
	}
	if n < least {
		return -1
	}
	return i
}

// blanks skips one blank or more.
func blanks(b []byte, i int) int {
	start := i
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// zoneAt reads Z, ±hh, ±hhmm or ±hh:mm and returns the offset and the index
// behind it, or -1.
func zoneAt(b []byte, i int) (ms int64, next int) {
	if i < len(b) && b[i]|0x20 == 'z' {
		return 0, i + 1
	}
	if i+3 > len(b) || b[i] != '+' && b[i] != '-' {
		return 0, -1
	}
	h, m := two(b, i+1), 0
	next = i + 3
	rest := b[next:]
	if len(rest) > 0 && rest[0] == ':' {
		rest = rest[1:]
	}
	if len(rest) >= 2 && two(rest, 0) >= 0 {
		m = two(rest, 0)
		next = len(b) - len(rest) + 2
	}
	if h < 0 || h > 23 || m > 59 {
		return 0, -1
	}
	ms = int64(h*60+m) * 60000
	if b[i] == '-' {
		ms = -ms
	}
	return ms, next
}

// unix returns unix milliseconds. A time without a year takes the configured
// one; with none, the year that brings it nearest to the record's time stamp
// now; and without that, 1972, the first leap year that there is.
func (t *instant) unix(year int, now int64) (int64, bool) {
	if t.epoch {
		return t.ms, true
	}
	if t.year >= 0 {
		return t.in(t.year)
	}
	if year > 0 {
		return t.in(year)
	}
	if now < 0 || now > maxTime {
		return t.in(1972)
	}
	best, found := int64(0), false
	this := yearOf(now)
	for y := this - 1; y <= this+1; y++ {
		ms, ok := t.in(y)
		if ok && (!found || distance(ms, now) < distance(best, now)) {
			best, found = ms, true
		}
	}
	return best, found
}

func distance(a, b int64) int64 {
	if a < b {
		return b - a
	}
	return a - b
}

// in returns the time in a year.
func (t *instant) in(year int) (int64, bool) {
	if t.month < 1 || t.month > 12 || t.day < 1 || t.day > daysIn(year, t.month) || t.hour > 23 || t.minute > 59 || t.second > 59 {
		return 0, false
	}
	ms := ((days(year, t.month, t.day)*24+int64(t.hour))*60+int64(t.minute))*60 + int64(t.second)
	ms = ms*1000 + t.ms - t.zone
	return ms, ms >= 0 && ms <= maxTime
}

// yearOf returns the year of unix milliseconds in UTC.
func yearOf(ms int64) int {
	day := ms / 86400000
	y := int(1970 + day/366)
	for days(y+1, 1, 1) <= day {
		y++
	}
	return y
}
