package decode

import (
	"fmt"
	"strings"
)

// clock reads times that people write, by layouts in the directives of
// strptime. What it makes of a text depends on the text, on the configuration
// and on the record's time stamp, which supplies a year that is not written.
type clock struct {
	layouts []layout
	epochs  bool  // numbers count seconds, ms, us or ns since 1970, told from their size
	zone    int64 // offset in milliseconds of times without a zone
	year    int   // of times without a year; 0: the record's
}

// layout is a parsed text of directives and literals.
type layout []directive

// directive is one piece: the letter of a directive, or 0 for a literal byte,
// ' ' for a run of blanks.
type directive struct {
	letter  byte
	literal byte
	// optional directives may be absent: a fraction with the separator before
	// it, and a zone right after other digits.
	optional bool
}

// autoLayouts are tried in this order; the first that fits counts.
var autoLayouts = []string{
	"%Y-%m-%dT%H:%M:%S,%f%z", // RFC 3339, log4j, Python
	"%Y-%m-%d %H:%M:%S,%f%z",
	"%Y-%m-%d-%H.%M.%S,%f", // Blue Gene
	"%Y/%m/%d %H:%M:%S,%f", // Go, nginx
	"%d/%b/%Y:%H:%M:%S %z", // access logs
	"%a %b %d %H:%M:%S,%f %Y",
	"%b %d %H:%M:%S,%f",    // syslog
	"%m-%d %H:%M:%S,%f",    // Android
	"%y/%m/%d %H:%M:%S,%f", // Spark
	"%y%m%d %H%M%S",        // Hadoop's file system
	"%Y%m%d-%H:%M:%S,%f",
	"%m.%d %H:%M:%S",
}

// namedLayouts are units that stand for a layout.
var namedLayouts = map[string]string{"syslog": "%b %d %H:%M:%S,%f", "log4j": "%Y-%m-%d %H:%M:%S,%f", "clf": "%d/%b/%Y:%H:%M:%S %z"}

// isLayout says whether a unit is read by a clock.
func isLayout(unit string) bool {
	return unit == "auto" || namedLayouts[unit] != "" || strings.Contains(unit, "%")
}

// newClock returns nil unless the unit asks for a clock. The configuration is
// valid.
func newClock(t Time) *clock {
	if t.Field == "" || !isLayout(t.Unit) {
		return nil
	}
	k := &clock{year: t.Year}
	k.zone, _ = parseZone(t.Zone)
	texts := []string{t.Unit}
	if t.Unit == "auto" {
		texts, k.epochs = autoLayouts, true
	} else if named := namedLayouts[t.Unit]; named != "" {
		texts = []string{named}
	}
	for _, text := range texts {
		l, err := parseLayout(text)
		if err != nil {
			panic(err) // Config.Validate has parsed it.
		}
		k.layouts = append(k.layouts, l)
	}
	return k
}

const directives = "YymdebaHMSfzs%"

func parseLayout(text string) (layout, error) {
	var l layout
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == ' ' || c == '\t' {
			if n := len(l); n == 0 || l[n-1].literal != ' ' {
				l = append(l, directive{literal: ' '})
			}
			continue
		}
		if c != '%' {
			l = append(l, directive{literal: c})
			continue
		}
		if i++; i == len(text) || strings.IndexByte(directives, text[i]) < 0 {
			return nil, fmt.Errorf("layout %q has an unknown directive after %%: use %%Y %%y %%m %%b %%d %%H %%M %%S %%f (fraction) %%z (zone) %%a (weekday) %%s (seconds since 1970) %%%%", text)
		}
		switch c = text[i]; c {
		case '%':
			l = append(l, directive{literal: '%'})
		case 'f':
			d := directive{letter: 'f'}
			if n := len(l); n > 0 && (l[n-1].literal == '.' || l[n-1].literal == ',') {
				l, d = l[:n-1], directive{letter: 'f', literal: ',', optional: true}
			}
			l = append(l, d)
		case 'z':
			n := len(l)
			l = append(l, directive{letter: 'z', optional: n > 0 && l[n-1].letter != 0})
		case 'e':
			l = append(l, directive{letter: 'd'})
		default:
			l = append(l, directive{letter: c})
		}
	}
	if len(l) > 64 {
		return nil, fmt.Errorf("layout %q has more than 64 pieces: write it shorter", text)
	}
	return l, nil
}

