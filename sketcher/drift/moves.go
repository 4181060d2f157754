package drift

import (
	"math"
	"slices"
)

// A Move is one way in which a channel differs between a window and its reference.
type Move struct {
	Channel string
	Aspect  string  // mean, scale or shape
	Up      bool    // of a mean or scale: larger than in the reference
	Score   float64 // -log10 p, after Bonferroni's correction for the channels
}

// The aspects of a channel that a Move is about.
const (
	AspectMean  = "mean"
	AspectScale = "scale"
	AspectShape = "shape"
)

func aspect(g Group) string {
	switch g {
	case GroupCM:
		return AspectMean
	case GroupCV:
		return AspectScale
	}
	return AspectShape
}

// moveLevel is the probability of naming any channel of a window without a change.
const moveLevel = .05

// moved appends what moved over the window, by channel.
func (w *watch) moved(dst []Move, names []string, window int) []Move {
	clear(w.sum)
	var g float64
	for n := range min(window, w.seen) {
		g += w.add(n)
	}
	j := slices.Index(w.r.opt.Windows, window)
	return w.r.scorer.moved(dst, names, w.sum, windowScale(float64(window), g, w.r.model.size), j)
}

// moved appends the channels of which the statistic of cm, cv or H passes moveLevel, after
// Bonferroni's correction for the channels and the groups; j is the window's index.
func (s *scorer) moved(dst []Move, names []string, sum []float64, by float64, j int) []Move {
	var groups float64
	for _, b := range s.m.blocks {
		if b.group.part() > 0 {
			groups++
		}
	}
	level := -math.Log10(moveLevel / max(groups, 1))
	for c, name := range names {
		for i, b := range s.m.blocks {
			n := b.group.part()
			if n == 0 {
				continue
			}
			own := block{group: b.group, lo: b.lo + c*n, hi: b.lo + (c+1)*n}
			x := statistic(own, 1, sum[own.lo:own.hi], by)
			if score := s.tails[i*len(s.windows)+j].of(x); score > level {
				dst = append(dst, Move{Channel: name, Aspect: aspect(b.group), Up: n == 1 && sum[own.lo] > 0, Score: score})
			}
		}
	}
	return dst
}

// channelsOf appends the channels of moves, each once.
func channelsOf(dst []string, moves []Move) []string {
	for _, m := range moves {
		if len(dst) == 0 || dst[len(dst)-1] != m.Channel {
			dst = append(dst, m.Channel)
		}
	}
	return dst
}
