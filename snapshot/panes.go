package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"phasor/sketcher/sketch"
	"phasor/snapshot/bucket"
)

// SavePane writes a sealed pane if it is not there; when it returns nil, the pane is durable. A pane of the same name
// with the same bytes is success, one with other bytes stays and is a [ConflictError].
func (e *Epoch) SavePane(ctx context.Context, p *Pane) error {
	data, err := p.Encode()
	if err != nil {
		return err
	}
	name := e.paneName(p.PaneRef)
	if found := p.Accumulator.Fingerprint(); found != e.m.Fingerprint() {
		return &MapMismatchError{Object: name, Want: e.m.Fingerprint(), Found: found}
	}
	return e.createSame(ctx, name, data, func(b []byte) error {
		_, err := e.decodePane(name, p.PaneRef, b)
		return err
	})
}

// LoadPane reads one pane. The error wraps [ErrNotExist], [ErrCorrupt] (which is reported), [ErrVersion] or
// [ErrMismatch].
func (e *Epoch) LoadPane(ctx context.Context, r PaneRef) (*Pane, error) {
	p, _, err := e.readPane(ctx, listedPane{PaneRef: r, object: bucket.Object{Name: e.paneName(r)}})
	return p, err
}

func (e *Epoch) readPane(ctx context.Context, r listedPane) (*Pane, []byte, error) {
	b, err := e.get(ctx, r.object.Name)
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return nil, nil, err
	}
	var p *Pane
	if err == nil {
		p, err = e.decodePane(r.object.Name, r.PaneRef, b)
	}
	if errors.Is(err, ErrCorrupt) {
		e.reportCorrupt(r.object, err)
	}
	return p, b, err
}

func (e *Epoch) decodePane(name string, r PaneRef, b []byte) (*Pane, error) {
	p, err := DecodePane(b)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %s: %w", name, err)
	}
	if p.PaneRef != r {
		return nil, fmt.Errorf("snapshot: %s: %w: it holds the pane of %s, topic id %s, at %d of length %d", name, ErrCorrupt, p.PartitionID, p.TopicID, p.Start, p.Length)
	}
	return p, e.bind(name, p.Accumulator)
}

// listedPane is a pane that a reader takes, with those that it hides.
type listedPane struct {
	PaneRef
	object bucket.Object
	hides  []listedPane // Shorter panes of its interval, the earliest first.
}

// ListPanes returns the panes whose intervals lie within [from, to), Unix milliseconds, by start, then partition. A
// pane inside a longer one is left out, also where the longer one reaches out of [from, to): adjacent ranges never
// share a record.
func (e *Epoch) ListPanes(ctx context.Context, from, to int64) ([]PaneRef, error) {
	listed, err := e.visiblePanes(ctx, from, to)
	if err != nil {
		return nil, err
	}
	refs := make([]PaneRef, len(listed))
	for i, r := range listed {
		refs[i] = r.PaneRef
	}
	return refs, nil
}

// ListPanesOf returns the panes of one partition and one length within [from, to), by start, also those inside a longer
// one. It asks the store only for names that begin as from and to do, and so follows the newest panes at little cost.
func (e *Epoch) ListPanesOf(ctx context.Context, p PartitionID, length, from, to int64) ([]PaneRef, error) {
	first := PaneRef{PartitionID: p, Start: max(from, -maxTime), Length: length}
	last := PaneRef{PartitionID: p, Start: min(to, maxTime), Length: length}
	if err := cmp.Or(first.validate(), last.validate()); err != nil {
		return nil, err
	}
	prefix, end := e.paneName(first), e.paneName(last)
	for !strings.HasPrefix(end, prefix) {
		prefix = prefix[:len(prefix)-1]
	}
	objects, err := e.b.List(ctx, prefix)
	if err != nil {
		return nil, wrap("list", prefix, err)
	}
	var refs []PaneRef
	for _, o := range objects {
		if r, ok := e.parsePane(o.Name); ok && r.PartitionID == p && r.Length == length && r.Start >= from && r.End() <= to {
			refs = append(refs, r)
		}
	}
	slices.SortFunc(refs, func(a, b PaneRef) int { return cmp.Compare(a.Start, b.Start) })
	return refs, nil
}

