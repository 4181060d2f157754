package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// demoLine runs a demo in this process and returns its last line.
func demoLine(t *testing.T, args ...string) map[string]any {
	t.Helper()
	out, log := phasor(t, append([]string{"demo", "--listen", "127.0.0.1:0", "--store", filepath.Join(t.TempDir(), "store")}, args...)...)
	if !strings.Contains(log, "Page: http://127.0.0.1:") {
		t.Errorf("the page's address is not shown:\n%s", log)
	}
	if strings.Count(out, "\n") != 1 {
		t.Fatalf("standard output holds more or less than a line:\n%s", out)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(out), &line); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Log(out)
	return line
}

func TestDemo(t *testing.T) {
	t.Parallel()
	line := demoLine(t, "--for", "12s", "--rate", "2000")
	for _, key := range []string{"records", "rejected", "rate", "drift_alarms"} {
		if _, ok := line[key].(float64); !ok {
			t.Errorf("%s is %v, and not a number", key, line[key])
		}
	}
	// These have no value before there is a reference, or a model.
	for _, key := range []string{"drift_statistic", "drift_threshold", "loss", "loss_floor", "equivalent_records", "model_version"} {
		v, ok := line[key]
		if _, number := v.(float64); !ok || v != nil && !number {
			t.Errorf("%s is %v: neither a number nor null", key, v)
		}
	}
	if len(line) != 10 {
		t.Errorf("%d keys: %v", len(line), line)
	}
	if n := line["records"].(float64); n < 2000 || n > 12*2000+2000 {
		t.Errorf("%v records in 12 s at 2000 a second", n)
	}
	if line["rejected"] != 0.0 {
		t.Errorf("%v records of the plant were rejected", line["rejected"])
	}
}

func TestDemoOfSKAB(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "skab")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("shared data absent")
	}
	const rows = 46806
	line := demoLine(t, "--source", "skab:"+dir, "--for", "25s", "--rate", "5000")
	records, rejected := line["records"].(float64), line["rejected"].(float64)
	if records+rejected != rows {
		t.Errorf("%v records were folded and %v rejected, of %d rows", records, rejected, rows)
	}
	if rejected > rows/100 {
		t.Errorf("%v of %d rows were rejected", rejected, rows)
	}
}

// What is no result goes to standard error, also when nobody reads it.
func TestLogIsNotOutput(t *testing.T) {
	dir := t.TempDir()
	if err := writeRecords(filepath.Join(dir, "r.csv"), 1, 200, 200); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	args := []string{"--log.format", "json", "calibrate", "--input", filepath.Join(dir, "r.csv"), "--features", "32", "--out", filepath.Join(dir, "spec")}
	if err := run(t.Context(), args, strings.NewReader(""), &out, &log); err != nil || out.Len() != 0 || log.Len() == 0 {
		t.Errorf("%v: %d bytes of output", err, out.Len())
	}
	if strings.ContainsAny(log.String(), "\r\x1b") {
		t.Errorf("a progress bar is drawn where there is no terminal: %q", log.String())
	}
}
