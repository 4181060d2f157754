package mem_test

import (
	"testing"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/mem"
)

func TestConform(t *testing.T) {
	buckettest.Conform(t, func(*testing.T) bucket.Bucket { return mem.New() })
}
