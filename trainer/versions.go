package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"phasor/snapshot"
	"phasor/trainer/generator"
	"phasor/trainer/onnx"
)

// served is the version that is served, as far as the service has to know it.
type served struct {
	version    int
	generation int
	model      *generator.Model
	card       Card
}

// The reasons that generations of a trainer carry.
const (
	reasonRefit    = "refit"
	reasonDrift    = "refit after drift"
	reasonRollBack = "rolled back: " // And why.
)

// generationInForce returns the newest generation, the zero one if there is none that verifies.
func generationInForce(ctx context.Context, e *snapshot.Epoch) (snapshot.Generation, error) {
	g, err := e.Current(ctx)
	if errors.Is(err, snapshot.ErrNotExist) || errors.Is(err, snapshot.ErrAllCorrupt) {
		return snapshot.Generation{}, nil
	}
	return g, err
}

// unusable reports whether an error about a version is of its bytes, which will not get better, and not of the store.
func unusable(err error) bool {
	for _, e := range []error{snapshot.ErrNotExist, snapshot.ErrCorrupt, snapshot.ErrVersion, snapshot.ErrMismatch, generator.ErrModel} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// loadVersion reads a version with its card. A card that cannot be read is taken as none: it says nothing that a fit
// needs to be right.
func loadVersion(ctx context.Context, e *snapshot.Epoch, version int) (*served, error) {
	m, err := e.LoadModel(ctx, version)
	if err != nil {
		return nil, err
	}
	g, err := generator.DecodeModel(m.Data)
	if err != nil {
		return nil, fmt.Errorf("trainer: version %d: %w", version, err)
	}
	c, err := ReadCard(m)
	if err != nil {
		c = Card{}
	}
	return &served{version: version, model: g, card: c}, nil
}

// publish writes a model as the next version and puts it into force.
func (s *Service) publish(ctx context.Context, o *outcome, m *generator.Model) (*served, error) {
	card, err := json.MarshalIndent(o.card, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("trainer: card: %w", err)
	}
	data, err := m.Encode()
	if err != nil {
		return nil, err
	}
	exported, err := onnx.Generator(m)
	if err != nil {
		return nil, err
	}
	if err := s.stillInForce(ctx, o); err != nil {
		return nil, err
	}
	version, err := o.epoch.SaveModel(ctx, data, card, exported)
	if err != nil {
		s.registry("write")
		return nil, err
	}
	reason := reasonRefit
	if o.answers != nil {
		reason = reasonDrift
	}
	v := &served{version: version, model: m, card: o.card}
	return v, s.putIntoForce(ctx, o, v, reason)
}

// stillInForce returns errPointless if another generation is in force than when the job was made: the fit began with,
// and was judged against, a version that has been replaced, and a decision of an operator must not be undone.
func (s *Service) stillInForce(ctx context.Context, o *outcome) error {
	g, err := generationInForce(ctx, o.epoch)
	if err != nil {
		s.registry("read")
		return err
	}
	if g.Generation != o.generation {
		return errPointless
	}
	return nil
}

func (s *Service) putIntoForce(ctx context.Context, o *outcome, v *served, reason string) (err error) {
	if err := s.stillInForce(ctx, o); err != nil {
		return err
	}
	if v.generation, err = o.epoch.Publish(ctx, v.version, reason); err != nil {
		s.registry("write")
	}
	return err
}

// fallBack goes back to the newest version before the served one if the newest sketch clearly prefers it.
func (s *Service) fallBack(ctx context.Context, o *outcome) error {
	generations, err := o.epoch.Generations(ctx)
	if err != nil {
		s.registry("list")
		return err
	}
	for _, g := range generations {
		if g.Version >= o.served.version {
			continue
		}
		older, err := loadVersion(ctx, o.epoch, g.Version)
		if err != nil {
			s.registry("read")
			if unusable(err) {
				continue
			}
			return err
		}
		e := generator.Evaluate(o.target, older.model, s.cfg.Fit.Seed)
		if e.HeldOut > o.evaluation.HeldOut-margin(e, o.evaluation) {
			return nil
		}
		if err := s.putIntoForce(ctx, o, older, fmt.Sprintf("%sversion %d loses to it on the newest sketch", reasonRollBack, o.served.version)); err != nil {
			return err
		}
		o.evaluation, o.version = e, older
		if s.cfg.Hooks.RolledBack != nil {
			s.cfg.Hooks.RolledBack("auto")
		}
		return nil
	}
	return nil
}

// follow serves what the store says is in force: another trainer or an operator may have published or rolled back. A
// version that cannot be used gives way to the newest one that can; without any, the next fit is a first one.
func (s *Service) follow(ctx context.Context) error {
	g, err := generationInForce(ctx, s.epoch)
	if err != nil {
		s.registry("read")
		return err
	}
	if g.Generation == s.generation {
		return nil
	}
	v, err := loadVersion(ctx, s.epoch, g.Version)
	if unusable(err) {
		s.registry("read")
		s.cfg.Log.Error("the version in force cannot be used; an older one takes its place", "version", g.Version, "err", err)
		v, err = s.newestUsable(ctx)
	}
	if err != nil {
		s.registry("read")
		return err
	}
	s.generation = g.Generation
	if s.running != nil {
		s.running.stop(errPointless)
	}
	if v == nil {
		s.served, s.fitted, s.lastFit = nil, 0, time.Time{}
		s.mu.Lock()
		s.status.Version, s.status.Published, s.status.Evaluated = 0, time.Time{}, false
		s.mu.Unlock()
		return nil
	}
	v.generation = g.Generation
	if s.served != nil && v.version < s.served.version && !strings.HasPrefix(g.Reason, reasonRollBack) && s.cfg.Hooks.RolledBack != nil {
		s.cfg.Hooks.RolledBack("operator")
	}
	s.serve(v, v.model.Evaluation())
	return s.settle(v)
}

// newestUsable returns the version of the newest generation whose model can be used, nil if there is none.
func (s *Service) newestUsable(ctx context.Context) (*served, error) {
	generations, err := s.epoch.Generations(ctx)
	if err != nil && !errors.Is(err, snapshot.ErrAllCorrupt) {
		return nil, err
	}
	for _, g := range generations {
		v, err := loadVersion(ctx, s.epoch, g.Version)
		if err == nil || !unusable(err) {
			return v, err
		}
	}
	return nil, nil
}

// serve takes over a version, its figures and what its card says of the last fit.
func (s *Service) serve(v *served, e generator.Evaluation) {
	s.served, s.generation = v, v.generation
	s.inherit(v.card)
	s.mu.Lock()
	s.status.Version, s.status.Published = v.version, v.card.Created
	s.status.Evaluation, s.status.Evaluated = e, true
	s.mu.Unlock()
	if s.cfg.Hooks.Served != nil {
		s.cfg.Hooks.Served(v.version, v.card.Created, v.card.Records)
	}
}

// inherit takes over when a version was fitted, so that a trainer that starts, or one of several, does not fit anew at
// once.
func (s *Service) inherit(c Card) {
	s.fitted = max(s.fitted, c.Folded)
	if c.Created.After(s.lastFit) && !c.Created.After(time.Now()) {
		s.lastFit = c.Created
	}
}

// settle lets go of an alarm that a version answers: one that was fitted to nothing but what came after the change.
func (s *Service) settle(v *served) error {
	if s.monitor == nil {
		return nil
	}
	a := s.monitor.status.Alarm
	if a != nil && answered(a, v.card.From) == nil {
		return nil
	}
	if s.cfg.ReferenceModel && v.card.To > 0 {
		if a != nil {
			s.monitor.letGo()
		}
		s.quiet = s.monitor.quiet
		s.publishDrift(false)
		s.monitor = nil // The next look makes one with the version's own panes for a reference.
		return nil
	}
	if a == nil {
		return nil
	}
	err := s.monitor.answer(a.Change)
	s.publishDrift(false)
	return err
}

func (s *Service) registry(operation string) {
	if s.cfg.Hooks.Registry != nil {
		s.cfg.Hooks.Registry(operation)
	}
}
