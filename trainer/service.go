package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/trainer/generator"
)

// Service watches one sketch, fits its generator and scans it for drift.
type Service struct {
	cfg Config

	epoch      *snapshot.Epoch
	monitor    *monitor
	served     *served
	cutting    cutting
	fitted     int64 // Records ever folded when the last fit began.
	lastFit    time.Time
	firstSeen  time.Time
	fitting    bool
	done       chan outcome
	seen       map[snapshot.PartitionID]int64 // Next of the states of the last look.
	pruned     time.Time
	ackRequest chan struct{}

	mu     sync.Mutex
	status Status
	beat   time.Time
}

// Status is what the page and the other commands show.
type Status struct {
	Records      int64 // In the newest states.
	Partitions   int
	Fitting      bool
	Version      int // Served; 0 before the first.
	Published    time.Time
	Evaluation   generator.Evaluation // Of the served version, on the sketch of the last fit.
	Evaluated    bool
	Drift        DriftStatus
	LastError    string
	RefitResults map[string]int
}

// New checks the configuration and returns a service.
func New(cfg Config) (*Service, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	nan := math.NaN()
	return &Service{cfg: cfg, done: make(chan outcome, 1), ackRequest: make(chan struct{}, 1), beat: time.Now(),
		status: Status{RefitResults: map[string]int{}, Drift: DriftStatus{Statistic: nan, Threshold: nan, PValue: nan, EffectiveRatio: nan, TargetRunLength: cfg.FalseAlarms, Why: "no pane yet"}}}, nil
}

// Status returns a copy of what the service knows.
func (s *Service) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.RefitResults = make(map[string]int, len(s.status.RefitResults))
	for k, n := range s.status.RefitResults {
		st.RefitResults[k] = n
	}
	return st
}

// Acknowledge lets go of a latched alarm as a published answer would: the panes after the change make the next
// reference.
func (s *Service) Acknowledge() {
	select {
	case s.ackRequest <- struct{}{}:
	default:
	}
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

// Ready reports whether the last look at the store worked.
func (s *Service) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.LastError != "" {
		return errors.New(s.status.LastError)
	}
	return nil
}

// Run watches until ctx ends. What fails is reported and tried again: a trainer without its store waits for it.
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
			s.finish(ctx, o)
		case <-s.ackRequest:
			s.acknowledge()
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
	s.status.LastError, s.beat = text, time.Now()
	s.mu.Unlock()
	if changed && err != nil {
		s.cfg.Log.Error("trainer", "err", err)
	}
}

func (s *Service) acknowledge() {
	if s.monitor == nil || s.monitor.status.Alarm == nil {
		return
	}
	s.cfg.Log.Info("alarm acknowledged", "pane", time.UnixMilli(s.monitor.status.Alarm.Pane).UTC())
	if err := s.monitor.answer(s.monitor.status.Alarm.Change); err != nil {
		s.note(err)
	}
	s.publishDrift(false)
}

// look reads what is new in the store, scans the panes that have become complete, and begins a refit if one is due.
func (s *Service) look(ctx context.Context, fits *sync.WaitGroup) error {
	if err := s.follow(ctx); err != nil || s.epoch == nil {
		return err
	}
	states, err := s.epoch.LoadStates(ctx)
	if err != nil {
		s.count("corrupt", 1)
		return err
	}
	if len(states) == 0 {
		return nil
	}
	lives, err := s.epoch.LoadLives(ctx)
	if err != nil {
		return err
	}
	if s.firstSeen.IsZero() {
		s.firstSeen = time.Now()
	}
	if s.monitor == nil {
		if s.cutting, err = cuttingOf(states[0]); err != nil {
			return err
		}
		s.monitor = newMonitor(s.epoch.Map(), &s.cfg, s.cutting)
		if s.served != nil && s.served.card.From > 0 {
			s.monitor.since = s.served.card.From
		}
	}
	s.observe(states)
	f := frontierOf(states, lives, s.cutting, s.cfg.Idle, time.Now())
	if err := s.scan(ctx, f); err != nil {
		return err
	}
	s.prune(ctx)
	return s.maybeRefit(ctx, fits, states, lives, f)
}

