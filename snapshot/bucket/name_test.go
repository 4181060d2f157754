package bucket_test

import (
	"strings"
	"testing"

	"phasor/snapshot/bucket"
)

// TestValidPrefix holds the definition: every beginning of a valid name is a
// valid prefix, and a valid prefix can be completed to a valid name.
func TestValidPrefix(t *testing.T) {
	for _, name := range []string{
		"a", "a/b", ".a/..b/...", "größe/日本/🙂", "x~y", strings.Repeat("e", bucket.MaxElement) + "/x", strings.Repeat("a/", bucket.MaxName/2-1) + "ab",
	} {
		if err := bucket.ValidName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		for n := range len(name) + 1 {
			if err := bucket.ValidPrefix(name[:n]); err != nil {
				t.Errorf("%q is a beginning of %q: %v", name[:n], name, err)
			}
		}
	}
	for _, prefix := range []string{
		"/", "a//", "./", "a/../", "a/../b", "~", "a/~", "\x00", "a\\", "a\xffb/c", "\x7f",
		strings.Repeat("e", bucket.MaxElement+1), strings.Repeat("a/", bucket.MaxName/2), strings.Repeat("a/", bucket.MaxName/2) + "a",
	} {
		if bucket.ValidPrefix(prefix) == nil {
			t.Errorf("%q is valid, but no name begins with it", prefix)
		}
	}
}

func FuzzValidName(f *testing.F) {
	f.Add("a/b", 2)
	f.Add("größe/.", 3)
	f.Add("..", 1)
	f.Fuzz(func(t *testing.T, name string, n int) {
		if bucket.ValidName(name) != nil {
			return
		}
		if n >= 0 && n <= len(name) && bucket.ValidPrefix(name[:n]) != nil {
			t.Errorf("%q is not a valid prefix of %q", name[:n], name)
		}
	})
}
