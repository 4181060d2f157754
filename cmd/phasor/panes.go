package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

func paneCount(n int) string {
	if n == 1 {
		return "1 pane"
	}
	return fmt.Sprintf("%d panes", n)
}

// paneRange is what an epoch holds of an interval of event time.
type paneRange struct {
	ep       *snapshot.Epoch
	within   []snapshot.PaneRef
	across   int   // Panes that reach across an end: no part of them can be had.
	shortest int64 // Length of the shortest pane of the epoch.
	begin    int64 // Of the epoch's panes, all together.
	end      int64
	from, to cut
}

// cut is an end of a range, with the nearest times before and after it that no pane reaches across.
type cut struct{ at, before, after int64 }

// panesIn lists the panes of [from, to), Unix milliseconds.
func panesIn(ctx context.Context, ep *snapshot.Epoch, from, to int64) (paneRange, error) {
	all, err := ep.ListPanes(ctx, math.MinInt64, math.MaxInt64)
	return rangeOf(ep, all, from, to), err
}

// rangeOf is panesIn of all panes of an epoch, which are ordered by start.
func rangeOf(ep *snapshot.Epoch, all []snapshot.PaneRef, from, to int64) paneRange {
	r := paneRange{ep: ep, from: cutOf(all, from), to: cutOf(all, to)}
	for i, p := range all {
		if i == 0 {
			r.shortest, r.begin, r.end = p.Length, p.Start, p.End()
		}
		r.shortest, r.end = min(r.shortest, p.Length), max(r.end, p.End())
		switch {
		case p.Start >= from && p.End() <= to:
			r.within = append(r.within, p)
		case p.End() > from && p.Start < to:
			r.across++
		}
	}
	return r
}

// cutOf looks around a time in panes that are ordered by start.
func cutOf(panes []snapshot.PaneRef, at int64) cut {
	c := cut{at, at, at}
	for _, p := range panes {
		if p.Start < c.after && c.after < p.End() {
			c.after = p.End()
		}
	}
	for _, p := range slices.Backward(panes) {
		if p.Start < c.before && c.before < p.End() {
			c.before = p.Start
		}
	}
	return c
}

// check is an error if no pane of the range can be had, and warns of what is left out. The range is called as where says.
func (r *paneRange) check(e *env, address, where string) error {
	if len(r.within) == 0 {
		return r.none(e.ctx, address, where)
	}
	r.warn(e, where)
	return nil
}

// warn says on standard error which panes touch the range without being in it.
func (r *paneRange) warn(e *env, where string) {
	if r.across > 0 {
		fmt.Fprintf(e.stderr, "left out: %s across an end of %s: %s\n", paneCount(r.across), where, r.advice(false))
	}
}

// merge merges the panes of the range.
func (r *paneRange) merge(ctx context.Context, address string) (*sketch.Accumulator, error) {
	a, err := r.ep.MergeRange(ctx, r.from.at, r.to.at)
	if err == nil && a == nil {
		err = r.none(ctx, address, "that range")
	}
	return a, err
}

// none is the error of a range of which no pane can be had.
func (r *paneRange) none(ctx context.Context, address, where string) error {
	what := fmt.Sprintf("store %s: sketch %q has no panes in %s", shown(address), r.ep.Sketch(), where)
	if r.across > 0 {
		return fmt.Errorf("%s, only %s across an end of it: %s", what, paneCount(r.across), r.advice(true))
	}
	if n := r.otherEpoch(ctx); n > 0 {
		return fmt.Errorf("%s of epoch %d, but epoch %d has some: give --epoch %d", what, r.ep.Number, n, n)
	}
	return fmt.Errorf("%s: they are written when their time and the lateness have passed", what)
}

// otherEpoch is the newest other epoch with panes in the range, 0 if there is none. An epoch that cannot be read has none
// to offer.
func (r *paneRange) otherEpoch(ctx context.Context) int {
	numbers, _ := r.ep.Epochs(ctx)
	for _, n := range slices.Backward(numbers) {
		if n == r.ep.Number {
			continue
		}
		if ep, err := r.ep.OpenEpoch(ctx, n); err == nil {
			if other, err := panesIn(ctx, ep, r.from.at, r.to.at); err == nil && len(other.within)+other.across > 0 {
				return n
			}
		}
	}
	return 0
}

// advice names the nearest ends that no pane reaches across, of a wider range only or of any.
func (r *paneRange) advice(wider bool) string {
	var words []string
	for i, c := range []cut{r.from, r.to} {
		give := moment(c.before) + " or " + moment(c.after)
		if wider {
			give = moment([]int64{c.before, c.after}[i])
		}
		if c.before != c.after {
			words = append(words, "instead of "+moment(c.at)+" give "+give)
		}
	}
	return strings.Join(words, ", ")
}

// lostPanes is the error of a range of which some panes are corrupt.
func lostPanes(address, sketch string, lost map[snapshot.PaneRef]bool) error {
	const most = 3
	var spans []string
	var from, to int64
	for _, r := range slices.SortedFunc(maps.Keys(lost), func(a, b snapshot.PaneRef) int { return cmp.Compare(a.Start, b.Start) }) {
		if len(spans) == 0 || r.Start > to {
			spans, from, to = append(spans, ""), r.Start, r.End()
		}
		to = max(to, r.End())
		spans[len(spans)-1] = moment(from) + ".." + moment(to)
	}
	if n := len(spans) - most; n > 0 {
		spans = append(spans[:most], fmt.Sprintf("%d intervals more", n))
	}
	return fmt.Errorf("store %s: sketch %q: %s of the range cannot be read, in %s: restore what is named above from a backup, or ask for ranges around it",
		shown(address), sketch, paneCount(len(lost)), strings.Join(spans, ", "))
}