// follow opens the newest epoch and, if it is another one than before, begins anew with its served model.
func (s *Service) follow(ctx context.Context) error {
	e, err := s.cfg.Store.LatestSpec(ctx)
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.epoch != nil && s.epoch.Number == e.Number {
		return s.reload(ctx)
	}
	s.epoch, s.monitor, s.served, s.fitted, s.seen = e, nil, nil, 0, map[snapshot.PartitionID]int64{}
	return s.reload(ctx)
}

// reload follows the served version: another trainer or an operator may have published or rolled back.
func (s *Service) reload(ctx context.Context) error {
	if s.fitting {
		return nil
	}
	g, err := s.epoch.Current(ctx)
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil
	}
	if err != nil {
		s.registry("read")
		return err
	}
	if s.served != nil && g.Generation <= s.served.generation {
		return nil
	}
	v, err := loadVersion(ctx, s.epoch, g.Version)
	if err != nil {
		s.registry("read")
		return err
	}
	if s.served != nil && v.version < s.served.version && s.cfg.Hooks.RolledBack != nil {
		s.cfg.Hooks.RolledBack("operator")
	}
	v.generation = g.Generation
	s.serve(v)
	return nil
}

func (s *Service) serve(v *served) {
	s.served = v
	s.mu.Lock()
	s.status.Version, s.status.Published = v.version, v.card.Created
	s.mu.Unlock()
	if s.cfg.Hooks.Served != nil {
		s.cfg.Hooks.Served(v.version, v.card.Created, v.card.Records)
	}
}

// observe counts the states that are new since the last look.
func (s *Service) observe(states []*snapshot.State) {
	fresh, records := 0, int64(0)
	for _, st := range states {
		records += st.Count()
		if next, ok := s.seen[st.PartitionID]; !ok || next != st.Next {
			s.seen[st.PartitionID] = st.Next
			fresh++
		}
	}
	s.count("ok", fresh)
	s.count("skipped", len(states)-fresh)
	s.mu.Lock()
	s.status.Records, s.status.Partitions = records, len(states)
	s.mu.Unlock()
}

func (s *Service) count(result string, n int) {
	if n > 0 && s.cfg.Hooks.Snapshots != nil {
		s.cfg.Hooks.Snapshots(result, n)
	}
}

// scan pushes the panes that have become complete since the last look.
func (s *Service) scan(ctx context.Context, f frontier) error {
	from := int64(0)
	if s.monitor.pushed {
		from = s.monitor.last + s.cutting.length
	} else if s.monitor.since > 0 {
		from = s.monitor.since
	}
	if f.until <= from {
		return nil
	}
	return eachInterval(ctx, s.epoch, from, f, s.cutting.length, func(p timedPane) error {
		raised, err := s.monitor.push(p)
		if err != nil {
			return err
		}
		if raised {
			a := s.monitor.status.Alarm
			s.cfg.Log.Warn("drift", "pane", time.UnixMilli(a.Pane).UTC(), "change", time.UnixMilli(a.Change).UTC(), "group", a.Group,
				"statistic", a.Statistic, "threshold", a.Threshold, "window", a.Window, "channels", a.Channels)
		}
		s.publishDrift(raised)
		return nil
	})
}

func (s *Service) publishDrift(raised bool) {
	s.mu.Lock()
	s.status.Drift = s.monitor.status
	s.mu.Unlock()
	if s.cfg.Hooks.Drift != nil {
		s.cfg.Hooks.Drift(s.monitor.status, raised)
	}
}

