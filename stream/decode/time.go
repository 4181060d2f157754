package decode

// unit is how a time is written.
type unit uint8

const (
	unitNone unit = iota
	unitS
	unitMs
	unitUs
	unitNs
	unitRFC3339
	unitDatetime
)

var unitNames = [...]string{"", "s", "ms", "us", "ns", "rfc3339", "datetime"}

// Units lists the units of a time field. "datetime" is RFC 3339 in which the
// zone may be left out, and then is UTC; in both a space may stand for the T.
func Units() []string { return unitNames[1:] }

func parseUnit(name string) unit {
	for u, n := range unitNames {
		if n == name {
			return unit(u)
		}
	}
	return unitNone
}

// maxTime is the last millisecond of the year 9999.
const maxTime = 253402300799999

// ParseTime reads a time in one of Units and returns unix milliseconds.
// Fractions of a millisecond are cut off. Times before 1970 and after the year
// 9999 are refused.
func ParseTime(text []byte, unit string) (int64, bool) {
	u := parseUnit(unit)
	if u >= unitRFC3339 {
		return u.text(text)
	}
	return u.number(text)
}

func (u unit) textual() bool { return u >= unitRFC3339 }

// number reads a decimal number of the unit, without rounding it to binary.
func (u unit) number(b []byte) (int64, bool) {
	var scale int
	switch u {
	case unitS:
		scale = 3
	case unitMs:
	case unitUs:
		scale = -3
	case unitNs:
		scale = -6
	default:
		return 0, false
	}
	var m uint64
	i := 0
	full := uint64(1e17)
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if m >= full*10 {
			return 0, false
		}
		m = m*10 + uint64(b[i]-'0')
	}
	if i == 0 {
		return 0, false
	}
	if i < len(b) && b[i] == '.' {
		point := i + 1
		for i = point; i < len(b) && b[i]-'0' <= 9; i++ {
			// Digits that can no longer reach a millisecond are dropped.
			if m < full {
				m = m*10 + uint64(b[i]-'0')
				scale--
			}
		}
		if i == point {
			return 0, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		var e int
		if e, i = exponent(b, i); i < 0 {
			return 0, false
		}
		scale += e
	}
	if i != len(b) {
		return 0, false
	}
	switch {
	case m == 0:
		return 0, true
	case scale < -19:
		return 0, true
	case scale < 0:
		m /= pow10u[-scale]
	case scale > 15 || m > maxTime/pow10u[scale]:
		return 0, false
	default:
		m *= pow10u[scale]
	}
	if m > maxTime {
		return 0, false
	}
	return int64(m), true
}

// text reads 2006-01-02T15:04:05[.fraction][Z|±hh:mm].
func (u unit) text(b []byte) (int64, bool) {
	if !u.textual() || len(b) < 19 || b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' ||
		b[10]|0x20 != 't' && b[10] != ' ' {
		return 0, false
	}
	year := two(b, 0)*100 + two(b, 2)
	month, day := two(b, 5), two(b, 8)
	hour, minute, second := two(b, 11), two(b, 14), two(b, 17)
	if year|month|day|hour|minute|second < 0 || two(b, 0) < 0 || two(b, 2) < 0 ||
		month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	ms := ((days(year, month, day)*24+int64(hour))*60+int64(minute))*60 + int64(second)
	ms *= 1000
	i := 19
	if i < len(b) && b[i] == '.' {
		unit := int64(100)
		point := i + 1
		for i = point; i < len(b) && b[i]-'0' <= 9; i++ {
			ms += int64(b[i]-'0') * unit
			unit /= 10
		}
		if i == point {
			return 0, false
		}
	}
	switch rest := b[i:]; {
	case len(rest) == 0:
		if u != unitDatetime {
			return 0, false
		}
	case len(rest) == 1:
		if rest[0]|0x20 != 'z' {
			return 0, false
		}
	case len(rest) == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':':
		h, m := two(rest, 1), two(rest, 4)
		if h < 0 || m < 0 || h > 23 || m > 59 {
			return 0, false
		}
		offset := int64(h*60+m) * 60000
		if rest[0] == '-' {
			offset = -offset
		}
		ms -= offset
	default:
		return 0, false
	}
	if ms < 0 || ms > maxTime {
		return 0, false
	}
	return ms, true
}

// two reads two digits; it is negative if they are none.
func two(b []byte, i int) int {
	h, l := b[i]-'0', b[i+1]-'0'
	if h > 9 || l > 9 {
		return -1
	}
	return int(h)*10 + int(l)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// days counts the days from 1970-01-01 in the proleptic Gregorian calendar. The
// year is taken to begin in March, so that the leap day is its last.
func days(year, month, day int) int64 {
	y := int64(year)
	m := int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + int64(day) - 1 - 719468
}
