package status

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"phasor/sketcher"
	"phasor/stream"
	"phasor/stream/decode"
	"phasor/trainer"
)

func partition(n int) stream.PartitionID {
	return stream.PartitionID{Topic: "t", TopicID: "id", Partition: n}
}

// What the sketcher's hooks say is what the page shows; hooks of others are still called, and may be missing.
func TestStreamFollowsTheHooks(t *testing.T) {
	b := New(Config{Title: "Phasor", Role: "sketcher"})
	heard := 0
	h := b.Sketcher("line", []string{"t"}, sketcher.Hooks{Folded: func(stream.PartitionID, sketcher.Counts, time.Duration) { heard++ }})
	h.Sketch(1024, 8)
	h.Assigned(partition(1))
	h.Assigned(partition(0))
	c := sketcher.Counts{Records: 110, Folded: 100, Late: 1, Early: 2, Duplicates: 3, Clamped: 4, Missing: 5, Sealed: 3}
	c.Rejects[decode.Schema] = 7
	h.Folded(partition(0), c, time.Second)
	h.Position(partition(0), 110, 150)
	h.Position(partition(1), 20, 10) // The high watermark was read before the records.
	h.Saved(partition(0), sketcher.Save{Result: "ok", Next: 90, Records: 80, Panes: 2, Resident: 5000})
	h.Saved(partition(0), sketcher.Save{Result: "error", Next: 1, Records: 1, Panes: 1, Resident: 1})
	h.Gap(partition(1), "retention")
	p := b.panels[0].stream
	start := p.recent[0].at
	p.sample(start.Add(2 * time.Second))
	h.Folded(partition(0), sketcher.Counts{Folded: 300}, 0)
	p.sample(start.Add(4 * time.Second))

	s := b.Page().Sketches[0].Stream
	if s.Folded != 400 || s.Durable != 80 || s.Rate != 100 || s.Lag != 40 || s.Rejected != 7 || s.Late != 1 || s.Early != 2 || s.Duplicate != 3 || s.Clamped != 4 || s.Missing != 5 ||
		s.Features != 1024 || s.Dimension != 8 || s.Bytes != 5000 || s.Saved.IsZero() || heard != 2 {
		t.Errorf("%+v", s)
	}
	if len(s.Reasons) != 1 || s.Reasons[0] != (Count{"schema", 7}) || len(s.Gaps) != 1 || s.Gaps[0] != (Count{"retention", 1}) {
		t.Errorf("%v, %v", s.Reasons, s.Gaps)
	}
	if len(s.Partitions) != 2 || s.Partitions[0].Partition != 0 || s.Partitions[0].Next != 110 || s.Partitions[0].Durable != 90 || s.Partitions[0].Lag != 40 || s.Partitions[0].Waiting != 1 ||
		s.Partitions[1].Durable != -1 || s.Partitions[1].Lag != 0 {
		t.Errorf("%+v", s.Partitions)
	}
	if len(s.History) != 2 || s.History[0].Rate != 50 || s.History[1].Rate != 150 || s.History[0].Rejected != 3.5 {
		t.Errorf("%+v", s.History)
	}
	if folded, rejected := b.Tally("line"); folded != 400 || rejected != 7 {
		t.Errorf("%d, %d", folded, rejected)
	}
	h.Released(partition(0), false)
	h.Position(partition(0), 200, 300) // Its last word.
	if s := b.Page().Sketches[0].Stream; len(s.Partitions) != 1 || s.Lag != 0 {
		t.Errorf("a partition that was given up is still shown: %+v", s.Partitions)
	}
}

// Ten thousand partitions come and go and leave nothing; more than can be listed are still counted.
func TestPartitionsLeaveNothing(t *testing.T) {
	b := New(Config{})
	h := b.Sketcher("line", []string{"t"}, sketcher.Hooks{})
	for n := range 10_000 {
		h.Assigned(partition(n))
		h.Position(partition(n), 1, 3)
	}
	if s := b.Page().Sketches[0].Stream; len(s.Partitions) != mostPartitions || s.Lag != 20_000 {
		t.Errorf("%d partitions with a lag of %d", len(s.Partitions), s.Lag)
	}
	for n := range 10_000 {
		h.Released(partition(n), n%2 == 0)
		h.Saved(partition(n), sketcher.Save{Result: "ok"})
	}
	if n := len(b.panels[0].stream.owned); n != 0 {
		t.Errorf("%d partitions are left", n)
	}
}

