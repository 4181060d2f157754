package cloud

import (
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][2]string{
		"gs://b":                            {"gs://b", ""},
		"gs://b/":                           {"gs://b", ""},
		"gs://b/a/p%20q?x=y":                {"gs://b?x=y", "a/p q/"},
		"azblob://c/p/?storage_account=acc": {"azblob://c?storage_account=acc", "p/"},
	} {
		location, prefix, err := split(text)
		if location != want[0] || prefix != want[1] || err != nil {
			t.Errorf("%s: %q, %q, %v", text, location, prefix, err)
		}
	}
	for _, text := range []string{"gs://", "gs:///p", "s3://b", "gs://key:hunter2@b", "gs://key:hunter2%zz@b", "gs://b/a//b", "gs://b/..", "azblob://b/" + strings.Repeat("p", 200), "gs://b/%zz"} {
		if location, prefix, err := split(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %q, %q, %v", text, location, prefix, err)
		}
	}
}
