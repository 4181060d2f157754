package trainer

import (
	"math"
	"testing"
	"time"
)

func TestHorizons(t *testing.T) {
	const hour = int64(3_600_000)
	until := began + 100*hour
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	for _, c := range []struct {
		what         string
		h            Horizon
		since, until int64
		from, to     int64
	}{
		{"since the last change", Horizon{}, began, until, began, until},
		{"no change yet", Horizon{}, math.MinInt64, until, 0, 0},
		{"all", Horizon{All: true}, began, until, 0, 0},
		{"the last day", Horizon{Last: 24 * time.Hour}, began, until, until - 24*hour, until},
		{"less than a day since the change", Horizon{Last: 24 * time.Hour}, until - hour, until, until - hour, until},
		{"an interval", Horizon{From: at(began + hour), To: at(began + 2*hour)}, began + 50*hour, until, began + hour, began + 2*hour},
		{"an interval that goes on", Horizon{From: at(began), To: at(until + hour)}, began, until, began, until},
		{"a half-life", Horizon{HalfLife: time.Hour}, began, until, until - HalfLives*hour, until},
		{"an interval before anything is complete", Horizon{From: at(began), To: at(until)}, math.MinInt64, math.MinInt64, began, math.MinInt64},
		{"nothing is complete", Horizon{Last: time.Hour}, math.MinInt64, math.MinInt64, 0, 0},
	} {
		if from, to := c.h.interval(c.since, c.until); from != c.from || to != c.to {
			t.Errorf("%s: %d to %d, wanted %d to %d", c.what, from, to, c.from, c.to)
		}
	}
	for _, h := range []Horizon{{Last: -1}, {HalfLife: -1}, {HalfLife: time.Millisecond - 1}, {From: at(2), To: at(1)}, {From: at(1)}, {All: true, Last: 1}, {Last: 1, HalfLife: 1}} {
		if h.Validate() == nil {
			t.Errorf("%+v is accepted", h)
		}
	}
}

// Half as many panes count with each half-life, and those that do hold what they hold.
func TestHalfLifeThinsPanes(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, 41)
	r.panes(64, quiet)
	f := r.frontier()
	const life = 16 * paneLength
	f.keep = Horizon{HalfLife: life * time.Millisecond}.keeps(f.until)
	got, err := mergeIntervals(t.Context(), r.epoch, began, f, paneLength)
	r.must(err)
	byAge := map[int64]int{}
	var records int64
	for start := int64(began); start+paneLength <= f.until; start += paneLength {
		if f.keep(start, paneLength) {
			byAge[(f.until-start-paneLength)/life]++
			records += 2 * perPane
		}
	}
	if got.Count() != records {
		t.Errorf("%d records, wanted %d", got.Count(), records)
	}
	for k, n := range byAge {
		if want := 16 >> k; n < want-1 || n > want+1 {
			t.Errorf("%d panes of %d half-lives, wanted about %d", n, k, want)
		}
	}
	if (Horizon{}).keeps(0) != nil {
		t.Error("without a half-life some panes do not count")
	}
}
