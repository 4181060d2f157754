package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/trainer"
	"phasor/trainer/generator"
)

// ErrNoModel is wrapped by the error of a source that has no model yet.
var ErrNoModel = errors.New("there is no model yet")

// Version is one version of a model and what belongs to it.
type Version struct {
	Sketch     string
	Epoch      int
	Version    int // 0 for a file
	Generation int
	Published  time.Time // zero if unknown
	Model      *generator.Model
	Spec       *feature.Spec
	Card       json.RawMessage // nil if there is none
}

// same says that two versions are one, as far as a store can tell.
func (v *Version) same(o *Version) bool {
	return v != nil && o != nil && v.Epoch == o.Epoch && v.Version == o.Version && v.Generation == o.Generation
}

// Source knows which version is to be served.
type Source interface {
	// Load returns the version that is to be served now, which is have itself if that is still the one. The error wraps
	// ErrNoModel if there is none yet.
	Load(ctx context.Context, have *Version) (*Version, error)
}

// FromStore returns a source that follows the served version of a sketch, through roll-backs and new epochs.
func FromStore(s *snapshot.Store) Source { return store{s} }

type store struct{ s *snapshot.Store }

// Load implements [Source].
func (s store) Load(ctx context.Context, have *Version) (*Version, error) {
	ep, err := s.s.LatestSpec(ctx)
	if err != nil {
		return nil, s.missing(err)
	}
	v, err := s.load(ctx, ep, have)
	if !errors.Is(err, ErrNoModel) {
		return v, err
	}
	// A new epoch has no model at first: the last one of the epoch before goes on.
	if have != nil {
		return have, nil
	}
	numbers, listed := s.s.Epochs(ctx)
	if listed != nil {
		return nil, listed
	}
	for i := len(numbers) - 2; i >= 0 && errors.Is(err, ErrNoModel); i-- {
		if ep, err = s.s.OpenEpoch(ctx, numbers[i]); err == nil {
			v, err = s.load(ctx, ep, nil)
		}
	}
	return v, err
}

func (s store) load(ctx context.Context, ep *snapshot.Epoch, have *Version) (*Version, error) {
	g, err := ep.Current(ctx)
	if err != nil {
		return nil, s.missing(err)
	}
	if have.same(&Version{Epoch: ep.Number, Version: g.Version, Generation: g.Generation}) {
		return have, nil
	}
	m, g, err := ep.LoadCurrent(ctx)
	if err != nil {
		return nil, s.missing(err)
	}
	v := &Version{Sketch: s.s.Sketch(), Epoch: ep.Number, Version: g.Version, Generation: g.Generation, Published: g.Modified, Spec: ep.Spec(), Card: m.Card}
	if have.same(v) { // The newest generation cannot be read, and the one before is served.
		return have, nil
	}
	if v.Model, err = generator.DecodeModel(m.Data); err != nil {
		return nil, fmt.Errorf("serve: version %d of %s: %w", g.Version, s.s.Sketch(), err)
	}
	if card, err := trainer.ReadCard(m); err == nil && !card.Created.IsZero() {
		v.Published = card.Created
	}
	return v, nil
}

// missing makes an error of what is not there one that says so.
func (s store) missing(err error) error {
	if errors.Is(err, snapshot.ErrNotExist) {
		return fmt.Errorf("serve: sketch %q: %w: the trainer publishes the first", s.s.Sketch(), ErrNoModel)
	}
	return err
}

// FromModel returns a source that always has the same model.
func FromModel(m *generator.Model, spec *feature.Spec) Source {
	return fixed{&Version{Model: m, Spec: spec}}
}

type fixed struct{ v *Version }

// Load implements [Source].
func (f fixed) Load(context.Context, *Version) (*Version, error) { return f.v, nil }
