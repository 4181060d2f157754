package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"phasor/sketcher/drift/evaluate"
	"phasor/sketcher/drift/streams"
	"phasor/snapshot"
)

// A range of hours, into which retention has merged its minutes, is compared with one of minutes in hours. The records
// depend on each other over minutes, so their panes of different lengths differ without a change.
func TestDriftComparesPanesOfOneLength(t *testing.T) {
	const seed, records = 41, 64
	t.Logf("seed %d", seed)
	m, err := evaluate.MapOf(streams.New(streams.AR98, seed).Records(10_000, nil), streams.Names(), 32, seed)
	if err != nil {
		t.Fatal(err)
	}
	store := t.TempDir()
	b, err := snapshot.OpenBucket(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ep, err := snapshot.Open(b, "line").CreateSpec(t.Context(), m.Spec())
	if err != nil {
		t.Fatal(err)
	}
	src := streams.New(streams.AR98, seed+1)
	begin := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for at := begin; at.Before(begin.Add(34 * time.Hour)); {
		length := time.Hour
		if at.Sub(begin) >= 24*time.Hour {
			length = time.Minute
		}
		if at.Equal(begin.Add(30 * time.Hour)) { // The stream paused for some minutes.
			at = at.Add(5 * time.Minute)
		}
		p := &snapshot.Pane{Accumulator: evaluate.Pane(m, src.Records(records*int(length.Minutes()), nil))}
		p.PartitionID = snapshot.PartitionID{Topic: "line", TopicID: "AAAAAAAAAAAAAAAAAAAAAA"}
		p.Start, p.Length = at.UnixMilli(), length.Milliseconds()
		if err := ep.SavePane(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		at = at.Add(length)
	}
	const hours = "2026-03-02..2026-03-03"
	for _, c := range []struct {
		a, b, level string
		panes       int    // of the window
		says        string // on standard error, or as the error
	}{
		{hours, "2026-03-03..2026-03-04", "0.05", 10, ""},
		{"2026-03-03..2026-03-04", hours, "0.05", 10, ""},
		{hours, "2026-03-03T06:00..2026-03-03T07:00", "0.05", 1, ""},
		{hours, "2026-03-03T00:30..2026-03-03T09:20", "0.05", 8, "left out: 3200 records at the ends of --a and --b: they fill no whole pane of 1h0m0s"},
		{"2026-03-02T00:30..2026-03-03", "2026-03-03..2026-03-04", "0.05", 10, "left out: 1 pane across an end of --a: instead of 2026-03-02T00:30:00Z give 2026-03-02T00:00:00Z or 2026-03-02T01:00:00Z"},
		{hours, "2026-03-03..2026-03-04", "0.01", 0, "24 panes, where 200 are needed"},
		{hours, "2026-03-03..2026-03-04", "0.01", 0, "retention has merged the panes of 1m0s in --a into panes of 1h0m0s, in which both ranges are compared: choose longer ranges, or two of the last 2d,"},
		{"2026-03-02..2026-03-02T12:00", "2026-03-02T12:00..2026-03-03", "0.05", 0, "the panes of 1m0s in --a and --b into panes of 1h0m0s"},
		{hours, "2026-03-03T00:10..2026-03-03T00:50", "0.05", 0, "has in --b no whole pane of 1h0m0s, in which the other range is kept"},
		{"2026-03-02T00:10..2026-03-02T00:50", "2026-03-03..2026-03-04", "0.05", 0, "has no panes in --a, only 1 pane across an end of it"},
		{"2026-03-03T00:00..2026-03-03T04:00", "2026-03-03T04:00..2026-03-03T05:00", "0.01", 60, ""},
	} {
		var stdout, stderr bytes.Buffer
		err := run(t.Context(), []string{"drift", "--store", store, "--name", "line", "--a", c.a, "--b", c.b, "--level", c.level, "--json"}, strings.NewReader(""), &stdout, &stderr)
		name := fmt.Sprintf("%s against %s at %s", c.a, c.b, c.level)
		if c.panes == 0 {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, wanted %q", name, err, c.says)
			}
			continue
		}
		var r struct {
			Alarm bool    `json:"alarm"`
			P     float64 `json:"p_value"`
			Panes int     `json:"window_panes"`
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if r.Alarm || r.P < .01 || r.Panes != c.panes {
			t.Errorf("%s: alarm %v, p-value %v of %d panes, wanted %d panes and no alarm", name, r.Alarm, r.P, r.Panes, c.panes)
		}
		if !strings.Contains(stderr.String(), c.says) || c.says == "" && stderr.Len() > 0 {
			t.Errorf("%s: said %q, wanted %q", name, stderr.String(), c.says)
		}
	}
}
