package status

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// figure is a number for people: four significant digits.
func figure(n Number) string {
	v := float64(n)
	switch a := math.Abs(v); {
	case !n.Defined():
		return "–"
	case a >= 1e15, a > 0 && a < 1e-4:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a >= 1000:
		return grouped(int64(math.Round(v)))
	default:
		return strconv.FormatFloat(rounded(v, 4), 'f', -1, 64)
	}
}

// grouped is an integer with its thousands apart.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// short is a number in little room, as on an axis: 12.5k.
func short(n Number) string {
	v := float64(n)
	a := math.Abs(v)
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if a >= u.size {
			if u.name == "k" {
				return strconv.FormatFloat(rounded(v/1000, 3), 'f', -1, 64) + "k"
			}
			return strconv.FormatFloat(rounded(v/u.size, 3), 'f', -1, 64) + u.name
		}
	}
	if !n.Defined() {
		return "–"
	}
	if a >= 1000 {
		return grouped(int64(math.Round(v)))
	}
	if a > 0 && a < 1e-3 {
		return strings.Replace(strconv.FormatFloat(v, 'e', 1, 64), "e-0", "e-", 1)
	}
	return strconv.FormatFloat(rounded(v, 3), 'f', -1, 64)
}

// span is a duration for people, in its two largest units at most.
func span(d time.Duration) string {
	d = max(0, d)
	for _, u := range []struct {
		size, next time.Duration
		name, sub  string
	}{{24 * time.Hour, time.Hour, "d", "h"}, {time.Hour, time.Minute, "h", "min"}, {time.Minute, time.Second, "min", "s"}} {
		if d >= u.size {
			s := fmt.Sprintf("%d %s", d/u.size, u.name)
			if rest := d % u.size / u.next; rest > 0 {
				s += fmt.Sprintf(" %d %s", rest, u.sub)
			}
			return s
		}
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// ago is how long before now a time lies.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return span(now.Sub(t)) + " ago"
}

func plural(n int64, of string) string {
	if n == 1 || of == "more" {
		return grouped(n) + " " + of
	}
	return grouped(n) + " " + of + "s"
}

// moment is a time of this day, or of another with its date.
func moment(now, t time.Time) string {
	t = t.UTC()
	if t.IsZero() {
		return "–"
	}
	if now.UTC().Format(time.DateOnly) == t.Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

func ofMS(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func bytesOf(n int) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0f KiB", math.Ceil(float64(n)/(1<<10)))
}

func percent(n Number) string {
	if !n.Defined() {
		return "–"
	}
	return strconv.FormatFloat(rounded(float64(n)*100, 3), 'f', -1, 64) + " %"
}