// maybeRefit begins a refit beside the loop if one is due.
func (s *Service) maybeRefit(ctx context.Context, fits *sync.WaitGroup, states []*snapshot.State, lives map[snapshot.PartitionID]snapshot.Live, f frontier) error {
	if s.fitting {
		return nil
	}
	var ever int64
	for _, st := range states {
		ever += st.Count()
	}
	alarm := s.monitor.status.Alarm
	switch {
	case alarm != nil:
		if f.until < alarm.Change+int64(s.cfg.Settle)*s.cutting.length || !s.lastFit.IsZero() && time.Since(s.lastFit) < min(s.cfg.Every, s.cfg.Budget+s.cfg.Poll) {
			return nil
		}
	case s.served == nil:
		if ever < s.cfg.Records || time.Since(s.firstSeen) < s.cfg.First {
			return nil
		}
	case ever-s.fitted < s.cfg.Records, !s.lastFit.IsZero() && time.Since(s.lastFit) < s.cfg.Every:
		return nil
	}
	j := job{epoch: s.epoch, served: s.served, answers: alarm}
	acc, err := s.sketchToFit(ctx, &j, states, f)
	if err != nil {
		return err
	}
	if acc == nil || acc.Count() < s.cfg.Records {
		return nil
	}
	if j.target, err = target(acc); err != nil {
		return err
	}
	j.records = acc.Count()
	j.sawUntil = oldest(lives)
	j.card.Sketch, j.card.Epoch, j.card.Map, j.card.Records = s.epoch.Sketch(), s.epoch.Number, s.epoch.Map().Fingerprint(), acc.Count()
	j.card.Channels = s.epoch.Spec().Names()
	for _, st := range states {
		j.card.Partitions = append(j.card.Partitions, CardRange{st.Topic, st.TopicID, st.Partition, st.Start, st.Next})
	}
	s.fitting, s.fitted, s.lastFit = true, ever, time.Now()
	s.mu.Lock()
	s.status.Fitting = true
	s.mu.Unlock()
	fits.Go(func() { s.done <- s.refit(ctx, j) })
	return nil
}

// sketchToFit merges what the next model is to learn: what came after the last change, within the horizon.
func (s *Service) sketchToFit(ctx context.Context, j *job, states []*snapshot.State, f frontier) (*sketch.Accumulator, error) {
	from := s.monitor.since
	if j.answers != nil {
		from = j.answers.Change
	}
	if s.cfg.Horizon > 0 && f.until > math.MinInt64 {
		from = max(from, f.until-s.cfg.Horizon.Milliseconds())
	}
	if from <= 0 {
		return snapshot.MergeStates(states)
	}
	j.card.From, j.card.To = from, f.until
	return mergeIntervals(ctx, s.epoch, from, f)
}

func oldest(lives map[snapshot.PartitionID]snapshot.Live) time.Time {
	var t time.Time
	for _, l := range lives {
		if at := time.UnixMilli(l.Time); t.IsZero() || at.Before(t) {
			t = at
		}
	}
	return t
}

// finish takes in the outcome of a refit.
func (s *Service) finish(ctx context.Context, o outcome) {
	s.fitting = false
	s.mu.Lock()
	s.status.Fitting = false
	s.status.RefitResults[o.result]++
	s.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	h := &s.cfg.Hooks
	if h.Refit != nil {
		h.Refit(o.result, o.took, o.steps)
	}
	if o.err != nil {
		s.cfg.Log.Error("refit", "result", o.result, "err", o.err, "took", o.took)
	}
	if o.result == "published" || o.result == "rejected" {
		s.mu.Lock()
		s.status.Evaluation, s.status.Evaluated = o.evaluation, true
		s.mu.Unlock()
		if h.Loss != nil {
			h.Loss(o.evaluation)
		}
		if h.SawUntil != nil && !o.sawUntil.IsZero() {
			h.SawUntil(o.sawUntil)
		}
	}
	if o.epoch.Number != s.epoch.Number {
		return
	}
	if o.version != nil {
		s.serve(o.version)
		s.cfg.Log.Info("model published", "version", o.version.version, "records", o.records, "heldout", o.evaluation.HeldOut, "floor", o.evaluation.Floor,
			"equivalent_records", math.Round(o.evaluation.EquivalentRecords), "steps", o.steps, "took", o.took.Round(time.Millisecond), "answers_drift", o.answers != nil)
	}
	if o.result == "published" && o.answers != nil {
		if err := s.monitor.answer(o.answers.Change); err != nil {
			s.note(err)
		}
		s.publishDrift(false)
	}
}

// pruneEvery is how often old objects are removed and old panes merged into longer ones.
const pruneEvery = 5 * time.Minute

// prune keeps the store within its retention. It runs in the loop, so that no pane is merged away under a scan.
func (s *Service) prune(ctx context.Context) {
	if time.Since(s.pruned) < pruneEvery {
		return
	}
	s.pruned = time.Now()
	if _, err := s.epoch.Prune(ctx, s.pruned, s.cfg.Retention); err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("old objects could not be removed; they will be next time", "err", err)
	}
}