func (e *Epoch) visiblePanes(ctx context.Context, from, to int64) ([]listedPane, error) {
	all, err := e.allPanes(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(visible(all), func(r listedPane) bool { return r.Start < from || r.End() > to }), nil
}

func (e *Epoch) allPanes(ctx context.Context) ([]listedPane, error) {
	prefix := e.prefix + "panes/"
	objects, err := e.b.List(ctx, prefix)
	if err != nil {
		return nil, wrap("list", prefix, err)
	}
	var panes []listedPane
	for _, o := range objects {
		if r, ok := e.parsePane(o.Name); ok {
			panes = append(panes, listedPane{PaneRef: r, object: o})
		}
	}
	return panes, nil
}

// visible returns the panes that are in no longer one, by start, then partition.
func visible(panes []listedPane) []listedPane {
	slices.SortFunc(panes, func(a, b listedPane) int {
		return cmp.Or(comparePartitions(a.PartitionID, b.PartitionID), cmp.Compare(a.Start, b.Start), cmp.Compare(b.Length, a.Length))
	})
	var top []listedPane
	widest := -1 // The pane that reaches farthest; what lies in any pane before lies in it or was met before it.
	for _, p := range panes {
		if widest >= 0 && p.inside(top[widest].PaneRef) {
			top[widest].hides = append(top[widest].hides, p)
			continue
		}
		top = append(top, p)
		if widest < 0 || top[widest].PartitionID != p.PartitionID || p.End() > top[widest].End() {
			widest = len(top) - 1
		}
	}
	slices.SortFunc(top, func(a, b listedPane) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), comparePartitions(a.PartitionID, b.PartitionID), cmp.Compare(b.Length, a.Length))
	})
	return top
}

func comparePanes(a, b PaneRef) int {
	return cmp.Or(comparePartitions(a.PartitionID, b.PartitionID), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Length, b.Length))
}

func comparePartitions(a, b PartitionID) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.TopicID, b.TopicID), cmp.Compare(a.Partition, b.Partition))
}

// EachPane loads the panes of [ListPanes] one after the other and calls yield with each. A corrupt one is reported and
// its place is taken by the shorter ones inside it, if there are any. The first error of yield ends it. If a pane was
// removed since it was listed, because a longer one took its place, the error wraps [ErrNotExist]: begin again.
func (e *Epoch) EachPane(ctx context.Context, from, to int64, yield func(*Pane) error) error {
	listed, err := e.visiblePanes(ctx, from, to)
	if err != nil {
		return err
	}
	return e.eachPane(ctx, listed, yield)
}

func (e *Epoch) eachPane(ctx context.Context, listed []listedPane, yield func(*Pane) error) error {
	for _, r := range listed {
		p, _, err := e.readPane(ctx, r)
		switch {
		case err == nil:
			err = yield(p)
		case errors.Is(err, ErrCorrupt) && len(r.hides) > 0:
			err = e.eachPane(ctx, visible(r.hides), yield)
		case errors.Is(err, ErrCorrupt):
			e.hooks.lost(r.PaneRef)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Panes returns the panes of [Epoch.EachPane], and begins again itself. A pane takes about 43 KB at m = 1024 and
// d = 10: for long ranges use EachPane or [Epoch.MergeRange].
func (e *Epoch) Panes(ctx context.Context, from, to int64) ([]*Pane, error) {
	var panes []*Pane
	err := again(func() error {
		panes = nil
		return e.EachPane(ctx, from, to, func(p *Pane) error {
			panes = append(panes, p)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return panes, nil
}

// MergeRange returns the sketch of all partitions' records in the panes of [Epoch.Panes], nil if there are none. It
// holds one pane at a time.
func (e *Epoch) MergeRange(ctx context.Context, from, to int64) (*sketch.Accumulator, error) {
	var total *sketch.Accumulator
	err := again(func() error {
		total = nil
		return e.EachPane(ctx, from, to, func(p *Pane) error {
			if total == nil {
				total = p.Accumulator
				return nil
			}
			return merge(total, p.Accumulator, e.paneName(p.PaneRef))
		})
	})
	if err != nil {
		return nil, err
	}
	return total, nil
}

// again repeats f while objects vanish under it, a bounded number of times.
func again(f func() error) (err error) {
	for range relists {
		if err = f(); !errors.Is(err, ErrNotExist) {
			break
		}
	}
	return err
}
