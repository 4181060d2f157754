package sketcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"phasor/sketcher/feature"
	"phasor/stream"
	"phasor/stream/decode"
)

// Pilot collects the vectors on which a feature map is calibrated, from any number of partitions at once. Its records
// are only looked at: the fold reads them again.
type Pilot struct {
	// Log is told of what records need to be decoded and cannot be had yet; nil is nobody.
	Log *slog.Logger

	cfg  decode.Config
	want int

	mu   sync.Mutex
	x    []float64
	n    int
	full chan struct{}
}

// NewPilot returns a pilot of want records.
func NewPilot(cfg decode.Config, want int) *Pilot {
	return &Pilot{cfg: cfg, want: want, full: make(chan struct{})}
}

// Add adds one vector and reports whether more are wanted. Vectors with NaN or Inf are passed over.
func (p *Pilot) Add(x []float64) bool {
	for _, v := range x {
		if v-v != 0 {
			return true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == p.want {
		return false
	}
	p.x = append(p.x, x...)
	if p.n++; p.n == p.want {
		close(p.full)
	}
	return p.n < p.want
}

// Vectors returns what was collected, row by row, and the number of rows.
func (p *Pilot) Vectors() ([]float64, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.x[:len(p.x):len(p.x)], p.n
}

// Full is closed when the pilot has all its records.
func (p *Pilot) Full() <-chan struct{} { return p.full }

// Collect adds the records of a partition from offset start on until the pilot is full or ctx ends.
func (p *Pilot) Collect(ctx context.Context, part stream.Partition, start int64) error {
	dec, err := decode.New(p.cfg)
	if err != nil {
		return err
	}
	x := make([]float64, len(p.cfg.Vector()))
	r := part.Read(start)
	defer r.Close()
	for {
		b, err := r.Read(ctx)
		if err != nil {
			return err
		}
		err = await(ctx, func(ctx context.Context) error { return decode.Prepare(ctx, dec, b.Records) }, func(err error, wait time.Duration) {
			if err != nil && p.Log != nil {
				id := part.ID()
				p.Log.Warn("records cannot be decoded yet and are waited for; trying again", "topic", id.Topic, "partition", id.Partition, "err", err, "wait", wait)
			}
		})
		if err != nil {
			return err
		}
		for i := range b.Records {
			if dec.Decode(x, &b.Records[i]).Emitted && !p.Add(x) {
				return nil
			}
		}
		select {
		case <-p.full:
			return nil
		default:
		}
	}
}

// Options completes the options of a calibration by the names and transforms of the channels.
func Options(o feature.CalibrateOptions, cfg decode.Config) feature.CalibrateOptions {
	o.Names, o.Transforms = nil, nil
	for _, c := range cfg.Vector() {
		o.Names, o.Transforms = append(o.Names, c.Name), append(o.Transforms, c.Transform)
	}
	return o
}

// calibrate fills the pilot from p and whatever other partitions bring, and returns a spec made of it. Every partition
// that is owned takes part; the first that finds the pilot complete calibrates.
func (s *Service) calibrate(ctx context.Context, p stream.Partition) (*feature.Spec, error) {
	collecting, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.collect(collecting, p) }()
	defer func() {
		stop()
		if done != nil {
			<-done
		}
	}()
	deadline := time.NewTimer(s.cfg.PilotTimeout)
	defer deadline.Stop()
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	late := false
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.calibrated:
			return nil, nil
		case err := <-done:
			if done = nil; err != nil {
				return nil, err
			}
		case <-s.pilot.Full():
			return s.draw()
		case <-deadline.C:
			late = true
			if _, n := s.pilot.Vectors(); n < MinPilot {
				s.cfg.Log.Info("waiting for records to calibrate on", "have", n, "need", MinPilot, "topics", s.cfg.Fold.Topics)
			}
		case <-poll.C:
			if _, n := s.pilot.Vectors(); late && n >= MinPilot {
				return s.draw()
			}
			if err := s.look(ctx); err != nil {
				return nil, err
			}
		}
	}
}

// look adopts a specification that another process has made meanwhile: this one may never get enough records for its own.
// However many partitions ask, the store is asked once an interval; if it does not answer, it is asked again.
func (s *Service) look(ctx context.Context) error {
	select {
	case s.finding <- struct{}{}:
		defer func() { <-s.finding }()
	default:
		return nil
	}
	if s.found() != nil || time.Since(s.looked) < s.cfg.Interval {
		return nil
	}
	s.looked = time.Now()
	e, err := s.cfg.Store.LatestSpec(ctx)
	switch {
	case err == nil:
		s.adopt(e)
	case lasting(err):
		return err
	}
	return nil
}

// collect fills the pilot from all that the log holds. Nothing is folded yet, so what retention takes meanwhile is no gap.
func (s *Service) collect(ctx context.Context, p stream.Partition) error {
	for {
		start, _, err := p.Range(ctx)
		if err == nil {
			if err = s.pilot.Collect(ctx, p, start); err == nil {
				return nil
			}
		}
		switch {
		case errors.Is(err, stream.ErrRecreated):
			return fmt.Errorf("%w: %w", errGone, err)
		case !errors.Is(err, stream.ErrRetention):
			return fmt.Errorf("sketcher: %s: reading records to calibrate on: %w", p.ID(), err)
		}
		s.cfg.Log.Info("retention overtook the calibration, which goes on with the records that are left", "topic", p.ID().Topic, "partition", p.ID().Partition)
	}
}

// draw calibrates once; later calls return the same spec.
func (s *Service) draw() (*feature.Spec, error) {
	s.drawOnce.Do(func() {
		x, n := s.pilot.Vectors()
		spec, report, err := feature.Calibrate(x, Options(s.cfg.Calibrate, s.cfg.Fold.Decode))
		if err != nil {
			s.drawErr = fmt.Errorf("sketcher: calibrating on %d records: %w", n, err)
			return
		}
		for _, w := range report.Warnings {
			s.cfg.Log.Warn("calibration: "+w, "records", n)
		}
		s.drawn = spec
	})
	return s.drawn, s.drawErr
}
