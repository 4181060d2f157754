package sketcher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"phasor/snapshot"
	"phasor/stream"
)

// restored is the fold with which a partition begins, and how it came about.
type restored struct {
	fold   *Fold
	result string // ok, empty, corrupt_fallback or failed.
}

// restore returns the fold of a partition as its newest valid state has it, checked against the log, or an empty one if
// the partition never had a state.
func (s *Service) restore(ctx context.Context, e *snapshot.Epoch, cfg FoldConfig, p stream.Partition) (restored, error) {
	failed := restored{result: "failed"}
	id := snapshot.PartitionID(p.ID())
	newest, err := e.NewestState(ctx, id)
	if err != nil {
		return failed, err
	}
	st, err := e.LoadState(ctx, id, cfg.Description())
	result := "ok"
	if errors.Is(err, snapshot.ErrNotExist) {
		st, err = s.formerState(ctx, e, cfg, id)
	} else if err == nil && newest > st.Next {
		result = "corrupt_fallback"
	}
	if err != nil {
		return failed, err
	}
	if st == nil {
		f, err := s.begin(ctx, e, cfg, p)
		if err != nil {
			return failed, err
		}
		return restored{f, "empty"}, nil
	}
	f, err := Resume(cfg, st)
	if err != nil {
		return failed, err
	}
	if err := s.check(ctx, e, f, p); err != nil {
		return failed, err
	}
	return restored{f, result}, nil
}

// formerState returns the newest state of another incarnation of the partition's topic, nil if there is none. Of
// several incarnations it is the one that no other continues.
func (s *Service) formerState(ctx context.Context, e *snapshot.Epoch, cfg FoldConfig, id snapshot.PartitionID) (*snapshot.State, error) {
	refs, err := e.ListStates(ctx)
	if err != nil {
		return nil, err
	}
	followed := map[string]bool{}
	states := map[string]*snapshot.State{}
	for _, r := range refs {
		if r.Topic != id.Topic || r.Partition != id.Partition || r.TopicID == id.TopicID || states[r.TopicID] != nil {
			continue
		}
		st, err := e.LoadState(ctx, r.PartitionID, cfg.Description())
		if err != nil {
			return nil, err
		}
		states[r.TopicID] = st
		if st.Follows != st.TopicID {
			followed[st.Follows] = true
		}
	}
	var last *snapshot.State
	for _, st := range states {
		if followed[st.TopicID] {
			continue
		}
		if last != nil {
			return nil, fmt.Errorf("%w: %s: the store has states of two former topics, with ids %s and %s, and none continues the other: move the states of one out of the store",
				errLasting, id, last.TopicID, st.TopicID)
		}
		last = st
	}
	return last, nil
}

// begin returns the fold of a partition without any state, from where its start object says.
func (s *Service) begin(ctx context.Context, e *snapshot.Epoch, cfg FoldConfig, p stream.Partition) (*Fold, error) {
	first, _, err := p.Range(ctx)
	if err != nil {
		return nil, fmt.Errorf("sketcher: %s: range of the log: %w", p.ID(), err)
	}
	start, err := e.CreateStart(ctx, snapshot.PartitionID(p.ID()), first)
	if err != nil {
		return nil, err
	}
	f, err := NewFold(cfg, p.ID(), start)
	if err != nil {
		return nil, err
	}
	return f, s.check(ctx, e, f, p)
}

// check compares the fold's position with the log and applies the policies.
func (s *Service) check(ctx context.Context, e *snapshot.Epoch, f *Fold, p stream.Partition) error {
	pos := stream.Position{TopicID: f.id.TopicID, Next: f.next, Last: f.lastOffset, LastSum: f.lastSum}
	err := stream.Check(ctx, p, pos)
	if err == nil && f.id != p.ID() {
		// One of the two ids is unknown and the last record is the same: the broker learnt to name its topics.
		f.follows, f.id = f.id.TopicID, p.ID()
		return nil
	}
	return s.bridge(ctx, e, f, p, err, func(error) {})
}

// errGone ends the life of a partition whose topic was created anew: the source gives out the new one under its own id.
var errGone = errors.New("sketcher: the topic was created anew under its owner")

// bridge applies the policy for a position that does not fit the log: it returns err, or moves the fold to where it can
// go on and records the gap. A store that does not take the gap is tried until it does; again is told each time.
func (s *Service) bridge(ctx context.Context, e *snapshot.Epoch, f *Fold, p stream.Partition, err error, again func(error)) error {
	var pos *stream.PositionError
	if !errors.As(err, &pos) {
		return err
	}
	policy, key, reason := s.cfg.Recreated, "on_recreated", "recreated"
	switch {
	case errors.Is(err, stream.ErrTruncated):
		policy, key, reason = s.cfg.Truncated, "on_truncated", "truncation"
	case errors.Is(err, stream.ErrRetention):
		policy, key, reason = s.cfg.Retained, "on_retention", "retention"
	case errors.Is(err, stream.ErrReplaced):
		reason = "replaced"
	}
	var start, end int64
	if policy == Continue {
		var rerr error
		if start, end, rerr = p.Range(ctx); errors.Is(rerr, stream.ErrRecreated) {
			return fmt.Errorf("%w: %w", errGone, rerr)
		} else if rerr != nil {
			return fmt.Errorf("sketcher: %s: range of the log: %w", p.ID(), rerr)
		}
	}
	if h := s.cfg.Hooks.Gap; h != nil {
		h(p.ID(), reason)
	}
	if policy != Continue {
		return fmt.Errorf("sketcher: %w; nothing was changed: to go on and record the gap set %s: continue, to begin anew calibrate a new epoch", err, key)
	}
	s.cfg.Log.Warn("going on past a gap", "topic", p.ID().Topic, "partition", p.ID().Partition, "reason", reason, "err", err)
	switch {
	case reason == "retention":
		f.Gap(max(start, f.next), reason)
		return nil
	case reason == "truncation":
		f.Gap(end, reason)
	case reason == "replaced" && f.id == p.ID() && f.id.TopicID != stream.NoTopicID:
		// The same topic lost its end and grew again. How much of it is not known: what was folded is not folded again.
		f.Gap(f.next, reason)
	default:
		f.Follow(p.ID(), start, reason)
	}
	// The position went back, or has another log: what is durable must say so before anything is read.
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		err := s.rewind(ctx, e, f)
		if err == nil || lasting(err) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		again(err)
		s.cfg.Log.Warn("the gap could not be saved yet; trying again", "topic", p.ID().Topic, "partition", p.ID().Partition, "err", err, "wait", wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait - rand.N(wait/2)):
		}
	}
}

// rewind makes the fold as it is the newest state of its partition, which may end before others do.
func (s *Service) rewind(ctx context.Context, e *snapshot.Epoch, f *Fold) error {
	cut := f.Cut()
	n, err := s.savePanes(ctx, e, cut.Panes)
	f.Saved(cut.Panes[:n])
	f.Uncut(cut.Panes[n:])
	if err != nil {
		return err
	}
	return e.Rewind(ctx, cut.State)
}
