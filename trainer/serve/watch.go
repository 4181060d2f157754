package serve

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Watch looks for the version to be served, now and then at intervals, until ctx ends.
func (s *Server) Watch(ctx context.Context) error {
	for {
		if err := s.Look(ctx); err != nil && ctx.Err() == nil && s.cfg.Hooks.Failed != nil {
			s.cfg.Hooks.Failed(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.cfg.Poll):
		}
	}
}

// Look looks once. After an error, what was served before still is.
func (s *Server) Look(ctx context.Context) error {
	err := s.look(ctx)
	if err != nil {
		s.failed.Store(&err)
	} else {
		s.failed.Store(nil)
	}
	return err
}

func (s *Server) look(ctx context.Context) (err error) {
	defer func() { // A model that no test foresaw must not end the service of the one before.
		if what := recover(); what != nil {
			err = fmt.Errorf("serve: the new version could not be prepared: %v", what)
		}
	}()
	began := time.Now()
	var have *Version
	if e := s.engine.Load(); e != nil {
		have = e.version
	}
	v, err := s.cfg.Source.Load(ctx, have)
	if err != nil || v == have {
		return err
	}
	e, err := newEngine(v, s.cfg)
	if err != nil {
		return err
	}
	s.engine.Store(e)
	if s.cfg.Hooks.Served != nil {
		s.cfg.Hooks.Served(*v, time.Since(began))
	}
	return nil
}

// Ready is nil if requests can be answered.
func (s *Server) Ready() error {
	if s.engine.Load() == nil {
		return fmt.Errorf("no model is served: %w", s.why())
	}
	return nil
}

// Current returns the version that is served, nil if there is none, and what went wrong at the last look.
func (s *Server) Current() (*Version, error) {
	var err error
	if p := s.failed.Load(); p != nil {
		err = *p
	}
	if e := s.engine.Load(); e != nil {
		return e.version, err
	}
	if err == nil {
		err = errors.New("the model is being loaded")
	}
	return nil, err
}
