package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mem"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, text := range []string{"first", "second, longer"} {
		if err := errors.Join(checkOut(at("f")), writeFile(at("f"), []byte(text))); err != nil || string(read(t, at("f"))) != text {
			t.Errorf("%v: %q", err, read(t, at("f")))
		}
	}
	if err := os.Symlink(at("f"), at("link")); err != nil {
		t.Skipf("no symbolic links: %v", err)
	}
	if err := errors.Join(checkOut(at("link")), writeFile(at("link"), []byte("through"))); err != nil || string(read(t, at("f"))) != "through" {
		t.Errorf("%v: %q", err, read(t, at("f")))
	}
	if info, err := os.Lstat(at("link")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	before, err := os.Stat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(checkOut(os.DevNull), writeFile(os.DevNull, []byte("x"))); err != nil {
		t.Error(err)
	}
	if after, err := os.Stat(os.DevNull); err != nil || after.Mode() != before.Mode() {
		t.Errorf("%s was replaced: %v", os.DevNull, err)
	}
	for _, path := range []string{at("nowhere/f"), at("f/f"), dir} {
		if err := checkOut(path); err == nil || strings.Contains(err.Error(), ".phasor-") {
			t.Errorf("%s: %v", path, err)
		}
		if err := writeFile(path, nil); err == nil || strings.Contains(err.Error(), ".phasor-") {
			t.Errorf("%s: %v", path, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// failing is a store whose writes or deletions fail.
type failing struct {
	bucket.Bucket
	put, delete error
}

func (b failing) Put(ctx context.Context, name string, data []byte) error {
	return errors.Join(b.put, b.Bucket.Put(ctx, name, data))
}

func (b failing) Delete(ctx context.Context, name string) error {
	return errors.Join(b.delete, b.Bucket.Delete(ctx, name))
}

func TestStoreIsTried(t *testing.T) {
	denied := errors.New("denied")
	for name, b := range map[string]failing{"put": {put: denied}, "delete": {delete: denied}, "": {}} {
		b.Bucket = mem.New()
		if err := probeStore(t.Context(), b); errors.Is(err, denied) != (name != "") {
			t.Errorf("%s fails: %v", name, err)
		}
		if list, err := b.List(t.Context(), ""); err != nil || len(list) != 0 {
			t.Errorf("left behind: %v, %v", list, err)
		}
	}
	dir := filepath.Join(t.TempDir(), "new")
	b, err := openStore(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestAddressesAreShownWithoutSecrets(t *testing.T) {
	for address, want := range map[string]string{
		"phasor-data": "phasor-data", "/var/lib/phasor": "/var/lib/phasor", "C:data": "C:data", "s3://bucket/prefix?endpoint=x": "s3://bucket/prefix",
		"s3://user:hunter2@bucket/x": "s3://user:xxxxx@bucket/x", "s3://user:hunter2@buck et/%": "s3:…",
	} {
		if have := shown(address); have != want {
			t.Errorf("%s is shown as %s, want %s", address, have, want)
		}
	}
	for address, want := range map[string]string{"a/b:c": "a/b:c", "file:///x": "/x", "file:x%20y": "x y", "s3://b/x": "", "mem:": ""} {
		if have := folder(address); have != want {
			t.Errorf("the folder of %s is %q, want %q", address, have, want)
		}
	}
}

// A pipe that nobody writes to does not hold up the end.
func TestStandardInputCanBeInterrupted(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	in := &interruptible{ctx: ctx, r: r}
	go w.Write([]byte("some words"))
	b := make([]byte, 4)
	if n, err := io.ReadFull(in, b); err != nil || string(b[:n]) != "some" {
		t.Fatal(string(b), err)
	}
	if n, err := io.ReadFull(in, b); err != nil || string(b[:n]) != " wor" {
		t.Fatal(string(b), err)
	}
	ended := make(chan error)
	go func() {
		_, err := io.Copy(io.Discard, in)
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it is still being read")
	}
	whole := &interruptible{ctx: t.Context(), r: strings.NewReader(strings.Repeat("0123456789", 10000))}
	if all, err := io.ReadAll(whole); err != nil || len(all) != 100000 || !bytes.HasPrefix(all, []byte("0123456789012")) {
		t.Errorf("%d bytes, %v", len(all), err)
	}
}

// A roll-back serves the newest older version that was served, and a promotion any.
func TestRollBack(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := writeRecords(at("r.csv"), 4, 300, 300); err != nil {
		t.Fatal(err)
	}
	phasor(t, "calibrate", "--input", at("r.csv"), "--features", "32", "--out", at("spec"))
	phasor(t, "sketch", "--spec", at("spec"), "--input", at("r.csv"), "--out", at("s"))
	b, err := snapshot.OpenBucket(t.Context(), at("store"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	m, err := readSpec(at("spec"))
	if err != nil {
		t.Fatal(err)
	}
	ep, err := snapshot.Open(b, "press").CreateSpec(t.Context(), m.Spec())
	if err != nil {
		t.Fatal(err)
	}
	store := []string{"--store", at("store"), "--name", "press"}
	models := func(args ...string) (string, error) {
		var out, log bytes.Buffer
		err := run(t.Context(), append(append([]string{"models"}, args...), store...), strings.NewReader(""), &out, &log)
		return out.String(), err
	}
	if out, err := models("list", "--json"); err != nil || strings.TrimSpace(out) != "[]" {
		t.Errorf("an empty list is %q, %v", out, err)
	}
	if _, err := models("roll-back"); err == nil || !strings.Contains(err.Error(), "no version is served yet") {
		t.Error(err)
	}
	for _, seed := range []string{"1", "2", "3"} {
		phasor(t, "fit", "--spec", at("spec"), "--sketch", at("s"), "--steps", "2", "--seed", seed, "--out", at("m"))
		if _, err := ep.SaveModel(t.Context(), read(t, at("m")), []byte(`{"seed":`+seed+`}`), nil); err != nil {
			t.Fatal(err)
		}
	}
	served := func(want int) {
		t.Helper()
		if g, err := ep.Current(t.Context()); err != nil || g.Version != want {
			t.Errorf("version %d is served, want %d; %v", g.Version, want, err)
		}
	}
	for _, version := range []string{"1", "3", "2", "3"} {
		if _, err := models("promote", version); err != nil {
			t.Fatal(err)
		}
	}
	served(3)
	for _, want := range []int{2, 1} {
		if _, err := models("roll-back"); err != nil {
			t.Fatal(err)
		}
		served(want)
	}
	if _, err := models("roll-back"); err == nil {
		t.Error("it rolls back behind the first version")
	}
	if out, err := models("show", "2"); err != nil || out != "{\"seed\":2}\n" {
		t.Errorf("%q, %v", out, err)
	}
	served(1)
}

// broken is an output that panics.
type broken struct{}

func (broken) Write([]byte) (int, error) { panic("broken") }

// A defect ends as an error that asks for a report, not as a crash.
func TestPanicsAreErrors(t *testing.T) {
	var log bytes.Buffer
	err := run(t.Context(), []string{"version"}, strings.NewReader(""), broken{}, &log)
	if exitCode(err) != 1 || !strings.HasPrefix(log.String(), "phasor: internal error: broken\nThis is a defect of Phasor") {
		t.Errorf("%v: %s", err, log.String())
	}
}
