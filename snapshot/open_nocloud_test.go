//go:build !cloud

package snapshot_test

import (
	"strings"
	"testing"

	"phasor/snapshot"
)

func TestCloudsNeedTheTag(t *testing.T) {
	for _, address := range []string{"gs://bucket", "azblob://container"} {
		if _, err := snapshot.OpenBucket(t.Context(), address); err == nil || !strings.Contains(err.Error(), "-tags cloud") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
