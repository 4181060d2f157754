package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "7d": 7 * day, "1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, "0s": 0, "0d": 0,
		" 5m ": 5 * time.Minute, "250ms": 250 * time.Millisecond,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.D() != want {
			t.Errorf("%q is %v, %v; want %v", text, d, err, want)
		}
		var back Duration
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d {
			t.Errorf("%q is written %q and read back as %v, %v", text, d, back, err)
		}
	}
	for _, text := range []string{"", "10", "d", "-1s", "-1d", "1d-1h", "1d2d", "NaNd", "Infd", "36501d", "36500d2562047h", "3 parsecs", "1e99d"} {
		d := Duration(5)
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, d)
		}
		if d != 5 {
			t.Errorf("%q fails and leaves %v", text, d)
		}
	}
}

func TestRunLengths(t *testing.T) {
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{"1 per 30d": 30 * day, "2per30d": 15 * day, " 0.5 per 1h ": 2 * time.Hour, "1e3 per 1000s": time.Second} {
		var r RunLength
		if err := r.UnmarshalText([]byte(text)); err != nil || r.D() != want {
			t.Errorf("%q is %v, %v; want %v", text, r, err, want)
		}
		var back RunLength
		if err := back.UnmarshalText([]byte(r.String())); err != nil || back != r {
			t.Errorf("%q is written %q and read back as %v, %v", text, r, back, err)
		}
	}
	for _, text := range []string{"", "30d", "per 30d", "0 per 30d", "-1 per 30d", "1 per 0s", "1 per", "NaN per 30d", "Inf per 30d", "1e-300 per 1h"} {
		var r RunLength
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, r)
		}
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]int64{
		"2026-03-02": 1772409600000, "2026-03-02T00:00": 1772409600000, "2026-03-02 00:00:01": 1772409601000, "2026-03-02T00:00:01": 1772409601000,
		"2026-03-02T00:00:00.25Z": 1772409600250, "2026-03-02T02:00:00+02:00": 1772409600000,
	} {
		var v Time
		if err := v.UnmarshalText([]byte(text)); err != nil || v.ms(-1) != want {
			t.Errorf("%q is %d, %v; want %d", text, v.ms(-1), err, want)
		}
	}
	for _, text := range []string{"", "2026", "2026-3-2", "yesterday", "2026-02-30", "1772409600000"} {
		var v Time
		if err := v.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, v)
		}
	}
	if (Time{}).ms(math.MaxInt64) != math.MaxInt64 {
		t.Error("no time is not the default")
	}
	var s Span
	if err := s.UnmarshalText([]byte("2026-03-02..2026-03-02T06:00")); err != nil || s.To.Sub(s.From.Time) != 6*time.Hour || !s.given() {
		t.Error(s, err)
	}
	for _, text := range []string{"2026-03-02", "..", "2026-03-02..", "2026-03-02..2026-03-02", "2026-03-03..2026-03-02"} {
		var s Span
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, s)
		}
	}
}

func TestTransforms(t *testing.T) {
	names := []string{"a", "b=c", "d"}
	have, err := transforms(names, []string{"b=c=log1p", "d=auto"})
	if err != nil || !slices.Equal(have, []string{"", "log1p", "auto"}) {
		t.Error(have, err)
	}
	for _, pair := range []string{"a", "e=log1p", "a=cube", "a="} {
		if _, err := transforms(names, []string{pair}); exitCode(err) != 2 {
			t.Errorf("%q: %v", pair, err)
		}
	}
}
