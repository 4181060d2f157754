package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"phasor/snapshot/bucket"
)

// FORMAT phasor.model/1 is specified by package trainer/generator. Here it is a safetensors file with that format whose
// metadata map is the fingerprint of the epoch's feature map. Beside the model of a version stand
//
//	<version>.json    the card, a JSON object for people and dashboards
//	<version>.onnx    the same network for other runtimes

// Model is one version of the generator.
type Model struct {
	Version  int
	Data     []byte            // phasor.model/1.
	Metadata map[string]string // Of Data.
	Card     []byte            // JSON; nil if there is none.
}

// ModelRef describes a version without reading it.
type ModelRef struct {
	Version  int
	Size     int64
	Modified time.Time // By the store's clock.
	Card     bool      // There is a card.
	ONNX     bool      // There is an ONNX file.
}

// SaveModel writes a model as the next version and returns its number. Two writers never share a number. The card and
// the ONNX file may be nil. Nothing is served before [Epoch.Publish].
//
// If it is broken off between the model and the files beside it, a version without them stays behind.
func (e *Epoch) SaveModel(ctx context.Context, data, card, onnx []byte) (int, error) {
	if _, err := e.modelMetadata("the new model", data); err != nil {
		return 0, err
	}
	if card != nil && !json.Valid(card) {
		return 0, fmt.Errorf("snapshot: the card of the new model is not JSON: %.40q", card)
	}
	refs, err := e.ListModels(ctx)
	if err != nil {
		return 0, err
	}
	version := 1
	if len(refs) > 0 {
		version = refs[len(refs)-1].Version + 1
	}
	for ; ; version++ {
		err := e.b.Create(ctx, e.modelName(version), data)
		if err == nil {
			break
		}
		if !errors.Is(err, bucket.ErrExist) {
			return 0, wrap("write", e.modelName(version), err)
		}
	}
	for extension, b := range map[string][]byte{".onnx": onnx, ".json": card} {
		if b == nil {
			continue
		}
		if err := e.b.Put(ctx, e.modelName(version)+extension, b); err != nil {
			return 0, wrap("write", e.modelName(version)+extension, err)
		}
	}
	return version, nil
}

// LoadModel reads a version. The error wraps [ErrNotExist], [ErrCorrupt] (which is reported), [ErrVersion] or
// [ErrMismatch].
func (e *Epoch) LoadModel(ctx context.Context, version int) (*Model, error) {
	name := e.modelName(version)
	b, err := e.get(ctx, name)
	var metadata map[string]string
	if err == nil {
		metadata, err = e.modelMetadata(name, b)
	}
	if err != nil {
		if errors.Is(err, ErrCorrupt) {
			e.reportCorrupt(bucket.Object{Name: name, Size: int64(len(b))}, err)
		}
		return nil, err
	}
	card, err := e.get(ctx, name+".json")
	switch {
	case errors.Is(err, ErrCorrupt):
		e.reportCorrupt(bucket.Object{Name: name + ".json", Size: int64(len(card))}, err)
		card = nil
	case err != nil && !errors.Is(err, ErrNotExist):
		return nil, err
	case !json.Valid(card):
		card = nil
	}
	return &Model{Version: version, Data: b, Metadata: metadata, Card: card}, nil
}

// LoadONNX reads the ONNX file beside a version. The error wraps [ErrNotExist] if there is none, and [ErrCorrupt] if it
// should be signed and is not.
func (e *Epoch) LoadONNX(ctx context.Context, version int) ([]byte, error) {
	name := e.modelName(version) + ".onnx"
	b, err := e.get(ctx, name)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (e *Epoch) modelMetadata(name string, b []byte) (map[string]string, error) {
	f, err := openFile(b, FormatModel)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %s: %w", name, err)
	}
	if found := f.Metadata["map"]; found != e.m.Fingerprint() {
		return nil, &MapMismatchError{Object: name, Want: e.m.Fingerprint(), Found: found}
	}
	return f.Metadata, nil
}

// ListModels returns the versions in ascending order.
func (e *Epoch) ListModels(ctx context.Context) ([]ModelRef, error) {
	prefix := e.prefix + "models/"
	objects, err := e.b.List(ctx, prefix)
	if err != nil {
		return nil, wrap("list", prefix, err)
	}
	var refs []ModelRef
	for _, o := range objects {
		version, extension, ok := e.parseNumber("models", o.Name)
		if !ok {
			continue
		}
		// In a listing, a name comes before the same name with an extension.
		beside := len(refs) > 0 && refs[len(refs)-1].Version == version
		switch {
		case extension == "":
			refs = append(refs, ModelRef{Version: version, Size: o.Size, Modified: o.Modified})
		case extension == ".json" && beside:
			refs[len(refs)-1].Card = true
		case extension == ".onnx" && beside:
			refs[len(refs)-1].ONNX = true
		}
	}
	return refs, nil
}
