package decode

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func clockOf(t testing.TB, f Time) *clock {
	t.Helper()
	f.Field = "t"
	if err := f.validateClock(); err != nil {
		t.Fatal(err)
	}
	return newClock(f)
}

// Each layout reads what package time writes, also as the head of a line.
func TestLayoutsAgreeWithTime(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	layouts := []struct {
		unit, golang string
		step         time.Duration // what the layout keeps
	}{
		{"%Y-%m-%d %H:%M:%S,%f", "2006-01-02 15:04:05,000", time.Millisecond},
		{"%d/%b/%Y:%H:%M:%S %z", "02/Jan/2006:15:04:05 -0700", time.Second},
		{"%a %b %e %H:%M:%S %Y", "Mon Jan _2 15:04:05 2006", time.Second},
		{"%y%m%d %H%M%S", "060102 150405", time.Second},
		{"%H:%M %d.%m.%Y %z", "15:04 02.01.2006 Z07:00", time.Minute},
		{"log4j", "2006-01-02 15:04:05.000", time.Millisecond},
		{"clf", "02/Jan/2006:15:04:05 -0700", time.Second},
		{"auto", time.RFC3339Nano, time.Millisecond},
		{"auto", "2006-01-02 15:04:05,000", time.Millisecond},
		{"auto", "2006-01-02-15.04.05.000000", time.Millisecond},
		{"auto", "2006/01/02 15:04:05.000", time.Millisecond},
		{"auto", "02/Jan/2006:15:04:05 -0700", time.Second},
		{"auto", "Mon Jan _2 15:04:05 2006", time.Second},
		{"auto", "06/01/02 15:04:05", time.Second},
		{"auto", "060102 150405", time.Second},
		{"auto", "20060102-15:04:05:000", time.Millisecond},
	}
	zone := time.FixedZone("", 5*3600+1800)
	for _, l := range layouts {
		k := clockOf(t, Time{Unit: l.unit})
		for range rounds(300) {
			at := time.Unix(rng.Int64N(2e9), rng.Int64N(1e9)).UTC()
			text := at.Format(l.golang)
			if rng.IntN(2) == 0 && (l.golang == time.RFC3339Nano || l.unit == "clf") {
				text = at.In(zone).Format(l.golang)
			}
			if l.golang == "20060102-15:04:05:000" {
				text = at.Format("20060102-15:04:05") + fmt.Sprintf(":%03d", at.Nanosecond()/1e6)
			}
			want := at.Truncate(l.step).UnixMilli()
			if got, ok := k.whole([]byte(text), -1); !ok || got != want {
				t.Fatalf("%s: %q is %d %v, want %d", l.unit, text, got, ok, want)
			}
			if got, n, ok := k.prefix([]byte(text+" INFO x"), -1); !ok || got != want || n != len(text) {
				t.Fatalf("%s: %q at the head of a line is %d, %d bytes, %v; want %d", l.unit, text, got, n, ok, want)
			}
		}
	}
}

// Without a year the nearest to the record's time stamp counts, wherever in the
// year the stamp lies.
func TestYearIsTheNearest(t *testing.T) {
	k := clockOf(t, Time{Unit: "syslog"})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range rounds(2000) {
		at := time.Unix(94694400+rng.Int64N(1.9e9), 0).UTC()
		now := at.Add(time.Duration(rng.Int64N(int64(300*24*time.Hour))) - 150*24*time.Hour)
		got, ok := k.whole([]byte(at.Format(time.Stamp)), now.UnixMilli())
		if !ok || got != at.UnixMilli() {
			t.Fatalf("%s at %s is %s", at.Format(time.Stamp), now, time.UnixMilli(got).UTC())
		}
	}
	for _, c := range []struct {
		text string
		now  string
		year int
		want string
	}{
		{"Feb 29 00:00:00", "", 0, "1972-02-29T00:00:00Z"},
		{"Feb 29 00:00:00", "2027-12-31T00:00:00Z", 0, "2028-02-29T00:00:00Z"},
		{"Dec 31 23:59:59", "2026-01-01T00:00:01Z", 0, "2025-12-31T23:59:59Z"},
		{"Jan  1 00:00:00", "2025-12-31T23:59:59Z", 0, "2026-01-01T00:00:00Z"},
		{"Jun 14 15:16:01", "2026-01-01T00:00:01Z", 2005, "2005-06-14T15:16:01Z"},
	} {
		k := clockOf(t, Time{Unit: "syslog", Year: c.year})
		now := int64(-1)
		if c.now != "" {
			now, _ = ParseTime([]byte(c.now), "rfc3339")
		}
		want, _ := ParseTime([]byte(c.want), "rfc3339")
		if got, ok := k.whole([]byte(c.text), now); !ok || got != want {
			t.Errorf("%s with the record's time %q is %d %v, want %s", c.text, c.now, got, ok, c.want)
		}
	}
	if _, ok := clockOf(t, Time{Unit: "syslog", Year: 2025}).whole([]byte("Feb 29 00:00:00"), -1); ok {
		t.Error("2025 has no February 29")
	}
}

