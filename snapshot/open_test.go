package snapshot_test

import (
	"path/filepath"
	"strings"
	"testing"

	"phasor/snapshot"
)

func TestOpenBucket(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, address := range []string{
		filepath.Join(dir, "plain"), "relative/folder", "./with:colon", "file://" + filepath.ToSlash(dir) + "/a/b", "file://localhost" + filepath.ToSlash(dir) + "/c",
		"file:beside", "mem:",
	} {
		b, err := snapshot.OpenBucket(t.Context(), address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		must(t, b.Put(t.Context(), "line/x", []byte("y")))
		must(t, b.Close())
	}
	for _, folder := range []string{"plain", "relative/folder", "with:colon", "a/b", "c", "beside"} {
		if found, err := filepath.Glob(filepath.Join(dir, folder, "line", "x")); err != nil || len(found) != 1 {
			t.Errorf("nothing was stored in %s", folder)
		}
	}
	for address, says := range map[string]string{
		"":                         "no store",
		"ftp://host/dir":           "unknown scheme",
		"file://var/lib/phasor":    "three slashes",
		"file://":                  "file:///dir",
		"file:///dir?x=1":          "file:///dir",
		"mem://x":                  "mem:",
		"s3://":                    "s3://bucket/prefix",
		"s3://b/p?colour=red":      "colour",
		"s3://bucket\x00:secret@h": "not an address",
	} {
		b, err := snapshot.OpenBucket(t.Context(), address)
		if err == nil {
			b.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v does not say %q", address, err, says)
		}
	}
	// No error shows a password.
	for _, address := range []string{"ftp://user:secret@host/dir", "s3://user:secret@bucket", "s3://user:secret@bucket\x00", "gs://user:secret@bucket?x=y"} {
		if _, err := snapshot.OpenBucket(t.Context(), address); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
