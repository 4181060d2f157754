package trainer

import (
	"context"
	"math"
	"sync"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/trainer/generator"
)

// attempt is a sketch that was taken: the range of event time, and when.
type attempt struct {
	from, until int64
	at          time.Time
}

// running is the fit that runs beside the loop, and what to go back to if it becomes pointless.
type running struct {
	stop    context.CancelCauseFunc
	fitted  int64
	lastFit time.Time
	answer  attempt
	answers bool // It answers an alarm.
}

// maybeRefit begins a refit beside the loop if one is due.
func (s *Service) maybeRefit(ctx context.Context, fits *sync.WaitGroup, lives map[snapshot.PartitionID]snapshot.Live, f frontier) error {
	ever := s.states.records()
	if s.running != nil || !s.due(ever, f) {
		return nil
	}
	alarm := s.monitor.status.Alarm
	from, to := s.rangeToFit(alarm, f)
	if s.served != nil && !s.cfg.Horizon.To.IsZero() && s.served.card.From == from && s.served.card.To == to {
		return nil // The interval has been learned, and it does not change.
	}
	if to > 0 && s.short.from == from && s.short.until == to {
		return nil // Too few records last time, and none came.
	}
	acc, err := s.sketchToFit(ctx, from, to, f)
	if err != nil {
		return err
	}
	if acc == nil || acc.Count() < s.cfg.Records {
		s.short = attempt{from: from, until: to}
		return nil
	}
	target, err := generator.NewTarget(acc)
	if err != nil {
		return err
	}
	j := job{epoch: s.epoch, target: target, served: s.served, generation: s.generation, answers: answered(alarm, from), sawUntil: s.oldest(lives), finish: s.finishing}
	j.card = Card{Sketch: s.epoch.Sketch(), Epoch: s.epoch.Number, Map: s.epoch.Map().Fingerprint(), Channels: s.epoch.Spec().Names(),
		Records: acc.Count(), Folded: ever, From: from, To: to, Change: max(0, s.monitor.regime), Quiet: max(0, s.monitor.quiet), Drifting: alarm != nil && j.answers == nil}
	if j.answers != nil {
		j.card.Change = alarm.Change
	}
	for _, st := range s.states.loaded {
		j.card.Partitions = append(j.card.Partitions, CardRange{st.Topic, st.TopicID, st.Partition, st.Start, st.Next})
	}
	wanted, stop := context.WithCancelCause(ctx)
	s.running = &running{stop: stop, fitted: s.fitted, lastFit: s.lastFit, answer: s.answer, answers: j.answers != nil}
	s.fitted, s.lastFit = ever, time.Now()
	if alarm != nil {
		s.answer = attempt{from: from, until: to, at: s.lastFit}
	}
	s.mu.Lock()
	s.status.Fitting = true
	s.mu.Unlock()
	fits.Go(func() {
		o := s.refit(ctx, wanted, j)
		stop(nil)
		s.done <- o // There is room: the loop begins no other fit before it has taken this outcome.
	})
	return nil
}

// answered is the alarm if a sketch from from on holds nothing but what came after the change.
func answered(alarm *Alarm, from int64) *Alarm {
	if alarm == nil || from == 0 || from < alarm.Change {
		return nil
	}
	return alarm
}

// due reports whether it is time for a refit. One that answers an alarm does not wait for Every, and is tried again
// when later panes are complete.
func (s *Service) due(ever int64, f frontier) bool {
	if time.Now().Before(s.notBefore) {
		return false
	}
	waited := func(since time.Time, d time.Duration) bool { return since.IsZero() || time.Since(since) >= d }
	if a := s.monitor.status.Alarm; a != nil && s.answers(a, f) {
		return f.until >= a.Change+int64(s.cfg.Settle)*s.cutting.length &&
			f.until > s.answer.until && waited(s.answer.at, min(s.cfg.Every, s.cfg.Budget+s.cfg.Poll))
	}
	if s.served == nil && s.fitted == 0 {
		return ever >= s.cfg.Records && time.Since(s.firstSeen) >= s.cfg.First
	}
	return ever-s.fitted >= s.cfg.Records && waited(s.lastFit, s.cfg.Every)
}

