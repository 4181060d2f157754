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
