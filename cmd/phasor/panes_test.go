package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"phasor/sketcher/feature/featuretest"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// past is a store of panes of 2026-03-02.
type past struct {
	t     *testing.T
	dir   string
	store *snapshot.Store
	epoch *snapshot.Epoch
}

// newPast is a store with an hour's pane from 10:00, 11:00 and 12:00 on.
func newPast(t *testing.T) *past {
	t.Helper()
	p := &past{t: t, dir: t.TempDir()}
	b, err := snapshot.OpenBucket(t.Context(), filepath.Join(p.dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	p.store = snapshot.Open(b, "press")
	p.newEpoch()
	for hour := 10; hour < 13; hour++ {
		p.seal(fmt.Sprintf("%d:00", hour), time.Hour)
	}
	return p
}

func (p *past) newEpoch() {
	p.t.Helper()
	var err error
	if p.epoch, err = p.store.NewEpoch(p.t.Context(), featuretest.Spec(7, 2, 32), nil); err != nil {
		p.t.Fatal(err)
	}
}

// seal writes a pane of 100 records.
func (p *past) seal(from string, length time.Duration) {
	p.t.Helper()
	at, err := time.Parse("2006-01-02 15:04", "2026-03-02 "+from)
	if err != nil {
		p.t.Fatal(err)
	}
	a := sketch.New(p.epoch.Map())
	a.Fold(featuretest.Quantised(rand.New(rand.NewPCG(uint64(at.Unix()), 1)), 100, 2))
	r := snapshot.PaneRef{PartitionID: snapshot.PartitionID{Topic: "press", TopicID: "id"}, Start: at.UnixMilli(), Length: length.Milliseconds()}
	if err := p.epoch.SavePane(p.t.Context(), &snapshot.Pane{PaneRef: r, Accumulator: a}); err != nil {
		p.t.Fatal(err)
	}
}

// damage flips a bit of the panes of a length that begin at an hour.
func (p *past) damage(hour int, length time.Duration) {
	p.t.Helper()
	at := time.Date(2026, 3, 2, hour, 0, 0, 0, time.UTC)
	names, err := filepath.Glob(filepath.Join(p.dir, "store/press/*/panes/*/0", fmt.Sprint(length.Milliseconds()), fmt.Sprintf("%020d", at.UnixMilli())))
	if err != nil || len(names) != 1 {
		p.t.Fatalf("the pane at %v is in %q: %v", at, names, err)
	}
	b := read(p.t, names[0])
	b[len(b)/2] ^= 4
	if err := os.WriteFile(names[0], b, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// run runs a command of the store. Times of day in its arguments, as <10:30>, are those of 2026-03-02.
func (p *past) run(args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	text := strings.NewReplacer("<", "2026-03-02T", ">", ":00Z", "OUT", filepath.Join(p.dir, "out"))
	for i := range args {
		args[i] = text.Replace(args[i])
	}
	var out, log bytes.Buffer
	err := run(p.t.Context(), append(args, "--store", filepath.Join(p.dir, "store"), "--name", "press"), strings.NewReader(""), &out, &log)
	if strings.Contains(log.String(), "defect of Phasor") {
		p.t.Errorf("%q: %s", args, log.String())
	}
	return exitCode(err), out.String(), log.String()
}

// A pane that cannot be read is no reason to give a sketch that is short, or to say that there never was one.
func TestLostPanesAreAnError(t *testing.T) {
	p := newPast(t)
	p.damage(10, time.Hour)
	for _, args := range []string{
		"history --from <10:00> --to <11:00> --out OUT", "history --from <10:00> --to <12:00> --out OUT", "history --out OUT --json",
		"fit --from <10:00> --to <11:00> --out OUT --steps 2", "fit --from <10:00> --to <12:00> --out OUT --steps 2",
		"clusters --from <10:00> -k 1", "drift --a <10:00>..<11:00> --b <11:00>..<13:00>", "drift --a <11:00>..<13:00> --b <10:00>..<11:00> --json",
	} {
		code, stdout, stderr := p.run(strings.Fields(args)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, "1 pane of the range cannot be read, in 2026-03-02T10:00:00Z..2026-03-02T11:00:00Z: restore ") ||
			!strings.Contains(stderr, "object=press/0001/panes/") || strings.Contains(stderr, "no panes") {
			t.Errorf("%s: exit code %d, %s%s", args, code, stdout, stderr)
		}
		if _, err := os.Stat(filepath.Join(p.dir, "out")); err == nil {
			t.Fatalf("%s: wrote a sketch without the pane", args)
		}
	}
	if code, _, stderr := p.run("history", "--from", "<11:00>", "--out", "OUT"); code != 0 || !strings.Contains(stderr, "200 records in ") {
		t.Errorf("around the pane: exit code %d, %s", code, stderr)
	}
	p.damage(12, time.Hour)
	if _, _, stderr := p.run("history", "--out", "OUT"); !strings.Contains(stderr, "2 panes of the range cannot be read, in 2026-03-02T10:00:00Z..2026-03-02T11:00:00Z, 2026-03-02T12:00:00Z..2026-03-02T13:00:00Z: ") {
		t.Errorf("two panes: %s", stderr)
	}
	p.damage(11, time.Hour)
	if _, _, stderr := p.run("history", "--out", "OUT"); !strings.Contains(stderr, "3 panes of the range cannot be read, in 2026-03-02T10:00:00Z..2026-03-02T13:00:00Z: ") {
		t.Errorf("three panes in a row: %s", stderr)
	}
}

// Shorter panes that a damaged one was merged from give its records.
func TestShorterPanesStandInForADamagedOne(t *testing.T) {
	p := newPast(t)
	p.seal("10:00", 30*time.Minute)
	p.seal("10:30", 30*time.Minute)
	p.damage(10, time.Hour)
	code, _, stderr := p.run("history", "--from", "<10:00>", "--to", "<12:00>", "--out", "OUT")
	if code != 0 || !strings.Contains(stderr, "300 records in ") || !strings.Contains(stderr, "corrupt object skipped") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// Panes cannot be cut: a range that cuts some says which part of it is missing, and which ends would not.
func TestRangesThatCutPanes(t *testing.T) {
	p := newPast(t)
	const ten, eleven, twelve, one = "2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"
	both := "left out: 2 panes across an end of that range: instead of 2026-03-02T10:30:00Z give " + ten + " or " + eleven +
		", instead of 2026-03-02T12:30:00.5Z give " + twelve + " or " + one + "\n"
	inside := "has no panes in that range, only 1 pane across an end of it: instead of 2026-03-02T10:30:00Z give " + ten +
		", instead of 2026-03-02T10:50:00Z give " + eleven + "\n"
	for _, test := range []struct {
		args string
		code int
		text string
	}{
		{"history --from <10:30> --to 2026-03-02T12:30:00.5Z --out OUT", 0, both},
		{"history --from <10:30> --to 2026-03-02T12:30:00.5Z --json", 0, both},
		{"fit --from <10:30> --to 2026-03-02T12:30:00.5Z --out OUT --steps 2", 0, both},
		{"fit --from <11:00> --to <12:30> --out OUT --steps 2", 0, "left out: 1 pane across an end of that range: instead of 2026-03-02T12:30:00Z give " + twelve + " or " + one + "\n"},
		{"fit --to <11:30> --out OUT --steps 2", 0, "left out: 1 pane across an end of that range: instead of 2026-03-02T11:30:00Z give " + eleven + " or " + twelve + "\n"},
		{"history --from <10:30> --to <10:50> --out OUT", 1, inside},
		{"fit --from <10:30> --to <10:50> --out OUT", 1, inside},
		{"fit --from <12:30> --out OUT", 1, "only 1 pane across an end of it: instead of 2026-03-02T12:30:00Z give " + twelve + "\n"},
		{"fit --from <09:00> --to <10:00> --out OUT", 1, "has no panes in that range: they are written when "},
		{"drift --a <10:00>..<11:30> --b <12:00>..<13:00>", 1, "left out: 1 pane across an end of --a: instead of 2026-03-02T11:30:00Z give " + eleven + " or " + twelve + "\n"},
		{"drift --a <10:00>..<11:00> --b <11:30>..<12:30>", 1, "has no panes in --b, only 2 panes across an end of it: instead of 2026-03-02T11:30:00Z give " + eleven +
			", instead of 2026-03-02T12:30:00Z give " + one + "\n"},
		{"drift --a <10:00>..<11:00> --b <13:00>..<14:00>", 1, "has no panes in --b: they are written when "},
	} {
		if code, _, stderr := p.run(strings.Fields(test.args)...); code != test.code || !strings.Contains(stderr, test.text) {
			t.Errorf("%s: exit code %d: %s", test.args, code, stderr)
		}
	}
	if _, _, stderr := p.run("fit", "--from", "<11:00>", "--to", "<13:00>", "--out", "OUT", "--steps", "2"); strings.Contains(stderr, "left out") {
		t.Errorf("no pane is cut: %s", stderr)
	}
}

// What came before a calibration is in the epoch before it.
func TestRangesOfAnOlderEpoch(t *testing.T) {
	p := newPast(t)
	p.newEpoch()
	p.seal("13:00", time.Hour)
	for _, test := range []struct {
		args string
		code int
		text string
	}{
		{"fit --from <10:00> --to <12:00> --out OUT", 1, "has no panes in that range of epoch 2, but epoch 1 has some: give --epoch 1\n"},
		{"history --from <10:00> --to <12:00> --out OUT", 1, "of epoch 2, but epoch 1 has some: give --epoch 1\n"},
		{"clusters --from <10:10> --to <10:20> -k 1", 1, "but epoch 1 has some: give --epoch 1\n"},
		{"drift --a <10:00>..<11:00> --b <11:00>..<12:00>", 1, "has no panes in --a of epoch 2, but epoch 1 has some: give --epoch 1\n"},
		{"fit --from <13:00> --epoch 1 --out OUT", 1, "of epoch 1, but epoch 2 has some: give --epoch 2\n"},
		{"fit --from <08:00> --to <09:00> --out OUT", 1, "has no panes in that range: they are written when "},
		{"fit --from <10:00> --to <12:00> --epoch 1 --out OUT --steps 2", 0, "200\n"},
		{"history --from <10:00> --to <12:00> --epoch 1 --out OUT", 0, "200 records in "},
		{"clusters --from <10:00> --to <12:00> --epoch 1 -k 1", 0, "200\n"},
		{"drift --a <10:00>..<11:00> --b <11:00>..<12:00> --epoch 1", 1, "not enough history"},
		{"drift --a <10:00>..<11:00> --b <11:00>..<12:00> --epoch 3", 1, "has no epoch 3: the newest is 2"},
		{"fit --epoch=-1 --out OUT", 2, "--epoch is -1: epochs are counted from 1"},
	} {
		if code, _, stderr := p.run(strings.Fields(test.args)...); code != test.code || !strings.Contains(stderr, test.text) {
			t.Errorf("%s: exit code %d: %s", test.args, code, stderr)
		}
	}
}

// The partitions' panes need not end together: an end is one for all of them.
func TestCutOf(t *testing.T) {
	panes := func(intervals ...int64) (refs []snapshot.PaneRef) {
		for i := 0; i < len(intervals); i += 2 {
			refs = append(refs, snapshot.PaneRef{Start: intervals[i], Length: intervals[i+1] - intervals[i]})
		}
		return refs
	}
	for _, test := range []struct {
		panes             []snapshot.PaneRef
		at, before, after int64
	}{
		{nil, 5, 5, 5},
		{panes(0, 5, 5, 10), 5, 5, 5},
		{panes(0, 5, 5, 10), 6, 5, 10},
		{panes(0, 6, 3, 9, 5, 10), 5, 0, 10},
		{panes(0, 4, 3, 7, 6, 12), 6, 0, 12},
		{panes(0, 4, 3, 7, 6, 12), 4, 0, 12},
		{panes(0, 24, 3, 4, 10, 12), 11, 0, 24},
	} {
		if c := cutOf(test.panes, test.at); c.before != test.before || c.after != test.after {
			t.Errorf("%v at %d: %d and %d, want %d and %d", test.panes, test.at, c.before, c.after, test.before, test.after)
		}
	}
}
