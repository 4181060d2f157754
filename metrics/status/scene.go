package status

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/trainer/generator"
)

const (
	scenePanes      = 16               // Newest sealed panes of each partition that are shown together.
	scenePartitions = 64               // Whose panes are read; of more, every so many one.
	sceneEvery      = 10 * time.Second // Between two readings, more with many partitions.
)

// scene reads what is compared: the newest panes of the stream and the served model. It is for one goroutine.
type scene struct {
	at      time.Time
	version int
	since   int64
	model   *generator.Model
	panes   map[snapshot.PaneRef]*sketch.Accumulator
	shapes  *Shapes
}

// read returns the comparison, a new one if it is time, another version is served, or the stream has changed. Panes before
// since, the newest change of the stream, are left out.
func (s *scene) read(ctx context.Context, e *snapshot.Epoch, version int, since int64) (*Shapes, error) {
	every := max(sceneEvery, time.Duration(len(s.panes)/scenePanes)*sceneEvery/8)
	if s.shapes != nil && version == s.version && since == s.since && time.Since(s.at) < every {
		return s.shapes, nil
	}
	s.since = since
	if version != s.version {
		s.model, s.version = nil, version
	}
	if s.model == nil && version > 0 {
		m, err := e.LoadModel(ctx, version)
		if err != nil {
			return s.shapes, err
		}
		if s.model, err = generator.DecodeModel(m.Data); err != nil {
			return s.shapes, err
		}
	}
	states, err := e.LoadStates(ctx)
	if err != nil {
		return s.shapes, err
	}
	if len(states) == 0 {
		return nil, nil
	}
	a, from, to, err := s.newest(ctx, e, states)
	if err != nil {
		return s.shapes, err
	}
	if a == nil { // Records without a time, or none of a sealed pane: all there are.
		if a, err = snapshot.MergeStates(states); err != nil || a == nil {
			return s.shapes, err
		}
		from, to = 0, 0
	}
	model := s.model
	if model != nil && (model.Fingerprint() != a.Fingerprint() || model.Dim() != a.Dim()) {
		model = nil
	}
	if err := a.Bind(e.Map()); err != nil {
		return s.shapes, err
	}
	s.shapes, s.at = compare(e.Map(), a, model), time.Now()
	s.shapes.From, s.shapes.To = from, to
	if model != nil {
		s.shapes.Version = version
	}
	return s.shapes, nil
}

// newest is the sketch of the newest sealed panes, and their event time; nil if there are none.
func (s *scene) newest(ctx context.Context, e *snapshot.Epoch, states []*snapshot.State) (total *sketch.Accumulator, from, to int64, err error) {
	text, _ := states[0].Fold.Get("panes.length")
	length, err := strconv.ParseInt(text, 10, 64)
	if err != nil || length <= 0 {
		return nil, 0, 0, nil
	}
	watermark := int64(snapshot.NoTime)
	for _, st := range states {
		watermark = max(watermark, st.Watermark)
	}
	if watermark <= 0 {
		return nil, 0, 0, nil
	}
	// The lateness is at most 6 panes, so these hold scenePanes sealed ones of a partition that keeps up.
	end := watermark - watermark%length
	begin := max(0, end-(scenePanes+6)*length)
	var refs []snapshot.PaneRef
	step := (len(states) + scenePartitions - 1) / scenePartitions
	for i := 0; i < len(states); i += step {
		of, err := e.ListPanesOf(ctx, states[i].PartitionID, length, begin, end)
		if err != nil {
			return nil, 0, 0, err
		}
		refs = append(refs, of[max(0, len(of)-scenePanes):]...)
	}
	if after := slices.DeleteFunc(slices.Clone(refs), func(r snapshot.PaneRef) bool { return r.Start < s.since }); len(after) > 0 {
		refs = after
	}
	kept := map[snapshot.PaneRef]*sketch.Accumulator{}
	for _, r := range refs {
		a := s.panes[r]
		if a == nil {
			p, err := e.LoadPane(ctx, r)
			if errors.Is(err, snapshot.ErrNotExist) || errors.Is(err, snapshot.ErrCorrupt) {
				continue // Merged away meanwhile, or reported by the store's hooks.
			}
			if err != nil {
				return nil, 0, 0, err
			}
			a = p.Accumulator
		}
		kept[r] = a
		if total == nil {
			total, from, to = a.Clone(), r.Start, r.End()
			continue
		}
		if err := total.Merge(a); err != nil {
			return nil, 0, 0, err
		}
		from, to = min(from, r.Start), max(to, r.End())
	}
	s.panes = kept
	return total, from, to, nil
}
