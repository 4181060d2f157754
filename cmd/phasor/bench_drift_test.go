package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
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
