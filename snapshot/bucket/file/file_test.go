package file_test

import (
	"testing"

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
	return b
}

func TestConform(t *testing.T) {
	buckettest.Conform(t, func(t *testing.T) bucket.Bucket { return open(t, t.TempDir()) })
}
