package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Duration is a time.Duration that also reads days: 7d, 1d12h.
type Duration time.Duration

// D returns d as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

func (d Duration) String() string {
	if day := 24 * time.Hour; d.D() >= day && d.D()%day == 0 {
		return strconv.FormatInt(int64(d.D()/day), 10) + "d"
	}
	return d.D().String()
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a Go duration with an optional number of days before it.
func (d *Duration) UnmarshalText(b []byte) error {
	s := strings.TrimSpace(string(b))
	var days time.Duration
	if head, tail, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseFloat(head, 64)
		if err != nil || !(n >= 0 && n <= 36500) {
			return fmt.Errorf("duration %q: write it like 30s, 10m, 24h or 7d", s)
		}
		days = time.Duration(n * float64(24*time.Hour))
		if s = tail; s == "" {
			s = "0s"
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("duration %q: write it like 30s, 10m, 24h or 7d", string(b))
	}
	if v < 0 {
		return fmt.Errorf("duration %q: it cannot be negative", string(b))
	}
	if v > math.MaxInt64-days {
		return fmt.Errorf("duration %q: longer than 292 years", string(b))
	}
	*d = Duration(days + v)
	return nil
}

// UnmarshalYAML is UnmarshalText with the place in the file.
func (d *Duration) UnmarshalYAML(node ast.Node) error { return unmarshalNode(node, d) }

// RunLength is a mean time between false alarms, written "1 per 30d".
type RunLength time.Duration

// D returns the mean time between two false alarms.
func (r RunLength) D() time.Duration { return time.Duration(r) }

func (r RunLength) String() string { return "1 per " + Duration(r).String() }

// MarshalText writes what UnmarshalText reads.
func (r RunLength) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads "N per DURATION".
func (r *RunLength) UnmarshalText(b []byte) error {
	head, tail, ok := strings.Cut(string(b), "per")
	n, err := strconv.ParseFloat(strings.TrimSpace(head), 64)
	var d Duration
	if !ok || err != nil || !(n > 0) || d.UnmarshalText([]byte(tail)) != nil || d <= 0 {
		return fmt.Errorf("false alarms %q: write how many are acceptable in which time, like 1 per 30d", string(b))
	}
	if v := float64(d) / n; v < 1 || v >= math.MaxInt64 {
		return fmt.Errorf("false alarms %q: the mean time between two must be from 1ns to 292 years", string(b))
	}
	*r = RunLength(float64(d) / n)
	return nil
}

// UnmarshalYAML is UnmarshalText with the place in the file.
func (r *RunLength) UnmarshalYAML(node ast.Node) error { return unmarshalNode(node, r) }
