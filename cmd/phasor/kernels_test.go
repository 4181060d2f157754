package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"phasor/sketcher/feature"
)

// Every kernel writes the same sketch of all runs of a test bench, byte by byte, in a process of its own that is told its
// kernel. A kernel that this machine has not is refused by name.
func TestKernelsWriteTheSameSketch(t *testing.T) {
	t.Parallel()
	bench := filepath.Join("..", "..", "..", "shared", "data", "skab", "data")
	if _, err := os.Stat(bench); err != nil {
		t.Skip("shared data absent")
	}
	files, err := filepath.Glob(filepath.Join(bench, "*", "*.csv"))
	if err != nil || len(files) != 35 {
		t.Fatalf("%d files of the test bench, want 35; %v", len(files), err)
	}
	program, err := exec.LookPath("phasor")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(kernel, command string, files []string, args ...string) ([]byte, error) {
		args = append([]string{command, "--columns",
			"Accelerometer1RMS,Accelerometer2RMS,Current,Pressure,Temperature,Thermocouple,Voltage,Volume Flow RateRMS"}, args...)
		for _, f := range files {
			args = append(args, "--input", f)
		}
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "PHASOR_KERNEL="+kernel)
		return cmd.CombinedOutput()
	}
	if out, err := run("", "calibrate", files[:1], "--features", "1024", "--out", at("spec")); err != nil {
		t.Fatalf("calibrate: %v\n%s", err, out)
	}
	sketch := func(kernel string, files []string) []byte {
		t.Helper()
		if out, err := run(kernel, "sketch", files, "--spec", at("spec"), "--out", at(kernel)); err != nil {
			t.Fatalf("%s: %v\n%s", kernel, err, out)
		}
		return read(t, at(kernel))
	}
	want := sketch("portable", files)
	if bytes.Equal(want, sketch("portable", files[1:])) {
		t.Fatal("a file more leaves no trace: the comparison sees nothing")
	}
	for _, kernel := range []string{"avx2", "avx512", "avx512vnni"} {
		if !slices.Contains(feature.Kernels(), kernel) {
			if out, err := run(kernel, "sketch", files, "--spec", at("spec"), "--out", at("refused")); err == nil || !bytes.Contains(out, []byte(kernel)) {
				t.Errorf("%s does not run here, and PHASOR_KERNEL=%s gives %v: %s", kernel, kernel, err, out)
			}
		} else if !bytes.Equal(sketch(kernel, files), want) {
			t.Errorf("%s writes another sketch than the portable kernel", kernel)
		}
	}
}
