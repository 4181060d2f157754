// Package file keeps a bucket in a folder: an object is a file of its name, so
// that it can be looked at, copied and backed up with any tool.
//
// An object is written to a temporary file in its own folder, which is synced
// and then linked (Create) or renamed (Put) to its name, after which the folder
// is synced: a crash at any point leaves the old object or the new one. The file
// system must have hard links and atomic renames, as local ones and NFS do. All
// access goes through an [os.Root], so that no name and no symbolic link leads
// out of the folder.
//
// Temporary files begin with '~', which no object's name does. What a crash
// leaves of them is invisible, and removed by a List that comes across one
// older than an hour.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"

	"phasor/snapshot/bucket"
)

// Open returns the bucket in a folder, which is created if it does not exist.
func Open(dir string) (bucket.Bucket, error) {
	if dir == "" {
		return nil, errors.New("bucket/file: open: no folder given")
	}
	above := parents(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil { // #nosec G301 -- as the umask says: other roles and tools may read the store
		return nil, fmt.Errorf("bucket/file: open: %w", explain(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("bucket/file: open: %w", explain(err))
	}
	// The entries of folders that were just created are made durable where this
	// process may read their parents; older folders need nothing.
	for _, folder := range above {
		if parent, err := os.Open(folder); err == nil {
			_ = syncFolder(parent)
		}
	}
	return &store{root: root, dir: dir}, nil
}

// parents returns the folder that holds dir and, as long as that does not exist
// either, the one above it: those that get an entry when dir is made.
func parents(dir string) []string {
	parent := filepath.Dir(filepath.Clean(dir))
	list := []string{parent}
	if _, err := os.Lstat(parent); errors.Is(err, fs.ErrNotExist) && parent != filepath.Dir(parent) {
		list = append(list, parents(parent)...)
	}
	return list
}

type store struct {
	root   *os.Root
	dir    string
	synced sync.Map // folders whose entries in their parents are durable
}

func (s *store) Get(ctx context.Context, name string) ([]byte, error) {
	if err := ready(ctx, name); err != nil {
		return nil, s.failed("get", name, err)
	}
	data, err := s.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		err = bucket.ErrNotExist
	}
	if err != nil {
		return nil, s.failed("get", name, err)
	}
	return data, nil
}

func (s *store) Put(ctx context.Context, name string, data []byte) error {
	return s.failed("put", name, s.write(ctx, name, data, s.root.Rename))
}

func (s *store) Create(ctx context.Context, name string, data []byte) error {
	// A name that is taken is found before anything is written: most calls
	// that fail, fail here. The link decides.
	if err := ready(ctx, name); err != nil {
		return s.failed("create", name, err)
	}
	if info, err := s.root.Lstat(name); err == nil {
		return s.failed("create", name, s.taken(name, info))
	}
	return s.failed("create", name, s.write(ctx, name, data, func(from, to string) error {
		err := s.root.Link(from, to)
		if errors.Is(err, fs.ErrExist) {
			if info, e := s.root.Lstat(to); e == nil {
				return s.taken(to, info)
			}
			return bucket.ErrExist // and was deleted since
		}
		return err
	}))
}

// taken returns the error of a Create that found something of its name. The
// object may be that of a writer who has not synced the folder yet: the caller
// will rely on it, so it is made durable here.
func (s *store) taken(name string, info fs.FileInfo) error {
	if info.IsDir() {
		return errors.New("a folder has this name: it is the beginning of other objects' names")
	}
	if err := s.sync(path.Dir(name)); err != nil {
		return err
	}
	return bucket.ErrExist
}

func (s *store) Delete(ctx context.Context, name string) error {
	if err := ready(ctx, name); err != nil {
		return s.failed("delete", name, err)
	}
	if info, err := s.root.Lstat(name); err == nil && info.IsDir() {
		return nil // a folder is not an object: there is none of this name
	}
	err := s.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		err = nil
	}
	return s.failed("delete", name, err)
}

func (s *store) Close() error {
	if err := s.root.Close(); err != nil {
		return fmt.Errorf("bucket/file: close %s: %w", s.dir, err)
	}
	return nil
}

func ready(ctx context.Context, name string) error {
	if err := bucket.ValidName(name); err != nil {
		return err
	}
	return ctx.Err()
}

func (s *store) failed(operation, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bucket/file: %s %q in %s: %w", operation, name, s.dir, explain(err))
}

// explain adds what to do about the errors that an operator can resolve.
func explain(err error) error {
	for _, e := range []struct {
		is   error
		hint string
	}{
		{syscall.ENOSPC, "the disk is full, free some space"},
		{syscall.EDQUOT, "the disk quota is used up, free some space or raise it"},
		{syscall.EROFS, "the file system is read-only, mount it for writing or choose another folder"},
		{fs.ErrPermission, "this process's user may not do that, change the folder's owner or mode"},
		{syscall.EMFILE, "too many open files, raise the limit (ulimit -n)"},
	} {
		if errors.Is(err, e.is) && !errors.Is(err, syscall.EPERM) {
			return fmt.Errorf("%w: %s", err, e.hint)
		}
	}
	return err
}
