//go:build !cloud

package cloud

import (
	"errors"
	"strings"
	"testing"
)

func TestOpenWithoutDrivers(t *testing.T) {
	_, err := Open(t.Context(), "gs://b/p")
	if !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "-tags cloud") {
		t.Error(err)
	}
	if _, err := Open(t.Context(), "ftp://b"); err == nil || errors.Is(err, ErrNotBuilt) {
		t.Error(err)
	}
}
