package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sharedBench is a bench over the shared data sets.
func sharedBench(t *testing.T, set string) *driftBench {
	t.Helper()
	if os.Getenv("PHASOR_LONG") != "1" {
		t.Skip("minutes: set PHASOR_LONG=1")
	}
	data := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(filepath.Join(data, set)); err != nil {
		t.Skip("shared data absent: " + set)
	}
	b := &driftBench{data: data, seed: 20_260_301}
	b.calibrate()
	return b
}

func (b *driftBench) figure(t *testing.T, on, detector string) driftFigure {
	t.Helper()
	for _, f := range b.rows {
		if f.On == on && f.Detector == detector {
			return f
		}
	}
	t.Fatalf("no figure of %s on %s", detector, on)
	return driftFigure{}
}

// The rolling mode finds nearly all of 66 changes soon, and raises at most the two other
// alarms that one in 1,000 panes allows, on every map; rows in random order, which have no
// change, raise none.
func TestRollingOnInterchangingClasses(t *testing.T) {
	b := sharedBench(t, "interrbf")
	if err := b.interrbf(); err != nil {
		t.Fatal(err)
	}
	f := b.figure(t, "interrbf, x and label", "rolling")
	t.Logf("x and label: %v found, %s", *f.Value, f.Note)
	_, after, ok := strings.Cut(f.Note, "other alarms ")
	others, _, _ := strings.Cut(after, ";")
	if !ok || f.Trials < 8 || *f.Value < 64 {
		t.Errorf("%v changes found, %s", *f.Value, f.Note)
	}
	for _, n := range strings.Fields(others) {
		if n, err := strconv.Atoi(n); err != nil || n > 2 {
			t.Errorf("other alarms %v, %v", n, err)
		}
	}
	f = b.figure(t, "interrbf, x alone", "rolling")
	t.Logf("x alone: %v found, %s", *f.Value, f.Note)
	f = b.figure(t, "interrbf, x alone, rows in random order", "rolling")
	t.Logf("x alone in random order: %v alarms", *f.Value)
	if *f.Value > 2 {
		t.Errorf("%v alarms of rows in random order", *f.Value)
	}
}

// The scan finds the faults of the Tennessee Eastman process that can be found, and is quiet
// before them.
func TestScanOnTennesseeEastman(t *testing.T) {
	b := sharedBench(t, "tep")
	if err := b.tep(); err != nil {
		t.Fatal(err)
	}
	panes := 0
	for _, f := range b.rows {
		if f.Detector != "scan" || f.Value == nil {
			continue
		}
		t.Logf("%s: %s %v, %s", f.On, f.What, *f.Value, f.Note)
		var fault int
		switch {
		case f.On == "TEP d00_te":
			panes++
			most := 0.0
			if strings.Contains(f.Note, "panes of 10") {
				most = 2
			}
			if *f.Value > most {
				t.Errorf("%v panes of d00_te in alarm, %s", *f.Value, f.Note)
			}
		case strings.HasPrefix(f.On, "TEP fault"):
			if _, err := fmt.Sscanf(f.On, "TEP fault %d", &fault); err != nil {
				t.Fatal(err)
			}
			most := 40.0
			if fault == 10 && strings.Contains(f.Note, "panes of 20") {
				most = 80
			}
			if fault != 3 && fault != 9 && *f.Value > most {
				t.Errorf("fault %d found after %v rows, %s", fault, *f.Value, f.Note)
			}
			if strings.Contains(f.Note, "panes of 20") && !strings.Contains(f.Note, ", 0 in alarm before") {
				t.Errorf("fault %d: %s", fault, f.Note)
			}
		}
	}
	if panes != 2 {
		t.Errorf("%d sizes of panes were looked at", panes)
	}
}

// Every detector, the dummies among them, has a figure or a refusal on every other data set.
func TestDriftBenchOnSharedData(t *testing.T) {
	b := sharedBench(t, "nab")
	b.e, b.quick = &env{stdout: t.Output()}, true
	for set, run := range map[string]func() error{"SKAB": b.skab, "elec2": b.elec2, "NAB art_flatline": b.nab} {
		if err := run(); err != nil {
			t.Fatalf("%s: %v", set, err)
		}
		for _, name := range []string{"scan", "Shiryaev-Roberts", "rolling", "z-test by channel", "alarm every n", "never"} {
			b.figure(t, set, name)
		}
	}
	if len(b.skipped) > 0 {
		t.Errorf("skipped %q", b.skipped)
	}
	if err := b.print(); err != nil {
		t.Error(err)
	}
}