func TestClockAutoAndZones(t *testing.T) {
	for _, c := range []struct {
		f    Time
		text string
		want int64
	}{
		{Time{Unit: "auto"}, "1700000000", 1700000000000},
		{Time{Unit: "auto"}, "1.7000000005e9", 1700000000500},
		{Time{Unit: "auto"}, "1700000000123", 1700000000123},
		{Time{Unit: "auto"}, "1700000000123456", 1700000000123},
		{Time{Unit: "auto"}, "1700000000123456789", 1700000000123},
		{Time{Unit: "auto"}, " 2023-11-14 22:13:20 ", 1700000000000},
		{Time{Unit: "auto", Zone: "+01:00"}, "2023-11-14 23:13:20", 1700000000000},
		{Time{Unit: "auto", Zone: "+01:00"}, "2023-11-14T22:13:20Z", 1700000000000},
		{Time{Unit: "%s"}, "1700000000.25", 1700000000250},
		{Time{Unit: "%d.%m.%Y %H:%M", Zone: "-0330"}, "14.11.2023 18:43", 1699999980000},
		{Time{Unit: "%Y-%m-%dT%H:%M:%S.%f%z"}, "2023-11-14T22:13:20", 1700000000000},
	} {
		if got, ok := clockOf(t, c.f).whole([]byte(c.text), -1); !ok || got != c.want {
			t.Errorf("%+v: %q is %d %v, want %d", c.f, c.text, got, ok, c.want)
		}
	}
	for _, bad := range []string{"", "12.5", "-1700000000", "2023-13-14 22:13:20", "2023-02-30 00:00:00", "2023-11-14 24:00:00", "2023-11-14 22:60:20", "2023-11-14 22:13:20x",
		"1969-12-31 00:00:00", "Foo 10 06:55:46", "NaN", "1e300"} {
		if ms, ok := clockOf(t, Time{Unit: "auto"}).whole([]byte(bad), -1); ok {
			t.Errorf("%q is taken for %d", bad, ms)
		}
	}
	for _, bad := range []string{"2023-11-14 22:13:20x", "1700000000a", "17000000001\xc3", "Dec 10 06:55:461"} {
		if ms, n, ok := clockOf(t, Time{Unit: "auto"}).prefix([]byte(bad), -1); ok {
			t.Errorf("%q begins with %d of %d bytes", bad, ms, n)
		}
	}
	for _, f := range []Time{{Unit: "%Q"}, {Unit: "%Y-%m-%d"}, {Unit: "%"}, {Unit: "auto", Zone: "CET"}, {Unit: "auto", Year: 1800}, {Unit: "ms", Year: 2020}, {Unit: "s", Zone: "+01:00"}} {
		f.Field = "t"
		if err := (Config{Channels: paths("a"), Time: f}).Validate(); err == nil {
			t.Errorf("%+v is accepted", f)
		}
	}
}

// JSON and CSV read layouts as well.
func TestLayoutsInTables(t *testing.T) {
	x := make([]float64, 1)
	f := Time{Field: "t", Unit: "%d/%m/%Y %H:%M:%S"}
	j := mustNew(t, Config{Channels: []Channel{{Name: "a"}}, Time: f})
	c := mustNew(t, Config{Format: "csv", Channels: []Channel{{Name: "a"}}, CSV: CSV{Header: []string{"t", "a"}}, Time: f})
	for range 3 {
		if r := j.Decode(x, rec(`{"t":"14/11/2023 22:13:20","a":1}`)); r.Time != 1700000000000 {
			t.Errorf("json: %+v", r)
		}
		if r := c.Decode(x, rec(`14/11/2023 22:13:20,1`)); r.Time != 1700000000000 {
			t.Errorf("csv: %+v", r)
		}
		for _, bad := range []string{`{"a":1}`, `{"t":null,"a":1}`, `{"t":"14/11/2023","a":1}`, `{"t":[1],"a":1}`} {
			if r := j.Decode(x, rec(bad)); r.Reason != Schema {
				t.Errorf("%s: %+v", bad, r)
			}
		}
		if r := c.Decode(x, rec(`,1`)); r.Reason != Schema {
			t.Errorf("csv without a time: %+v", r)
		}
	}
}
