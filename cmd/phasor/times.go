package main

import (
	"fmt"
	"strings"
	"time"
)

// Time is a moment on the command line: RFC 3339, or a date with an optional time, in UTC.
type Time struct{ time.Time }

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// UnmarshalText reads a moment.
func (t *Time) UnmarshalText(b []byte) error {
	for _, layout := range timeLayouts {
		if v, err := time.Parse(layout, string(b)); err == nil {
			t.Time = v
			return nil
		}
	}
	return fmt.Errorf("time %q: write it like 2026-03-02T00:00:00Z or 2026-03-02", b)
}

// ms is the moment in Unix milliseconds, or def if none was given.
func (t Time) ms(def int64) int64 {
	if t.IsZero() {
		return def
	}
	return t.UnixMilli()
}

// Span is a range of time, FROM..TO.
type Span struct{ From, To Time }

// UnmarshalText reads a range.
func (s *Span) UnmarshalText(b []byte) error {
	from, to, ok := strings.Cut(string(b), "..")
	if !ok {
		return fmt.Errorf("range %q: write it like 2026-03-02..2026-03-03", b)
	}
	if err := s.From.UnmarshalText([]byte(from)); err != nil {
		return err
	}
	if err := s.To.UnmarshalText([]byte(to)); err != nil {
		return err
	}
	if !s.To.After(s.From.Time) {
		return fmt.Errorf("range %q: it ends before it begins", b)
	}
	return nil
}

// checkRange is an error of usage if --from and --to are given and nothing is between them.
func checkRange(from, to Time) error {
	if !from.IsZero() && !to.IsZero() && !to.After(from.Time) {
		return usagef("--to %s is not after --from %s: the range is empty", to.Format(time.RFC3339), from.Format(time.RFC3339))
	}
	return nil
}

func (s Span) given() bool { return !s.From.IsZero() }

func (s Span) overlaps(o Span) bool { return s.From.Before(o.To.Time) && o.From.Before(s.To.Time) }

// String is the range as it may be written.
func (s Span) String() string {
	return s.From.Format(time.RFC3339Nano) + ".." + s.To.Format(time.RFC3339Nano)
}
