package trainer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"
	"time"

	"phasor/snapshot"
	"phasor/trainer/generator"
)

// Service watches one sketch, fits its generator and scans it for drift.
type Service struct {
	cfg Config

	// All of this belongs to the goroutine of Run.
	epoch       *snapshot.Epoch
	generation  int     // The newest that was looked at; 0: none.
	served      *served // nil before the first version, and if none can be used.
	monitor     *monitor
	cutting     cutting
	states      states
	fitted      int64         // Records ever folded when the last fit began.
	lastFit     time.Time     // When it began, by this trainer or another one.
	firstSeen   time.Time     // When the first state was seen.
	notBefore   time.Time     // A fit begins after it: the last one failed.
	answer      attempt       // The last fit that was to answer an alarm.
	short       attempt       // The last look that found too few records.
	finishing   time.Duration // What the output map and the evaluation of the last fit took; 0: not known.
	running     *running      // nil if no fit is.
	readAt      time.Time     // When the reference that the configuration names was last read.
	quiet       int64         // Until when no alarm is raised, of the monitor before.
	heldUntil   int64         // How far event time was complete at the last prune,
	heldAt      time.Time     // and when that was.
	pruned      time.Time
	prunedOlder time.Time

	fit         func(ctx context.Context, f *generator.Fitter, budget, finish time.Duration, began time.Time) error
	done        chan outcome
	acknowledge chan int64 // The pane of the alarm that is meant.

	mu     sync.Mutex
	status Status
	beat   time.Time
	looks  int    // That have ended.
	failed string // Why the last fit could not be published; empty if it could, or was not to be.
}

// Status is what the page and the other commands show.
type Status struct {
	Records      int64 // In the newest states.
	Partitions   int
	Fitting      bool
	Version      int // Served; 0 before the first.
	Published    time.Time
	Evaluation   generator.Evaluation // Of the served version, on the sketch of the last fit or, before one, on its own.
	Evaluated    bool
	Drift        DriftStatus
	LastError    string         // Of the last look at the store; empty if it worked.
	RefitResults map[string]int // As counted by Hooks.Refit.
}

// New checks the configuration and returns a service.
func New(cfg Config) (*Service, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, fit: fit, done: make(chan outcome, 1), acknowledge: make(chan int64, 1), beat: time.Now(),
		status: Status{RefitResults: map[string]int{}, Drift: noDrift(&cfg)}}, nil
}

func noDrift(cfg *Config) DriftStatus {
	nan := math.NaN()
	return DriftStatus{Detector: cfg.Mode, Statistic: nan, Threshold: nan, PValue: nan, EffectiveRatio: nan, TargetRunLength: cfg.FalseAlarms, Why: "no complete pane yet"}
}

// Status returns a copy of what the service knows.
func (s *Service) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.RefitResults = maps.Clone(st.RefitResults)
	return st
}

// Acknowledge lets go of the latched alarm of a pane, which is named by its start in Unix milliseconds, or of whichever
// is latched if pane is 0, as a published answer would: the panes after the change make the next reference, unless it is
// fixed. It is remembered by the models that are fitted from then on, so a process that starts before the next one is
// published finds the change again. An alarm that is not latched is an error.
func (s *Service) Acknowledge(pane int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.status.Drift.Alarm
	if a == nil {
		return errors.New("trainer: no alarm is latched: there is none to acknowledge")
	}
	if pane != 0 && pane != a.Pane {
		return fmt.Errorf("trainer: the latched alarm is of the pane at %s, not of that at %s: look at it and acknowledge it by its own pane", clock(a.Pane), clock(pane))
	}
	select {
	case <-s.acknowledge: // If it is of another alarm, this one has taken its place.
	default:
	}
	s.acknowledge <- a.Pane
	return nil
}

// Live reports whether the loop still looks at the store.
func (s *Service) Live() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if silent := time.Since(s.beat); silent > 2*time.Minute+10*s.cfg.Poll {
		return fmt.Errorf("trainer: has not looked at the store for %v", silent.Round(time.Second))
	}
	return nil
}

// Ready reports whether the last look at the store worked, and the last refit, so that a store that can be read and not
// written shows.
func (s *Service) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.looks == 0:
		return errors.New("trainer: has not looked at the store yet")
	case s.status.LastError != "":
		return errors.New(s.status.LastError)
	case s.failed != "":
		return fmt.Errorf("trainer: the last refit failed: %s", s.failed)
	}
	return nil
}

// Run watches until ctx ends; then a fit that is running has ended too. What fails is reported and tried again: a
// trainer without its store waits for it. Run is called once.
func (s *Service) Run(ctx context.Context) error {
	var fits sync.WaitGroup
	defer fits.Wait()
	tick := time.NewTicker(s.cfg.Poll)
	defer tick.Stop()
	for {
		err := s.look(ctx, &fits)
		if ctx.Err() != nil {
			return nil
		}
		s.note(err)
		select {
		case <-ctx.Done():
			return nil
		case o := <-s.done:
			s.finish(o)
		case pane := <-s.acknowledge:
			s.letGo(pane)
		case <-tick.C:
		}
	}
}

// note keeps and logs the error of a look; the same error is not logged twice in a row.
func (s *Service) note(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	changed := s.status.LastError != text
	s.status.LastError, s.looks, s.beat = text, s.looks+1, time.Now()
	s.mu.Unlock()
	if changed && err != nil {
		s.cfg.Log.Error("the store will be looked at again", "err", err)
	}
}

// letGo carries out Acknowledge, unless a look has ended or replaced the alarm since.
func (s *Service) letGo(pane int64) {
	if s.monitor == nil || s.monitor.status.Alarm == nil || s.monitor.status.Alarm.Pane != pane {
		return
	}
	a := s.monitor.status.Alarm
	s.cfg.Log.Info("alarm acknowledged", "pane", time.UnixMilli(a.Pane).UTC())
	if err := s.monitor.answer(a.Change); err != nil {
		s.cfg.Log.Error("no reference after the alarm", "err", err)
	}
	s.publishDrift(false)
}
