package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"syscall"
)

// temporary is what the names of unfinished files begin with.
const temporary = "~"

// write stores data in a temporary file beside name, and publishes it as name.
func (s *store) write(ctx context.Context, name string, data []byte, publish func(from, to string) error) error {
	if err := ready(ctx, name); err != nil {
		return err
	}
	folder := path.Dir(name)
	if err := s.makeFolder(folder); err != nil {
		return err
	}
	temp := path.Join(folder, temporary+rand.Text())
	err := s.fill(temp, data)
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody removed the folder since it was made.
		s.synced.Clear()
		if err = s.makeFolder(folder); err == nil {
			err = s.fill(temp, data)
		}
	}
	if err == nil {
		err = publish(temp, name)
		if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) {
			err = fmt.Errorf("%w: the file system must have hard links and renames, choose a folder on another one", err)
		}
	}
	// After a rename it is gone, after a link it is the object's second name,
	// and after an error it may be unfinished. If it stays, List removes it.
	_ = s.root.Remove(temp)
	if err != nil {
		return err
	}
	return s.sync(folder)
}

// fill writes a new file and makes its content durable.
func (s *store) fill(name string, data []byte) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// makeFolder makes a folder and those above it, and makes their entries
// durable, also if a process that crashed had made them without that.
func (s *store) makeFolder(folder string) error {
	if _, ok := s.synced.Load(folder); ok || folder == "." {
		return nil
	}
	if err := s.root.MkdirAll(folder, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) {
			err = fmt.Errorf("%w: an object has the name of a folder that this name needs", err)
		}
		return err
	}
	for f := folder; f != "."; f = path.Dir(f) {
		if err := s.sync(path.Dir(f)); err != nil {
			return err
		}
	}
	s.synced.Store(folder, true)
	return nil
}

func (s *store) sync(folder string) error {
	f, err := s.root.Open(folder)
	if err != nil {
		return err
	}
	return syncFolder(f)
}

// syncFolder makes the entries of an open folder durable, and closes it.
func syncFolder(f *os.File) error {
	defer f.Close() // nothing was written through it
	if runtime.GOOS == "windows" {
		return nil // its folders cannot be synced, and their entries are journaled
	}
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil // the file system has no such operation, as some over networks
	}
	return err
}