// answers reports whether a fit would answer the alarm: with fit.all, or a range that began before the change, none does.
func (s *Service) answers(a *Alarm, f frontier) bool {
	from, _ := s.rangeToFit(a, f)
	return answered(a, from) != nil
}

// rangeToFit is the range of event time that the next model is to learn: what came after the last change, within the
// horizon. It is 0, 0 for everything ever folded.
func (s *Service) rangeToFit(alarm *Alarm, f frontier) (from, to int64) {
	from = s.monitor.regime
	if alarm != nil {
		from = alarm.Change
	}
	return s.cfg.Horizon.interval(from, f.until)
}

func (s *Service) sketchToFit(ctx context.Context, from, to int64, f frontier) (*sketch.Accumulator, error) {
	if from == 0 {
		return snapshot.MergeStates(s.states.loaded)
	}
	if to <= from {
		return nil, nil
	}
	f.until, f.keep = to, s.cfg.Horizon.keeps(to)
	return mergeIntervals(ctx, s.epoch, from, f, s.cutting.length)
}

// oldest is when the owner of a partition last spoke, of the one that has been silent for longest.
func (s *Service) oldest(lives map[snapshot.PartitionID]snapshot.Live) time.Time {
	var t time.Time
	for _, st := range s.states.loaded {
		if l, ok := lives[st.PartitionID]; ok {
			if at := time.UnixMilli(l.Time); t.IsZero() || at.Before(t) {
				t = at
			}
		}
	}
	return t
}

// finish takes in the outcome of a refit.
func (s *Service) finish(o outcome) {
	was := s.running
	s.running = nil
	defer func() {
		s.mu.Lock()
		s.status.Fitting = false // Last, so that the status of an ended fit is whole.
		s.mu.Unlock()
	}()
	s.mu.Lock()
	if o.result != "pointless" {
		s.status.RefitResults[o.result]++
		s.failed = ""
	}
	if o.result == "error" {
		s.failed = o.err.Error()
	}
	s.mu.Unlock()
	sameEpoch := o.epoch.Number == s.epoch.Number
	if o.result == "pointless" {
		s.cfg.Log.Info("a fit that was running is no longer wanted", "steps", o.steps, "took", o.took.Round(time.Millisecond))
		if sameEpoch {
			s.goBackTo(was)
		}
		return
	}
	h := &s.cfg.Hooks
	if h.Refit != nil {
		h.Refit(o.result, o.took, o.steps)
	}
	if o.err != nil {
		s.cfg.Log.Error("refit", "result", o.result, "err", o.err, "took", o.took.Round(time.Millisecond))
	}
	if !sameEpoch {
		return
	}
	s.finishing = o.finish
	if o.result == "error" {
		s.goBackTo(was)
		s.notBefore = time.Now().Add(min(s.cfg.Every, s.cfg.Budget+10*s.cfg.Poll))
	}
	if o.version != nil && o.version.generation >= s.generation {
		s.take(o)
	}
	if o.result != "published" && o.result != "rejected" {
		return
	}
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

// goBackTo undoes what beginning a fit did, so that it counts as not begun. What another trainer's version has said
// meanwhile stands.
func (s *Service) goBackTo(was *running) {
	s.fitted, s.lastFit, s.answer = was.fitted, was.lastFit, was.answer
	if s.served != nil {
		s.inherit(s.served.card)
	}
}

// take serves the version that a refit put into force, unless the loop has met it in the store already.
func (s *Service) take(o outcome) {
	if s.served == nil || s.served.version != o.version.version || s.generation != o.version.generation {
		s.serve(o.version, o.evaluation)
	}
	s.cfg.Log.Info("model in force", "result", o.result, "version", o.version.version, "records", o.card.Records, "heldout", o.evaluation.HeldOut,
		"floor", o.evaluation.Floor, "equivalent_records", math.Round(o.evaluation.EquivalentRecords), "steps", o.steps,
		"took", o.took.Round(time.Millisecond), "answers_drift", o.answers != nil)
	if err := s.settle(o.version); err != nil {
		s.cfg.Log.Error("no reference after the alarm", "err", err)
	}
}
