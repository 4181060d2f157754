package drift

import (
	"errors"
	"math"
	"slices"
	"testing"

	"phasor/sketcher/drift/streams"
	"phasor/sketcher/sketch"
)

func TestTwoRanges(t *testing.T) {
	runs := 25
	if long() {
		runs = 300
	}
	const seed = 61
	m := streamMap(t, .9)
	var five, found, named int
	for r := range runs {
		p := newProcess(.9, seed+1+uint64(r))
		past := p.panes(t, m, 200, 64, nil)
		for i, f := range []func(x *[channels]float64){nil, func(x *[channels]float64) { x[4] += .5 }} {
			res, err := TwoRanges(past, p.panes(t, m, 32, 64, f), Options{})
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case i == 0 && res.PValue < .05:
				five++
			case i == 1 && res.PValue < .01:
				found++
				if slices.Contains(res.Channels, "e") {
					named++
				}
			}
			if res.Alarm != (res.PValue < significance) || res.EffectiveRatio > .5 || len(res.Divergence) != channels || res.Caution != "" {
				t.Fatalf("%+v", res)
			}
		}
	}
	t.Logf("seed %d, dependence .9: %d of %d pairs without a change below 5 %%; mean .5 in one channel found at 1 %% in %d, named in %d", seed, five, runs, found, named)
	if float64(five) > .05*float64(runs)+3*math.Sqrt(.05*float64(runs)) {
		t.Errorf("%d of %d pairs without a change below 5 %%", five, runs)
	}
	if found < runs*9/10 || named < found*9/10 {
		t.Errorf("a change found in %d and named in %d of %d pairs", found, named, runs)
	}
}

func TestTwoRangesNeedHistory(t *testing.T) {
	const seed = 62
	t.Logf("seed %d", seed)
	p := newProcess(0, seed)
	m := streamMap(t, 0)
	panes := p.panes(t, m, 60, 64, nil)
	var e *HistoryError
	if _, err := TwoRanges(panes[:19], panes[20:30], Options{}); !errors.As(err, &e) || e.Lacks != TooFewPanes {
		t.Errorf("19 panes against 10: %v", err)
	}
	if _, err := TwoRanges(panes[:40], []*sketch.Accumulator{sketch.New(m)}, Options{Level: .05}); !errors.As(err, &e) || e.Lacks != TooFewPanes {
		t.Errorf("an empty pane: %v", err)
	}
	if _, err := TwoRanges(panes[:40], panes[40:], Options{}); !errors.As(err, &e) || e.Lacks != TooFewPanes || e.Need != 200 {
		t.Errorf("40 panes at 1 %%: %v", err)
	}
	// The order of the ranges does not matter, and a short reference is said to be one.
	a, err := TwoRanges(panes[:40], panes[40:], Options{Level: .05})
	if err != nil {
		t.Fatal(err)
	}
	b, err := TwoRanges(panes[40:], panes[:40], Options{Level: .05})
	if err != nil || a.PValue != b.PValue || a.Caution == "" {
		t.Errorf("%+v, turned round %+v, %v", a, b, err)
	}
	slow := newProcess(.995, seed)
	m = newMap(t, newProcess(.995, seed+1).records(50_000, nil), seed)
	if _, err := TwoRanges(slow.panes(t, m, 200, 16, nil), slow.panes(t, m, 2, 16, nil), Options{Groups: []Group{GroupCM}}); !errors.As(err, &e) || e.Lacks != WindowTooShort || e.Need <= 2 {
		t.Errorf("two panes of a stream with long memory: %v", err)
	}
	other := newMap(t, p.records(3000, nil), seed+1)
	if _, err := TwoRanges(panes, p.panes(t, other, 2, 64, nil), Options{}); !errors.Is(err, ErrMap) {
		t.Errorf("ranges of two maps: %v", err)
	}
	if _, err := TwoRanges(nil, nil, Options{}); !errors.Is(err, ErrMap) {
		t.Errorf("no panes: %v", err)
	}
}

// A change of the record rate between two ranges is no change, whatever the memory of the records.
func TestTwoRangesOfOtherRates(t *testing.T) {
	slow := streams.Kind{Name: "one long memory", Rho: streams.Record{2: .98}}
	for seed, c := range []struct {
		kind               streams.Kind
		records, of, panes int
	}{
		{streams.Independent, 64, 1024, 200},
		{streams.Independent, 512, 16, 200},
		{streams.AR9, 64, 1024, 200},
		{streams.AR9, 1024, 64, 200},
		{streams.AR98, 64, 72, 400},
		{streams.AR98, 64, 256, 400},
		{slow, 256, 512, 200},
		{streams.Season1000, 256, 1024, 200},
		{streams.Mixed, 64, 256, 400},
	} {
		p := newStream(c.kind, uint64(seed)+70)
		m := newMap(t, p.records(10_000, nil), uint64(seed)+70)
		past, now := p.panes(t, m, c.panes, c.records, nil), p.panes(t, m, 64, c.of, nil)
		for _, two := range [][2][]*sketch.Accumulator{{past, now}, {now, past}} {
			if res, err := TwoRanges(two[0], two[1], Options{}); err != nil || res.PValue < .001 {
				t.Errorf("seed %d, %s, panes of %d and of %d records: p-value %v, %v", seed+70, c.kind.Name, c.records, c.of, res.PValue, err)
			}
		}
	}
}
