package file_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/file"
)

func open(t *testing.T, dir string) bucket.Bucket {
	t.Helper()
	b, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() }) // a test may have closed it itself
	return b
}

func TestConform(t *testing.T) {
	buckettest.Conform(t, func(t *testing.T) bucket.Bucket {
		b, err := file.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

// TestTwoProcesses lets two buckets of one folder meet, as two processes do.
func TestTwoProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "open")
	a, b := open(t, dir), open(t, dir)
	if err := a.Create(t.Context(), "x/y", []byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := b.Create(t.Context(), "x/y", []byte("b")); !errors.Is(err, bucket.ErrExist) {
		t.Error(err)
	}
	if data, err := b.Get(t.Context(), "x/y"); err != nil || string(data) != "a" {
		t.Errorf("%q, %v", data, err)
	}
	// A folder that one has removed, the other makes again.
	if err := os.RemoveAll(filepath.Join(dir, "x")); err != nil {
		t.Fatal(err)
	}
	if err := a.Put(t.Context(), "x/y", []byte("again")); err != nil {
		t.Error(err)
	}
}

func TestObjectsAreFiles(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if err := b.Put(t.Context(), "a/b/c", []byte("data")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "a", "b", "c")); err != nil || string(data) != "data" {
		t.Errorf("%q, %v", data, err)
	}
	// A write leaves nothing but its object.
	if err := b.Create(t.Context(), "a/b/c", nil); !errors.Is(err, bucket.ErrExist) {
		t.Error(err)
	}
	if err := b.Create(t.Context(), "a/b/d", nil); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "a", "b"))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if err := b.Put(t.Context(), "a/x", nil); err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(dir, "a", "~OLD"), filepath.Join(dir, "a", "~YOUNG")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte("half of an obj"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	objects, err := b.List(t.Context(), "")
	if err != nil || len(objects) != 1 || objects[0].Name != "a/x" {
		t.Errorf("%v, %v", objects, err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old leftover is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("a file that may be in use was removed: %v", err)
	}
}

func TestNothingLeadsOutside(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skipf("no symbolic links: %v", err)
	}
	b := open(t, dir)
	if data, err := b.Get(t.Context(), "link/secret"); err == nil {
		t.Errorf("read %q through a link", data)
	}
	if err := b.Put(t.Context(), "link/secret", []byte("changed")); err == nil {
		t.Error("wrote through a link")
	}
	if err := b.Delete(t.Context(), "link/secret"); err == nil {
		t.Error("deleted through a link")
	}
	objects, err := b.List(t.Context(), "")
	if err != nil || len(objects) != 0 {
		t.Errorf("list: %v, %v", objects, err)
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "secret" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestFolderAndObjectOfOneName(t *testing.T) {
	b := open(t, t.TempDir())
	if err := b.Put(t.Context(), "a/b", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"put":          b.Put(t.Context(), "a", nil),
		"create":       b.Create(t.Context(), "a", nil),
		"put below":    b.Put(t.Context(), "a/b/c", nil),
		"create below": b.Create(t.Context(), "a/b/c", nil),
	} {
		if err == nil || errors.Is(err, bucket.ErrExist) || errors.Is(err, bucket.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if data, err := b.Get(t.Context(), "a/b"); err != nil || !bytes.Equal(data, []byte("x")) {
		t.Errorf("%q, %v", data, err)
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := file.Open(""); err == nil {
		t.Error("opened a folder without a name")
	}
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(taken); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("a file as folder: %v", err)
	}
}
