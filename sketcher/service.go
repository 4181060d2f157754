package sketcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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

	owners  ownerSet
	waiting atomic.Int32 // Partitions that cannot be taken over yet.
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
	e, r, err := s.takeOver(ctx, p, log)
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

// takeOver finds the epoch and the fold with which a partition begins. A store or a broker that cannot be reached is
// waited for; everything that waiting does not mend is an error.
func (s *Service) takeOver(ctx context.Context, p stream.Partition, log *slog.Logger) (*snapshot.Epoch, restored, error) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		e, err := s.spec(ctx, p)
		r := restored{result: "failed"}
		if err == nil {
			cfg := s.cfg.Fold
			cfg.Map = e.Map()
			r, err = s.restore(ctx, e, cfg, p)
		}
		if err == nil || lasting(err) || ctx.Err() != nil {
			return e, r, err
		}
		s.waiting.Add(1)
		log.Warn("the partition cannot be taken over yet; trying again", "err", err, "wait", wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		s.waiting.Add(-1)
		if ctx.Err() != nil {
			return nil, r, ctx.Err()
		}
	}
}

// errLasting is wrapped by errors of the configuration.
var errLasting = errors.New("sketcher: cannot go on")

// lasting reports whether trying again could not help: objects that cannot be read, another way of folding, a log that
// does not fit, a configuration that is wrong.
func lasting(err error) bool {
	var pos *stream.PositionError
	if errors.As(err, &pos) {
		return true
	}
	for _, sentinel := range []error{snapshot.ErrCorrupt, snapshot.ErrAllCorrupt, snapshot.ErrVersion, snapshot.ErrMismatch, snapshot.ErrConflict,
		stream.ErrCorrupt, feature.ErrCalibrate, errLasting} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
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
