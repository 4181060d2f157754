package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"phasor/snapshot/bucket"
	"phasor/snapshot/safetensors"
)

// FORMAT phasor.current/1, which version is served from one generation on.
//
//	metadata    reason     why, in a few words
//	tensors     version    I64 [1]

// Generation is one decision on which version is served. The newest one holds; going back to an older version is a new
// generation.
type Generation struct {
	Generation int
	Version    int
	Reason     string
	Modified   time.Time // By the store's clock.
}

// Publish makes a version the served one and returns its generation. The version must be there and verify. Of two
// writers both get a generation, and the later one holds.
func (e *Epoch) Publish(ctx context.Context, version int, reason string) (int, error) {
	if _, err := e.LoadModel(ctx, version); err != nil {
		return 0, fmt.Errorf("snapshot: publish version %d: %w", version, err)
	}
	f := newFile(FormatCurrent, e.m.Fingerprint())
	f.Metadata["reason"] = reason
	f.Add(safetensors.Int64s("version", []int64{int64(version)}, 1))
	data, err := f.Encode()
	if err != nil {
		return 0, fmt.Errorf("snapshot: publish version %d: %w", version, err)
	}
	listed, err := e.listGenerations(ctx)
	if err != nil {
		return 0, err
	}
	generation := 1
	if len(listed) > 0 {
		generation = listed[0].Generation + 1
	}
	for ; ; generation++ {
		err := e.b.Create(ctx, e.currentName(generation), data)
		if err == nil {
			break
		}
		if !errors.Is(err, bucket.ErrExist) {
			return 0, wrap("write", e.currentName(generation), err)
		}
	}
	// Retention may have removed the version before it saw the generation. LoadCurrent passes over such a generation.
	if _, err := e.get(ctx, e.modelName(version)); err != nil {
		return 0, fmt.Errorf("snapshot: publish version %d: it was removed meanwhile, the generation before stays in force: %w", version, err)
	}
	return generation, nil
}

// Current returns the newest generation that verifies. The error wraps [ErrNotExist] if nothing was ever published.
func (e *Epoch) Current(ctx context.Context) (Generation, error) {
	var g Generation
	err := e.eachGeneration(ctx, func(found Generation) (bool, error) {
		g = found
		return true, nil
	})
	return g, err
}

// LoadCurrent returns the model of the newest generation that verifies and whose model does.
func (e *Epoch) LoadCurrent(ctx context.Context) (*Model, Generation, error) {
	var m *Model
	var g Generation
	err := e.eachGeneration(ctx, func(found Generation) (bool, error) {
		model, err := e.LoadModel(ctx, found.Version)
		if errors.Is(err, ErrNotExist) || errors.Is(err, ErrCorrupt) {
			return false, nil
		}
		m, g = model, found
		return true, err
	})
	return m, g, err
}

// Generations returns the generations that verify, the newest first.
func (e *Epoch) Generations(ctx context.Context) ([]Generation, error) {
	var all []Generation
	err := e.eachGeneration(ctx, func(g Generation) (bool, error) {
		all = append(all, g)
		return false, nil
	})
	if errors.Is(err, ErrNotExist) || len(all) > 0 && errors.Is(err, ErrAllCorrupt) {
		err = nil
	}
	return all, err
}

// eachGeneration calls yield with the generations that verify, the newest first, until it says that it is done. If it
// never does, the error is an [AllCorruptError], or wraps [ErrNotExist] if there are none.
func (e *Epoch) eachGeneration(ctx context.Context, yield func(Generation) (done bool, err error)) error {
	listed, err := e.listGenerations(ctx)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("the served model of %s, epoch %d", e.sketch, e.Number)
	lost := &AllCorruptError{What: what}
	for _, r := range listed {
		b, err := e.get(ctx, r.object.Name)
		if errors.Is(err, ErrNotExist) {
			continue
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return err
		}
		lost.Names = append(lost.Names, r.object.Name)
		g := r.Generation
		var version int
		var reason string
		if err == nil {
			version, reason, err = e.decodeCurrent(r.object.Name, b)
		}
		if errors.Is(err, ErrCorrupt) {
			e.reportCorrupt(r.object, err)
			if lost.Err == nil {
				lost.Err = err
			}
			continue
		}
		if err != nil {
			return err
		}
		if done, err := yield(Generation{g, version, reason, r.object.Modified}); done || err != nil {
			return err
		}
	}
	if len(lost.Names) == 0 {
		return fmt.Errorf("snapshot: %s: %w: none was published", what, ErrNotExist)
	}
	return lost
}

func (e *Epoch) decodeCurrent(name string, b []byte) (version int, reason string, err error) {
	f, err := openFile(b, FormatCurrent)
	if err != nil {
		return 0, "", fmt.Errorf("snapshot: %s: %w", name, err)
	}
	if found := f.Metadata["map"]; found != e.m.Fingerprint() {
		return 0, "", &MapMismatchError{Object: name, Want: e.m.Fingerprint(), Found: found}
	}
	v, err := scalar(f, "version")
	if err != nil {
		return 0, "", fmt.Errorf("snapshot: %s: %w", name, err)
	}
	return int(v), f.Metadata["reason"], nil
}

type listedGeneration struct {
	Generation int
	object     bucket.Object
}

// listGenerations returns the generations from the newest to the oldest.
func (e *Epoch) listGenerations(ctx context.Context) ([]listedGeneration, error) {
	prefix := e.prefix + "current/"
	objects, err := e.b.List(ctx, prefix)
	if err != nil {
		return nil, wrap("list", prefix, err)
	}
	var listed []listedGeneration
	for _, o := range slices.Backward(objects) {
		if n, extension, ok := e.parseNumber("current", o.Name); ok && extension == "" {
			listed = append(listed, listedGeneration{n, o})
		}
	}
	return listed, nil
}
