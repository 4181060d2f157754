package decode

// The levels' ordinals: 0 is unknown, then trace, debug, info, notice, warning,
// error, critical, alert and emergency.
var levelWords = map[string]uint8{
	"trace": 1, "finest": 1, "finer": 1, "all": 1, "verbose": 1, "v": 1,
	"debug": 2, "dbg": 2, "fine": 2, "d": 2,
	"info": 3, "information": 3, "informational": 3, "inf": 3, "i": 3, "config": 3,
	"notice": 4, "n": 4,
	"warn": 5, "warning": 5, "wrn": 5, "w": 5,
	"error": 6, "err": 6, "severe": 6, "e": 6, "failure": 6,
	"critical": 7, "crit": 7, "fatal": 7, "panic": 7, "dpanic": 7, "ftl": 7, "f": 7, "c": 7,
	"alert": 8,
	"emerg": 9, "emergency": 9,
}

// longestLevel is the length of the longest of levelWords.
const longestLevel = len("informational")

// levelOf reads a level: a word in any case, a number from 0 to 7 as the
// severity of syslog, one from 10 to 60 as the levels of Bunyan and Pino.
func levelOf(text []byte) uint8 {
	for len(text) > 0 && !isLevelByte(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && !isLevelByte(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	if len(text) == 0 || len(text) > longestLevel {
		return 0
	}
	if text[0]-'0' <= 9 {
		var n int
		if digitsAt(text, 0, len(text), min(len(text), 2), &n) < 0 || len(text) > 2 {
			return 0
		}
		switch {
		case n < 8:
			return [...]uint8{9, 8, 7, 6, 5, 4, 3, 2}[n]
		case n >= 10 && n <= 60:
			return [...]uint8{1, 2, 3, 5, 6, 7}[n/10-1]
		}
		return 0
	}
	var lower [longestLevel]byte
	for i, c := range text {
		lower[i] = c | 0x20
	}
	return levelWords[string(lower[:len(text)])]
}

func isLevelByte(c byte) bool { return c|0x20-'a' < 26 || c-'0' <= 9 }

// headLevel is how far into a line without a field for it a level is looked for.
const headLevel = 128

// findLevel returns the level of the first word of three letters or more in the
// head of a line that is a level.
func findLevel(line []byte) uint8 {
	b := line[:min(len(line), headLevel)]
	for i := 0; i < len(b); {
		start := i
		for i < len(b) && b[i]|0x20-'a' < 26 {
			i++
		}
		if n := i - start; n >= 3 && n <= longestLevel && b[start]-'0' > 9 && (start == 0 || b[start-1] < 0x80) && (i == len(b) || b[i] < 0x80) {
			if l := levelOf(b[start:i]); l > 0 && !equalFold(b[start:i], "all") && !equalFold(b[start:i], "config") && !equalFold(b[start:i], "fine") {
				return l
			}
		}
		if i == start {
			i++
		}
	}
	return 0
}
