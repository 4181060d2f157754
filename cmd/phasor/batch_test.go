package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// phasor runs a command in this process and fails the test if the command does.
func phasor(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	if err := run(t.Context(), args, strings.NewReader(""), &out, &log); err != nil {
		t.Fatalf("phasor %s: %v\n%s", strings.Join(args, " "), err, log.String())
	}
	return out.String(), log.String()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A file cut anywhere, sketched in parts and merged in any order and grouping gives the bytes of the whole.
func TestPartsMergeToTheWhole(t *testing.T) {
	const rows, parts = 2000, 7
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := writeRecords(at("all.csv"), seed, rows, rows/2); err != nil {
		t.Fatal(err)
	}
	phasor(t, "calibrate", "--input", at("all.csv"), "--features", "64", "--out", at("spec"))
	phasor(t, "sketch", "--spec", at("spec"), "--input", at("all.csv"), "--out", at("all"))

	lines := bytes.SplitAfter(read(t, at("all.csv")), []byte("\n"))
	header, lines := lines[0], lines[1:rows+1]
	rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	var names []string
	for i := range parts {
		to := len(lines)
		if i < parts-1 {
			to = 1 + rng.IntN(2*len(lines)/(parts-i)-1)
		}
		name := at(fmt.Sprintf("part-%d", i))
		part := append(bytes.Clone(header), bytes.Join(lines[:to], nil)...)
		if err := os.WriteFile(name+".csv", part, 0o644); err != nil {
			t.Fatal(err)
		}
		lines = lines[to:]
		phasor(t, "sketch", "--spec", at("spec"), "--input", name+".csv", "--out", name)
		names = append(names, name)
	}
	whole := read(t, at("all"))
	for range 5 {
		rng.Shuffle(parts, func(i, j int) { names[i], names[j] = names[j], names[i] })
		phasor(t, append([]string{"merge", "--out", at("merged")}, names...)...)
		if !bytes.Equal(read(t, at("merged")), whole) {
			t.Errorf("merged in the order %v the bytes differ", names)
		}
		cut := 1 + rng.IntN(parts-1)
		phasor(t, append([]string{"merge", "--out", at("left")}, names[:cut]...)...)
		phasor(t, append([]string{"merge", "--out", at("right")}, names[cut:]...)...)
		phasor(t, "merge", "--out", at("merged"), at("right"), at("left"))
		if !bytes.Equal(read(t, at("merged")), whole) {
			t.Errorf("merged as %v and %v the bytes differ", names[:cut], names[cut:])
		}
	}
	phasor(t, "merge", "--out", at("merged"), at("left"), at("right"), at("left"))
	if bytes.Equal(read(t, at("merged")), whole) {
		t.Error("a part that counts twice leaves no trace")
	}
}

// The same seeds give the same feature map, model and records; others give others.
func TestSeedsDecide(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := writeRecords(at("r.csv"), 4, 800, 800); err != nil {
		t.Fatal(err)
	}
	calibrate := func(out, seed string) {
		phasor(t, "calibrate", "--input", at("r.csv"), "--features", "32", "--pilot", "500", "--seed", seed, "--out", at(out))
	}
	calibrate("spec", "7")
	calibrate("spec-again", "7")
	calibrate("spec-other", "8")
	phasor(t, "sketch", "--spec", at("spec"), "--input", at("r.csv"), "--out", at("s"))
	fit := func(out, seed string) {
		phasor(t, "fit", "--spec", at("spec"), "--sketch", at("s"), "--steps", "6", "--seed", seed, "--out", at(out))
	}
	fit("model", "1")
	fit("model-again", "1")
	fit("model-other", "2")
	for _, name := range []string{"spec", "model"} {
		if !bytes.Equal(read(t, at(name)), read(t, at(name+"-again"))) {
			t.Errorf("%s: the same seed gives other bytes", name)
		}
		if bytes.Equal(read(t, at(name)), read(t, at(name+"-other"))) {
			t.Errorf("%s: another seed gives the same bytes", name)
		}
	}
	sample := func(n, seed string) string {
		out, _ := phasor(t, "sample", "--model", at("model"), "--n", n, "--seed", seed)
		return out
	}
	first := sample("50", "3")
	if sample("50", "3") != first {
		t.Error("the same seed gives other records")
	}
	if sample("50", "4") == first {
		t.Error("another seed gives the same records")
	}
	rows, err := csv.NewReader(strings.NewReader(first)).ReadAll()
	if err != nil || len(rows) != 51 || len(rows[0]) != 3 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// A checkpoint that was interrupted goes on to the model that was never interrupted.
func TestInterruptedFitGoesOn(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := writeRecords(at("r.csv"), 4, 800, 800); err != nil {
		t.Fatal(err)
	}
	phasor(t, "calibrate", "--input", at("r.csv"), "--features", "32", "--out", at("spec"))
	phasor(t, "sketch", "--spec", at("spec"), "--input", at("r.csv"), "--out", at("s"))
	args := func(out string) []string {
		return []string{"fit", "--spec", at("spec"), "--sketch", at("s"), "--steps", "40", "--out", at(out)}
	}
	phasor(t, args("whole")...)

	ctx := &ticking{Context: t.Context(), left: 2} // Steps are taken 16 at a time.
	var out, log bytes.Buffer
	err := run(ctx, append(args("cut"), "--checkpoint", at("checkpoint")), strings.NewReader(""), &out, &log)
	if err == nil || !strings.Contains(log.String(), "interrupted") {
		t.Fatalf("%v: %s", err, log.String())
	}
	if _, err := os.Stat(at("cut")); err == nil {
		t.Error("an interrupted fit leaves a model")
	}
	phasor(t, append(args("cut"), "--checkpoint", at("checkpoint"))...)
	if !bytes.Equal(read(t, at("cut")), read(t, at("whole"))) {
		t.Error("the fit that was interrupted has another end")
	}
}

// Equal records have equal answers, deviations included, in whatever row they stand.
func TestRecoveredRowsAreAlike(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := writeRecords(at("r.csv"), 4, 800, 800); err != nil {
		t.Fatal(err)
	}
	phasor(t, "calibrate", "--input", at("r.csv"), "--features", "32", "--out", at("spec"))
	phasor(t, "sketch", "--spec", at("spec"), "--input", at("r.csv"), "--out", at("s"))
	phasor(t, "fit", "--spec", at("spec"), "--sketch", at("s"), "--steps", "6", "--out", at("model"))
	rows := "temperature,pressure,flow\n" + strings.Repeat("1.5,,0.7\n", 3)
	if err := os.WriteFile(at("rows.csv"), []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"gaussian", "sampling", "hybrid", "mixture", "tikhonov"} {
		out, _ := phasor(t, "recover", "impute", "--model", at("model"), "--input", at("rows.csv"), "--samples", "500", "--method", method, "--json")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != 3 || lines[0] != lines[1] || lines[1] != lines[2] {
			t.Errorf("%s: equal records differ:\n%s", method, out)
		}
	}
}

// An interrupt ends what takes long: it does not wait for all records or for the best mixture.
func TestInterruptsEndLongWork(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := writeRecords(at("r.csv"), 4, 800, 800); err != nil {
		t.Fatal(err)
	}
	phasor(t, "calibrate", "--input", at("r.csv"), "--features", "32", "--out", at("spec"))
	phasor(t, "sketch", "--spec", at("spec"), "--input", at("r.csv"), "--out", at("s"))
	phasor(t, "fit", "--spec", at("spec"), "--sketch", at("s"), "--steps", "6", "--out", at("model"))
	for _, args := range [][]string{
		{"sample", "--model", at("model"), "--n", "100000"},
		{"clusters", "--spec", at("spec"), "--sketch", at("s"), "-k", "8"},
		{"clusters", "--spec", at("spec"), "--sketch", at("s"), "-k", "8", "--method", "k-means"},
	} {
		ctx := &ticking{Context: t.Context(), left: 3}
		var out, log bytes.Buffer
		err := run(ctx, args, strings.NewReader(""), &out, &log)
		if exitCode(err) != 1 || !strings.Contains(log.String(), "interrupted") {
			t.Errorf("%v: %v: %s", args, err, log.String())
		}
		if lines := strings.Count(out.String(), "\n"); lines > 50_000 {
			t.Errorf("%v: %d lines after the interrupt", args, lines)
		}
	}
}

// ticking is a context that ends when it was asked left times.
type ticking struct {
	context.Context
	left int
}

func (c *ticking) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return c.Context.Err()
}

// python finds an interpreter with numpy and safetensors.
func python(t *testing.T) string {
	name := os.Getenv("PHASOR_PYTHON")
	if name == "" {
		name = "python3"
	}
	out, err := exec.Command(name, "-c", "import numpy, safetensors").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no python3, and PHASOR_PYTHON is not set")
	}
	if err != nil {
		t.Skipf("%s has no numpy and safetensors, and PHASOR_PYTHON names no other: %v: %s", name, err, out)
	}
	return name
}

