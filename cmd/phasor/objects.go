package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot/bucket/mac"
	"phasor/trainer/generator"
)

// readObject reads one of our objects, signed or not. Whoever names a file says that it is to be believed.
func readObject(path string) ([]byte, error) {
	b, err := readFile(path)
	data, _ := mac.Strip(b)
	return data, err
}

// readFile reads a file of at most 1 GiB.
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

func readSpec(path string) (*feature.Map, error) {
	b, err := readObject(path)
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
	b, err := readObject(path)
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
	if err := bind(a, m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// bind gives a its map, or says that it has another one.
func bind(a *sketch.Accumulator, m *feature.Map) error {
	if have, want := a.Fingerprint(), m.Fingerprint(); have != want {
		return fmt.Errorf("it has the feature map %s, and --spec is the map %s: give the spec that it was made with", have, want)
	}
	return a.Bind(m)
}

func readModel(path string) (*generator.Model, error) {
	b, err := readObject(path)
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