// An alarm latches, is told in words, and stays on the time line when it is let go.
func TestDriftFollowsTheHooks(t *testing.T) {
	b := New(Config{})
	h := b.Trainer("line", trainer.Hooks{})
	st := trainer.Status{Version: 2, RefitResults: map[string]int{"published": 2}}
	b.Follow("line", func() trainer.Status { return st }, nil)
	b.panels[0].models = nil
	say := func(pane int64, statistic float64, a *trainer.Alarm, raised bool) {
		st.Drift = trainer.DriftStatus{Detector: trainer.ModeScan, Pane: pane, Statistic: statistic, Threshold: 5, TargetRunLength: time.Hour, Alarm: a, Fixed: true,
			Channels: []string{"a", "b"}, Divergence: []float64{.1, .2}}
		h.Drift(st.Drift, raised)
	}
	say(1000, 1, nil, false)
	say(2000, 2, nil, false)
	a := &trainer.Alarm{Pane: 3000, Change: 2000, Group: "cm", Statistic: 9, Threshold: 5, Channels: []string{"b"}, Moves: []trainer.Move{{Channel: "b", Aspect: "mean", Up: true}}}
	say(3000, 9, a, true)
	say(4000, 8, a, false)
	p := b.Page()
	d := p.Sketches[0].Drift
	if len(d.History) != 4 || d.History[2].Statistic != 9 || !d.Fixed || d.Latched == nil || d.Latched.What != "b mean up" || len(d.Alarms) != 1 || !d.Alarms[0].Ended.IsZero() {
		t.Errorf("%+v", d)
	}
	if d.Divergence[0] != (Divergence{"b", .2}) {
		t.Errorf("the channel that moved most is not the first: %v", d.Divergence)
	}
	if len(p.Notices) != 1 || p.Notices[0] != (Notice{LevelAlarm, "line", "Drift since 00:00:02: b mean up"}) {
		t.Errorf("%v", p.Notices)
	}
	say(4000, 8, nil, false) // Let go: the same pane once more.
	p = b.Page()
	if d := p.Sketches[0].Drift; len(p.Notices) != 0 || d.Latched != nil || len(d.Alarms) != 1 || d.Alarms[0].Ended.IsZero() || len(d.History) != 4 {
		t.Errorf("%+v", d)
	}
	for i := range 3 * maxAlarms {
		say(int64(5000+i*1000), 9, &trainer.Alarm{Pane: int64(5000 + i*1000)}, true)
	}
	alarms := b.Page().Sketches[0].Drift.Alarms
	if len(alarms) != maxAlarms {
		t.Errorf("%d alarms are kept", len(alarms))
	}
	for i, a := range alarms { // Each took the place of the one before.
		if a.Ended.IsZero() != (i == 0) {
			t.Errorf("%d later alarms, ended %v", i, a.Ended)
		}
	}
	st.LastError = "the store is away"
	if p := b.Page(); p.Notices[len(p.Notices)-1] != (Notice{LevelError, "line", "the store is away"}) {
		t.Errorf("%v", p.Notices)
	}
	if m := p.Sketches[0].Model; m.Version != 2 || m.Fits[0] != (Count{"published", 2}) {
		t.Errorf("%+v", m)
	}
}

// A board that nobody tells anything, and one that is run, have a whole page; nothing is left when it ends.
func TestBoardRunsAndEnds(t *testing.T) {
	b := New(Config{Every: time.Millisecond, Step: time.Millisecond})
	b.Sketcher("line", []string{"t"}, sketcher.Hooks{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	wait(t, "history", func() bool { return len(b.Page().Sketches[0].Stream.History) > 3 })
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	r, err := http.Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	events := newEvents(r.Body)
	first := events.next(t)
	if len(first.IDs) < 3 || len(first.Parts) != len(first.IDs) {
		t.Errorf("the first event is not the whole page: %v", first.IDs)
	}
	h := b.panels[0].stream.hooks(sketcher.Hooks{})
	h.Folded(partition(0), sketcher.Counts{Folded: 4321}, 0)
	for {
		if e := events.next(t); bytes.Contains([]byte(e.Parts["s0-now"]), []byte("4,321")) {
			break
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for events.more() {
	}
	if r := get(t, b, "GET", "/events"); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a board that has ended accepts readers: %d", r.StatusCode)
	}
}

// wait waits for a condition.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 3000 {
		if holds() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: not within a minute", what)
}

// told is the content of an event.
type told struct {
	Title string
	IDs   []string
	Parts map[string]string
}

func decoded(t *testing.T, line []byte) (e told) {
	t.Helper()
	data, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data: "))
	if !ok {
		t.Fatalf("no event: %q", line)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}
