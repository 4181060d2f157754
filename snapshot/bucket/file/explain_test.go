package file

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestExplain(t *testing.T) {
	for err, hint := range map[error]string{
		syscall.ENOSPC: "disk is full",
		syscall.EROFS:  "read-only",
		syscall.EACCES: "user",
		syscall.EMFILE: "ulimit",
		syscall.EDQUOT: "quota",
	} {
		wrapped := &fs.PathError{Op: "open", Path: "x", Err: err}
		found := explain(wrapped)
		if !errors.Is(found, err) || !strings.Contains(found.Error(), hint) {
			t.Errorf("%v", found)
		}
	}
	if found := explain(os.ErrClosed); found != os.ErrClosed {
		t.Error(found)
	}
}

// TestFailedPublishLeavesNothing fails the step that no test can fail from
// outside: the link of a file system that has none.
func TestFailedPublishLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s := b.(*store)
	err = s.write(t.Context(), "x", []byte("data"), func(from, to string) error {
		if data, err := s.root.ReadFile(from); err != nil || string(data) != "data" {
			t.Errorf("published %q, %v", data, err)
		}
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
	})
	if !errors.Is(err, syscall.EPERM) || !strings.Contains(err.Error(), "hard links") {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}
