package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkOut finds out before the work whether --out can be written afterwards.
func checkOut(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return usagef("--out %s: it is a folder: name a file", path)
	case err == nil && !info.Mode().IsRegular():
		return nil // A pipe or a device, which opening may wait for.
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--out %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(target(path)), ".phasor-*")
	if err != nil {
		return fmt.Errorf("--out %s: no file can be made there: %w", path, reason(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// writeFile writes an object so that it is either there as a whole or not at all; to a pipe or a device, where that
// has no meaning, it is just written.
func writeFile(path string, b []byte) (err error) {
	path = target(path)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return os.WriteFile(path, b, 0)
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".phasor-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, reason(err))
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) // Nothing is lost if it stays.
		return fmt.Errorf("writing %s: %w", path, reason(err))
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // Not every file system can; then the file may be missing after a crash of the machine.
		d.Close()
	}
	return nil
}

// target is what path leads to, so that a link stays one.
func target(path string) string {
	if t, err := filepath.EvalSymlinks(path); err == nil {
		return t
	}
	return path
}

// reason leaves the name of a temporary file out of an error.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
