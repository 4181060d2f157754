package sketcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
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

	finding chan struct{} // Capacity 1: full while one partition looks for the specification.
	looked  time.Time     // When the store was asked for it last, by one that calibrates; belongs to who holds finding.
	mu      sync.Mutex    // Guards epoch; never held for longer than a look.
	epoch   *snapshot.Epoch

	owners  ownerSet
	waiting takeovers
	rejects rejectBudget
}

// New checks the configuration and returns a service.
func New(cfg Config) (*Service, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var err error
	if cfg.Fold.Decode, err = cfg.Fold.Decode.Load(); err != nil {
		return nil, err
	}
	pilot := NewPilot(cfg.Fold.Decode, cfg.Pilot)
	pilot.Log = cfg.Log
	return &Service{cfg: cfg, pilot: pilot, calibrated: make(chan struct{}), finding: make(chan struct{}, 1),
		owners: ownerSet{m: map[stream.PartitionID]*owner{}}, waiting: takeovers{m: map[stream.PartitionID]*takeover{}}}, nil
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
	defer func() {
		if errors.Is(err, errGone) {
			log.Warn("the topic was created anew; the partition is given up until it comes with its new id", "err", err)
			err = nil
		}
	}()
	e, r, err := s.takeOver(ctx, p, log)
	if h := s.cfg.Hooks.Restored; h != nil && ctx.Err() == nil && !errors.Is(err, errGone) {
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
	w := s.waiting.add(p.ID())
	defer s.waiting.remove(p.ID())
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		e, err := s.spec(ctx, p)
		r := restored{result: "failed"}
		if err == nil {
			cfg := s.cfg.Fold
			cfg.Map = e.Map()
			r, err = s.restore(ctx, e, cfg, p)
		}
		if err == nil || lasting(err) {
			return e, r, err
		}
		if ctx.Err() != nil { // Taken away meanwhile: what failed is the next owner's to try.
			return nil, r, ctx.Err()
		}
		w.failures.Add(1)
		log.Warn("the partition cannot be taken over yet; trying again", "err", err, "wait", wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait - rand.N(wait/2)): // So that they do not come back as one.
		}
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
	if err := s.find(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.finding }()
	if e := s.found(); e != nil {
		return e, nil
	}
	e, err := s.cfg.Store.LatestSpec(ctx)
	if errors.Is(err, snapshot.ErrNotExist) {
		<-s.finding
		spec, cerr := s.calibrate(ctx, p)
		s.finding <- struct{}{} // Nobody holds it for longer than the store takes to answer.
		switch e := s.found(); {
		case cerr != nil:
			return nil, cerr
		case e != nil:
			return e, nil
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
	s.adopt(e)
	return e, nil
}

// adopt makes e the epoch to fold in. It is called once, by who holds finding.
func (s *Service) adopt(e *snapshot.Epoch) {
	s.mu.Lock()
	s.epoch = e
	s.mu.Unlock()
	close(s.calibrated)
	if h := s.cfg.Hooks.Sketch; h != nil {
		h(e.Spec().Features, e.Spec().Dim())
	}
}

// find waits for its turn to look for the specification.
func (s *Service) find(ctx context.Context) error {
	select {
	case s.finding <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// found is the epoch to fold in, nil before it is known.
func (s *Service) found() *snapshot.Epoch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
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
