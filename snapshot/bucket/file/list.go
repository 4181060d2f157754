package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"phasor/snapshot/bucket"
)

// leftover is the age at which a temporary file is taken for that of a crashed
// writer. A writer that lives and is slower fails when it publishes.
const leftover = time.Hour

func (s *store) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	if err := bucket.ValidPrefix(prefix); err != nil {
		return nil, fmt.Errorf("bucket/file: list: %w", err)
	}
	var list []bucket.Object
	folder := "."
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		folder = prefix[:i]
	}
	if err := s.walk(ctx, folder, prefix, &list); err != nil {
		return nil, s.failed("list", prefix, err)
	}
	// Folders are walked in another order than that of the names: "a-b" < "a/b".
	slices.SortFunc(list, func(a, b bucket.Object) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// walk appends the objects in and below a folder whose names begin with prefix.
func (s *store) walk(ctx context.Context, folder, prefix string, list *[]bucket.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := s.read(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), temporary):
			s.clean(name)
		case e.IsDir():
			// Only folders whose objects can have the prefix are entered.
			if inside := name + "/"; strings.HasPrefix(inside, prefix) || strings.HasPrefix(prefix, inside) {
				if err := s.walk(ctx, name, prefix, list); err != nil {
					return err
				}
			}
		case e.Type().IsRegular() && strings.HasPrefix(name, prefix) && bucket.ValidName(name) == nil:
			info, err := s.root.Lstat(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // deleted meanwhile
			}
			if err != nil {
				return err
			}
			*list = append(*list, bucket.Object{Name: name, Size: info.Size(), Modified: info.ModTime()})
		}
	}
	return nil
}

// read returns a folder's entries, none if there is no such folder.
func (s *store) read(folder string) ([]fs.DirEntry, error) {
	f, err := s.root.Open(folder)
	if err == nil {
		defer f.Close() // it is only read
		var entries []fs.DirEntry
		if entries, err = f.ReadDir(-1); err == nil {
			return entries, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return nil, err
}

func (s *store) clean(name string) {
	info, err := s.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < leftover {
		return
	}
	// It is invisible whether or not this process may remove it.
	_ = s.root.Remove(name)
}
