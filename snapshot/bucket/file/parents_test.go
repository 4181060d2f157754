package file

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Every folder that gets an entry when a store's folder is made must be synced, or a crash of the machine takes the store.
func TestParents(t *testing.T) {
	top := t.TempDir()
	deep := filepath.Join(top, "a", "b", "c")
	want := []string{filepath.Dir(deep), filepath.Join(top, "a"), top}
	if found := parents(deep + "/"); !slices.Equal(found, want) {
		t.Errorf("%q, wanted %q", found, want)
	}
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if found := parents(deep); !slices.Equal(found, want[:1]) {
		t.Errorf("of a folder that is there: %q, wanted %q", found, want[:1])
	}
	if found := parents("/"); !slices.Equal(found, []string{"/"}) {
		t.Errorf("of the root: %q", found)
	}
}