// complete says what a layout lacks to be a time.
func (l layout) complete() error {
	has := map[byte]bool{}
	for _, d := range l {
		has[d.letter] = true
	}
	if has['s'] {
		return nil
	}
	for _, need := range []string{"mb", "d", "H", "M"} {
		if !has[need[0]] && !has[need[len(need)-1]] {
			return fmt.Errorf("has no %%%c: a time needs month, day, hour and minute, or %%s", need[0])
		}
	}
	return nil
}

// parseZone reads an offset from UTC, as in +05:30; empty and UTC are none.
func parseZone(s string) (int64, error) {
	if s == "" || s == "UTC" || s == "Z" {
		return 0, nil
	}
	ms, n := zoneAt([]byte(s), 0)
	if n != len(s) {
		return 0, fmt.Errorf("%q is no offset from UTC: write it like +05:30 (names of zones are not used, because their rules change)", s)
	}
	return ms, nil
}

// validateClock checks what a time with a layout adds.
func (t Time) validateClock() error {
	if t.Year < 0 || t.Year > 9999 || t.Year > 0 && t.Year < 1970 {
		return fmt.Errorf("decode: time.year is %d: give a year from 1970 to 9999, or none for that of the record's timestamp", t.Year)
	}
	if _, err := parseZone(t.Zone); err != nil {
		return fmt.Errorf("decode: time.zone %w", err)
	}
	if !isLayout(t.Unit) {
		if t.Year != 0 || t.Zone != "" {
			return fmt.Errorf("decode: time.year or time.zone with the unit %q: they are for layouts such as syslog or %q, remove them", t.Unit, "%Y-%m-%d %H:%M:%S")
		}
		return nil
	}
	if len(t.Unit) > 128 {
		return fmt.Errorf("decode: the time layout has %d characters: at most 128 are read", len(t.Unit))
	}
	if strings.Contains(t.Unit, "%") {
		l, err := parseLayout(t.Unit)
		if err != nil {
			return fmt.Errorf("decode: time %w", err)
		}
		if err := l.complete(); err != nil {
			return fmt.Errorf("decode: time layout %q %w", t.Unit, err)
		}
	}
	return nil
}

// whole reads a text that is a time and nothing else but blanks around it.
func (k *clock) whole(b []byte, now int64) (int64, bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	if k.epochs {
		if v, next := plainNumber(b, 0, '.'); next == len(b) && next > 0 {
			return epoch(v, b)
		}
	}
	for _, l := range k.layouts {
		if ms, n, ok := l.read(b, k, now); ok && n == len(b) {
			return ms, true
		}
	}
	return 0, false
}

// prefix reads a time at the beginning of b, behind which no letter or digit
// follows, and returns how long it is.
func (k *clock) prefix(b []byte, now int64) (ms int64, n int, ok bool) {
	for _, l := range k.layouts {
		if ms, n, ok := l.read(b, k, now); ok && boundary(b, n) {
			return ms, n, true
		}
	}
	if k.epochs {
		n := skipDigits(b, 0)
		if n+1 < len(b) && b[n] == '.' && b[n+1]-'0' <= 9 {
			n = skipDigits(b, n+1)
		}
		if n == 0 || !boundary(b, n) {
			return 0, 0, false
		}
		ms, ok := epoch(parseFloat(b[:n]), b[:n])
		return ms, n, ok
	}
	return 0, 0, false
}

func boundary(b []byte, n int) bool {
	return n == len(b) || !(b[n]-'0' <= 9 || b[n]|0x20-'a' < 26 || b[n] >= 0x80)
}

// epoch reads a number since 1970 whose unit is told from its size v, which is
// unambiguous from 1973 to 5138; smaller ones are refused.
func epoch(v float64, text []byte) (int64, bool) {
	switch {
	case v < 1e8:
		return 0, false
	case v < 1e11:
		return unitS.number(text)
	case v < 1e14:
		return unitMs.number(text)
	case v < 1e17:
		return unitUs.number(text)
	}
	return unitNs.number(text)
}
