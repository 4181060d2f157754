package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
)

// readFile reads an object of at most 1 GiB.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 1 << 30
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(b) > most {
		return nil, fmt.Errorf("%s: more than %d bytes: this is none of our objects", path, most)
	}
	return b, nil
}

// writeFile writes an object so that it is either there as a whole or not at all.
func writeFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".phasor-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

func readSpec(path string) (*feature.Map, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	s, err := feature.DecodeSpec(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return feature.NewMap(s)
}

func readSketch(path string) (*sketch.Accumulator, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	a, err := sketch.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// readBoundSketch reads a sketch of the given feature map.
func readBoundSketch(path string, m *feature.Map) (*sketch.Accumulator, error) {
	a, err := readSketch(path)
	if err != nil {
		return nil, err
	}
	if err := a.Bind(m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

func readModel(path string) (*generator.Model, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	m, err := generator.DecodeModel(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// printJSON writes v as one line.
func printJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}
