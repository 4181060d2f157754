package decode

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestParseTimeText(t *testing.T) {
	const seed = 11
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 20000 {
		at := time.UnixMilli(r.Int64N(maxTime)).In(time.FixedZone("", (r.IntN(1439)-719)*60))
		for _, layout := range []string{time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000000Z07:00"} {
			s := at.Format(layout)
			want, err := time.Parse(time.RFC3339Nano, s)
			if err != nil || want.UnixMilli() > maxTime || want.UnixMilli() < 0 {
				continue
			}
			if got, ok := ParseTime([]byte(s), "rfc3339"); !ok || got != want.UnixMilli() {
				t.Fatalf("%s is %d, %v, want %d", s, got, ok, want.UnixMilli())
			}
		}
	}
	for s, want := range map[string]int64{"2020-02-29 13:30:47": 1582983047000, "1970-01-01T00:00:00.9999": 999, "2020-02-29t13:30:47z": 1582983047000} {
		if got, ok := ParseTime([]byte(s), "datetime"); !ok || got != want {
			t.Errorf("%s is %d, %v, want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "2020-02-30T00:00:00Z", "2021-02-29T00:00:00Z", "2020-13-01T00:00:00Z", "2020-00-01T00:00:00Z", "2020-01-01T24:00:00Z",
		"2020-01-01T00:60:00Z", "2020-01-01T00:00:60Z", "2020-01-01T00:00:00", "2020-01-01T00:00:00.Z", "2020-01-01T00:00:00+1:00", "2020-01-01T00:00:00Zx",
		"1969-12-31T23:59:59Z", "-020-01-01T00:00:00Z", "2020-01-01T00:00:00+24:00", "2020/01/01T00:00:00Z", "x020-01-01T00:00:00Z", "20x0-01-01T00:00:00Z"} {
		if got, ok := ParseTime([]byte(s), "rfc3339"); ok {
			t.Errorf("%q is %d, want none", s, got)
		}
	}
}

func TestParseTimeNumber(t *testing.T) {
	for _, c := range []struct {
		text, unit string
		want       int64
	}{
		{"1700000000", "s", 1700000000000}, {"1700000000.123", "s", 1700000000123}, {"1700000000.1239999", "s", 1700000000123},
		{"1.7e9", "s", 1700000000000}, {"1700000000123", "ms", 1700000000123}, {"1700000000123.9", "ms", 1700000000123},
		{"1700000000123456", "us", 1700000000123}, {"1700000000123456789", "ns", 1700000000123}, {"0", "ns", 0}, {"1e-30", "s", 0},
		{"0.000000000000000000000000000000000001", "s", 0}, {"253402300799999", "ms", maxTime},
	} {
		if got, ok := ParseTime([]byte(c.text), c.unit); !ok || got != c.want {
			t.Errorf("%s %s is %d, %v, want %d", c.text, c.unit, got, ok, c.want)
		}
	}
	for _, c := range [][2]string{{"-1", "s"}, {"", "s"}, {"1.", "s"}, {"1e", "s"}, {"1e400", "s"}, {"253402300800000", "ms"}, {"99999999999999999999", "ns"}, {"1x", "ms"}, {"1", "fortnight"}} {
		if got, ok := ParseTime([]byte(c[0]), c[1]); ok {
			t.Errorf("%q %s is %d, want none", c[0], c[1], got)
		}
	}
	// Every millisecond that a float of seconds can express comes back.
	for ms := int64(1700000000000); ms < 1700000002000; ms++ {
		s := fmt.Sprintf("%d.%03d", ms/1000, ms%1000)
		if got, ok := ParseTime([]byte(s), "s"); !ok || got != ms {
			t.Fatalf("%s is %d, %v", s, got, ok)
		}
	}
}
