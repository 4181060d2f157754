package status

import (
	"math"
	"slices"
)

// history is a bounded record of some figures over time. When it is full, neighbours are merged in pairs and each entry
// from then on stands for twice as much, up to a coarsest grain; then the oldest go.
type history struct {
	limit, coarsest int // Entries kept, an even number; and what one stands for at most.
	merge           []func(a, b float64) float64
	entries         []entry
	grain           int // Additions that one entry stands for.
	open            int // Additions in the last entry.
}

type entry struct {
	time   int64 // Unix milliseconds, of its first addition.
	values []float64
	n      float64
}

// newHistory returns an empty history of one figure for each way to merge.
func newHistory(limit, coarsest int, merge ...func(a, b float64) float64) *history {
	return &history{limit: limit, coarsest: coarsest, merge: merge, grain: 1}
}

// larger, newer and sum are ways to merge two figures, of which one may be undefined. Means are kept as sums over n.
func larger(a, b float64) float64 {
	if math.IsNaN(a) {
		return b
	}
	if math.IsNaN(b) {
		return a
	}
	return max(a, b)
}

func newer(a, b float64) float64 {
	if math.IsNaN(b) {
		return a
	}
	return b
}

func sum(a, b float64) float64 { return a + b }

func (h *history) add(time int64, values ...float64) {
	if h.open > 0 && h.open < h.grain {
		h.join(&h.entries[len(h.entries)-1], entry{time, values, 1})
		h.open++
		return
	}
	if len(h.entries) == h.limit {
		h.coarsen()
	}
	h.entries = append(h.entries, entry{time, slices.Clone(values), 1})
	h.open = 1
}

func (h *history) join(e *entry, o entry) {
	for i, f := range h.merge {
		e.values[i] = f(e.values[i], o.values[i])
	}
	e.n += o.n
}

// coarsen makes room for another entry.
func (h *history) coarsen() {
	if 2*h.grain > h.coarsest {
		h.entries = slices.Delete(h.entries, 0, 1)
		return
	}
	for i := range h.limit / 2 {
		h.entries[i] = h.entries[2*i]
		h.join(&h.entries[i], h.entries[2*i+1])
	}
	h.entries = h.entries[:h.limit/2]
	h.grain *= 2
}
