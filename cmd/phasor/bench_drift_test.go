package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/evaluate"
	"phasor/stream/replay"
)

// A table that is written is read, without its header and the columns that are left out.
func TestDriftBenchReadsTables(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte("time;x;y;label\n1;2.5;3;0\n2;4;5e1;1\n\n3;7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &driftBench{data: dir}
	got, ok, err := b.readTable(";", []int{0}, "a.csv")
	if err != nil || !ok || got.Len() != 2 || len(got.Names) != 3 || got.Rows[4] != 50 {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if _, ok, err := b.readTable("", nil, "none", "b.dat"); ok || err != nil || len(b.skipped) != 1 || !strings.Contains(b.skipped[0], "data absent") {
		t.Errorf("a file that is not there: %v, %v, %q", ok, err, b.skipped)
	}
}

// The whole of it on little data: a table with every detector, and what was skipped is said.
func TestDriftBench(t *testing.T) {
	if os.Getenv("PHASOR_LONG") != "1" {
		t.Skip("a minute: set PHASOR_LONG=1")
	}
	stdout, stderr, err := runBench(t, "drift", "--quick", "--json")
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	var r struct {
		Seed    uint64
		Figures []driftFigure
		Skipped []string
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range r.Figures {
		seen[f.Detector] = true
		if f.On == "" || f.What == "" || f.Trials < 1 {
			t.Errorf("%+v is no figure", f)
		}
	}
	for _, name := range []string{"two ranges", "scan", "Shiryaev-Roberts", "rolling", "z-test by channel", "alarm every n", "never"} {
		if !seen[name] {
			t.Errorf("%s was not measured", name)
		}
	}
	if len(r.Skipped) == 0 || r.Seed == 0 {
		t.Errorf("seed %d, skipped %s", r.Seed, strconv.Quote(strings.Join(r.Skipped, "; ")))
	}
}

// The plant of the demo, whose channels mix short and long memory, raises at most the alarms
// that were asked for while its reference is as short as it is at first.
func TestPlantIsQuiet(t *testing.T) {
	if os.Getenv("PHASOR_LONG") != "1" {
		t.Skip("minutes: set PHASOR_LONG=1")
	}
	const seeds, records = 40, 8000
	for _, reference := range []int{20, 40} {
		var scanned, alarms int
		for seed := range uint64(seeds) {
			plant, err := replay.NewPlant(replay.PlantConfig{Seed: 400 + seed, Rate: records})
			if err != nil {
				t.Fatal(err)
			}
			table := evaluate.Table{Names: plant.Channels()}
			for range 2 * reference * records {
				row, _, err := plant.Next()
				if err != nil {
					t.Fatal(err)
				}
				table.Rows = append(table.Rows, row...)
			}
			m, fresh, err := watchSeed(table.Slice(0, 10_000), table.Slice(0, reference*records), records, evaluate.Scan("scan", drift.Options{ARL: asked}), seed)
			if errors.Is(err, drift.ErrNotEnoughHistory) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			d := fresh()
			for _, a := range table.Slice(reference*records, 2*reference*records).Panes(m, records) {
				scanned++
				if alarm, _ := d.Push(a); alarm {
					alarms++
					break
				}
			}
		}
		expected := float64(scanned) / asked
		t.Logf("seeds from 400, %d panes of reference: %d alarms in %d panes", reference, alarms, scanned)
		if scanned < seeds*reference/2 || float64(alarms) > expected+4*math.Sqrt(expected)+1 {
			t.Errorf("%d panes of reference: %d alarms in %d panes where %.1f are expected", reference, alarms, scanned, expected)
		}
	}
}