// The integers of a sketch file are those that an independent program computes from the records and the spec alone, and
// both files are read by the stock library.
func TestSketchAgainstPython(t *testing.T) {
	name := python(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := writeRecords(at("r.csv"), 11, 150, 100); err != nil {
		t.Fatal(err)
	}
	phasor(t, "calibrate", "--input", at("r.csv"), "--columns", "temperature,pressure,flow", "--features", "32", "--pilot", "60", "--out", at("spec"))
	phasor(t, "sketch", "--spec", at("spec"), "--input", at("r.csv"), "--out", at("s"))
	script := filepath.Join("testdata", "check_sketch.py")
	reference := filepath.Join("..", "..", "sketcher", "sketch", "testdata")
	check := func(file string) ([]byte, error) {
		return exec.Command(name, script, reference, at("spec"), file, at("r.csv"), "temperature,pressure,flow").CombinedOutput()
	}
	if out, err := check(at("s")); err != nil || !strings.Contains(string(out), "150 records agree") {
		t.Errorf("%v: %s", err, out)
	}
	// A sketch of other records does not pass.
	if err := writeRecords(at("other.csv"), 12, 150, 100); err != nil {
		t.Fatal(err)
	}
	phasor(t, "sketch", "--spec", at("spec"), "--input", at("other.csv"), "--out", at("other"))
	if out, err := check(at("other")); err == nil {
		t.Errorf("the sketch of other records passes: %s", out)
	}
}
