package sketcher

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/stream"
)

// Service folds the partitions that a source gives it into one sketch.
type Service struct {
	cfg Config

	pilot      *Pilot
	drawOnce   sync.Once
	drawn      *feature.Spec
	drawErr    error
	calibrated chan struct{} // Closed when epoch is set.

	mu    sync.Mutex
	epoch *snapshot.Epoch

	owners ownerSet
}

// New checks the configuration and returns a service.
func New(cfg Config) (*Service, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, pilot: NewPilot(cfg.Fold.Decode, cfg.Pilot), calibrated: make(chan struct{}), owners: ownerSet{m: map[stream.PartitionID]*owner{}}}, nil
}

// Run folds until ctx ends; then every partition has been saved and released. An error says why the service stopped.
func (s *Service) Run(ctx context.Context, src stream.Source) error {
	return src.Run(ctx, s.own)
}

// own is the life of one partition in this process.
func (s *Service) own(ctx context.Context, p stream.Partition) (err error) {
	id := p.ID()
	log := s.cfg.Log.With("topic", id.Topic, "partition", id.Partition)
	if h := s.cfg.Hooks.Assigned; h != nil {
		h(id)
	}
	defer func() {
		if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = nil
		}
		if h := s.cfg.Hooks.Released; h != nil {
			h(id, err != nil)
		}
	}()
	e, err := s.spec(ctx, p)
	if err != nil {
		return err
	}
	cfg := s.cfg.Fold
	cfg.Map = e.Map()
	r, err := s.restore(ctx, e, cfg, p)
	if h := s.cfg.Hooks.Restored; h != nil && ctx.Err() == nil {
		h(id, r.result)
	}
	if err != nil {
		return err
	}
	log.Info("partition taken over", "offset", r.fold.Next(), "records", r.fold.Count(), "restored", r.result)
	o := newOwner(s, e, p, r.fold, log)
	s.owners.add(id, o)
	defer s.owners.remove(id)
	err = o.run(ctx)
	log.Info("partition released", "offset", r.fold.Next(), "records", r.fold.Count())
	return err
}

// spec returns the epoch to fold in: the newest of the store or, if there is none, one that this process calibrates.
// The first writer wins, so every process folds with the same map.
func (s *Service) spec(ctx context.Context, p stream.Partition) (*snapshot.Epoch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != nil {
		return s.epoch, nil
	}
	e, err := s.cfg.Store.LatestSpec(ctx)
	if errors.Is(err, snapshot.ErrNotExist) {
		s.mu.Unlock()
		spec, cerr := s.calibrate(ctx, p)
		s.mu.Lock()
		switch {
		case cerr != nil:
			return nil, cerr
		case s.epoch != nil:
			return s.epoch, nil
		case spec == nil:
			return nil, fmt.Errorf("sketcher: %s: no specification", p.ID())
		}
		e, err = s.cfg.Store.CreateSpec(ctx, spec)
		if err == nil {
			s.cfg.Log.Info("feature map", "fingerprint", e.Map().Fingerprint(), "features", spec.Features, "dimension", spec.Dim(), "epoch", e.Number)
		}
	}
	if err != nil {
		return nil, err
	}
	s.epoch = e
	close(s.calibrated)
	if h := s.cfg.Hooks.Sketch; h != nil {
		h(e.Spec().Features, e.Spec().Dim())
	}
	return e, nil
}

// ownerSet are the partitions that are folded at this moment.
type ownerSet struct {
	mu sync.Mutex
	m  map[stream.PartitionID]*owner
}

func (s *ownerSet) add(id stream.PartitionID, o *owner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[id] = o
}

func (s *ownerSet) remove(id stream.PartitionID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, id)
}

func (s *ownerSet) list() []*owner {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := make([]*owner, 0, len(s.m))
	for _, o := range s.m {
		l = append(l, o)
	}
	return l
}
