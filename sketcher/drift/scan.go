package drift

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"phasor/sketcher/sketch"
)

// A Scan watches panes for a change against a Reference. What it knows is the last 64
// panes, so a scan that pushes them anew is the same scan. One goroutine at a time.
type Scan struct {
	r          *Reference
	projection *Projection
	watch      watch
	channels   []string
	moves      []Move
	coords     []float64
	skipped    int64
}

// NewScan returns a scan that has seen no pane.
func NewScan(r *Reference) *Scan {
	s := &Scan{r: r, watch: newWatch(r)}
	if r.projection != nil {
		s.projection = r.projection.Clone()
		s.coords = make([]float64, s.projection.Len())
		s.channels = make([]string, 0, s.projection.d)
		s.moves = make([]Move, 0, 3*s.projection.d)
	}
	return s
}

// Reset makes the scan one that has seen no pane, against r; a nil r keeps the
// reference. It is how an alarm is let go and how a new reference begins.
func (s *Scan) Reset(r *Reference) {
	if r == nil {
		r = s.r
	}
	*s = *NewScan(r)
}

// Gap tells the scan that the next pane does not follow the last one in time: it is taken
// over its own spread, not predicted from the panes before, and windows go on over the gap.
func (s *Scan) Gap() { s.watch.known = 0 }

// Skipped returns how many panes were pushed and not scanned.
func (s *Scan) Skipped() int64 { return s.skipped }

// Push scans the next pane. A pane of too few records, of another map, or of a size of which
// the groups say nothing, is skipped: the Result says so and has no p-value and no alarm. It
// does not allocate.
func (s *Scan) Push(a *sketch.Accumulator) Result {
	skip := Scanned
	switch {
	case a == nil || a.Count() < s.r.opt.MinRecords:
		skip = FewRecords
	case a.Fingerprint() != s.projection.fingerprint:
		skip = OtherMap
	case s.r.model.blind(float64(a.Count())):
		skip = OtherSize
	}
	if skip != Scanned {
		s.skipped++
		s.Gap()
		return Result{Threshold: s.r.level, PValue: math.NaN(), EffectiveRatio: s.r.ratio, Skip: skip}
	}
	s.coords = s.projection.Coordinates(s.coords, a)
	res := s.watch.push(s.coords, float64(a.Count()))
	if s.r.model.outside(float64(a.Count())) {
		res.Caution = "the reference has no panes of this size: groups cv and C leave it out"
	}
	if res.Alarm {
		s.moves = s.watch.moved(s.moves[:0], s.projection.names, res.Window)
		s.channels = channelsOf(s.channels[:0], s.moves)
		res.Moves, res.Channels = s.moves, s.channels
	}
	return res
}

// watch is the scan of plain coordinates.
type watch struct {
	r     *Reference
	ring  []float64 // largestWindow rows of innovations
	root  []float64 // sqrt(records / mean records) of the rows
	at    int       // row of the newest pane
	seen  int       // rows in use
	known int       // panes before the next that follow each other, at most maxOrder
	lags  [maxOrder][]float64
	x     []float64
	sum   []float64
	size  []float64 // by block, what the pane's size does to its spread

	clipping bool      // innovations are clipped about the reference's mean
	bounded  bool      // panes outside the reference's sizes are taken over the wide deviation
	odd      bool      // such a pane is among those that the next is predicted from
	evidence *shiryaev // of the method ShiryaevRoberts
}

func newWatch(r *Reference) watch {
	p := r.model.width()
	w := watch{r: r, clipping: true, bounded: true, ring: make([]float64, largestWindow*p), root: make([]float64, largestWindow), x: make([]float64, p), sum: make([]float64, p), size: make([]float64, len(r.model.blocks))}
	for i := range w.lags {
		w.lags[i] = make([]float64, p)
	}
	if r.shiryaev != nil {
		w.evidence = newShiryaev(r.shiryaev)
	}
	return w
}

// push scans the next pane's coordinates.
func (w *watch) push(row []float64, records float64) Result {
	w.admit(row, records)
	if w.evidence != nil {
		return w.shiryaevResult()
	}
	return w.scan()
}

// admit takes the next pane's innovations and returns its root. A pane whose
// predecessors are not known is taken over its own spread in place of its innovation's, and
// one that is outside the reference's sizes, or follows such a pane, over the wide one.
func (w *watch) admit(row []float64, records float64) float64 {
	m := w.r.model
	m.about(w.x, row, records)
	w.at = (w.at + 1) % largestWindow
	w.seen = min(w.seen+1, largestWindow)
	w.root[w.at] = math.Sqrt(records / m.records)
	e := w.row(0)
	sd, order := m.sd, m.order
	outside := w.bounded && m.outside(records)
	if outside {
		w.odd, w.known = true, 0
		w.root[w.at] /= m.growth(w.size, records)
	} else {
		m.spreads(w.size, records)
	}
	switch {
	case w.known >= m.order:
		w.odd = false
	case w.odd:
		sd, order = m.wide, 0
	default:
		sd, order = m.still, 0
	}
	for i, b := range m.blocks {
		if outside && b.group.sized() {
			clear(e[b.lo:b.hi])
			continue
		}
		for k := b.lo; k < b.hi; k++ {
			v := w.x[k]
			for j := range order {
				v -= m.coef[j][k] * w.lags[j][k]
			}
			if e[k] = v/(sd[k]*w.size[i]) - m.offset[k]; w.clipping {
				e[k] = clipped(e[k])
			}
		}
		switch {
		case b.group != GroupH:
		case w.clipping:
			m.white.applyClipped(e[b.lo:b.hi])
		default:
			m.white.apply(e[b.lo:b.hi])
		}
	}
	last := w.lags[m.order-1]
	copy(w.lags[1:m.order], w.lags[:m.order-1])
	w.lags[0] = last
	copy(last, w.x)
	if !outside {
		w.known = min(w.known+1, maxOrder)
	}
	return w.root[w.at]
}

// row returns the innovations of the n-th newest pane.
func (w *watch) row(n int) []float64 {
	at := (w.at - n + largestWindow) % largestWindow
	p := len(w.sum)
	return w.ring[at*p : (at+1)*p]
}

// scan sums the innovations backwards from the newest and scores each window.
func (w *watch) scan() Result {
	r, m := w.r, w.r.model
	res := Result{Threshold: r.level, EffectiveRatio: r.ratio, Group: m.blocks[0].group, Window: r.opt.Windows[0]}
	var g float64
	var best float64
	var n int
	clear(w.sum)
	for j, length := range r.opt.Windows {
		if length > w.seen {
			break
		}
		for ; n < length; n++ {
			g += w.add(n)
		}
		by := windowScale(float64(length), g, m.size)
		for i, b := range m.blocks {
			if ratio := r.scorer.score(i, j, w.sum, by) / r.h[i]; ratio > best {
				best, res.Group, res.Window = ratio, b.group, length
			}
		}
	}
	res.Statistic = best * r.level
	res.Alarm = res.Statistic > res.Threshold
	res.PValue = r.law.probability(best)
	return res
}

// add adds the n-th newest pane to the sum and returns its root.
func (w *watch) add(n int) float64 {
	floats.Add(w.sum, w.row(n))
	return w.root[(w.at-n+largestWindow)%largestWindow]
}
