package drift

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"phasor/sketcher/sketch"
)

// rollingWindows are the numbers of newest panes that a Rolling compares with the earlier
// ones, leastEarlier the least number of those.
var rollingWindows = []int{1, 2, 3, 4, 6, 8, 12, 16}

const (
	leastEarlier   = 6
	longestRolling = 2000 // panes that a Rolling keeps
)

// A Rolling cuts a stream into segments without a change. It compares the last w = 1, 2,
// 3, 4, 6, 8, 12, 16 panes with all earlier ones of the current segment, at least 6, and
// after an alarm begins a segment with the panes since the estimated change: it follows a
// stream that changes for good again and again, and has no reference to grow old.
//
// The noise, which is the innovations' memory, spread and correlation, is pooled over all
// segments of the last 2,000 panes and estimated anew when the panes are a quarter more and
// after the first change, from the 20th on. Before, panes are Learning. Where the segments'
// spreads differ beyond chance, or only one segment is known, the earlier panes of the
// current segment have a say in its own. A drift so slow that the earlier panes follow it is
// not seen; a [Scan] sees it. One goroutine at a time.
type Rolling struct {
	opt        Options
	projection *Projection
	taught     bool // the projection's shapes are those of the first panes
	first      []*sketch.Accumulator

	history  panes // rows of all segments, the oldest first
	starts   []int // of the segments, within history; the last is the current one
	nextFit  int   // panes at which the noise is estimated anew
	segment  segment
	skipped  int64
	coords   []float64
	moves    []Move
	channels []string
}

// NewRolling returns a Rolling that has seen no pane. Of the options, Windows and Method
// are ignored.
func NewRolling(p *Projection, opt Options) (*Rolling, error) {
	opt.Windows, opt.Method = slices.Clone(rollingWindows), WindowScan
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	if opt.Groups != nil {
		if p, err = p.restrict(opt.Groups); err != nil {
			return nil, err
		}
	} else {
		p = p.Clone()
	}
	return &Rolling{opt: opt, projection: p, starts: []int{0}, nextFit: leastSequential}, nil
}

// Skipped returns how many panes were pushed and not looked at.
func (r *Rolling) Skipped() int64 { return r.skipped }

// Segment returns the number of panes of the current segment.
func (r *Rolling) Segment() int { return r.history.len() - r.starts[len(r.starts)-1] }

// Noise returns the number of panes behind the estimate of the noise, 0 before the first.
func (r *Rolling) Noise() int {
	if r.segment.r == nil {
		return 0
	}
	return r.segment.r.model.size
}

// Push looks at the next pane. On an alarm Window is the number of panes since the
// estimated change. The error is of the simulation's options and wraps nothing.
func (r *Rolling) Push(a *sketch.Accumulator) (Result, error) {
	res := Result{Threshold: math.NaN(), PValue: math.NaN(), EffectiveRatio: 1}
	if s := r.segment.r; s != nil {
		res.Threshold, res.EffectiveRatio = s.level, s.ratio
	}
	switch {
	case a == nil || a.Count() < r.opt.MinRecords:
		res.Skip = FewRecords
	case a.Fingerprint() != r.projection.fingerprint:
		res.Skip = OtherMap
	}
	if res.Skip != Scanned {
		r.skipped++
		return res, nil
	}
	if !r.taught {
		res.Skip = Learning
		if r.first = append(r.first, a); len(r.first) < leastSequential {
			return res, nil
		}
		r.teach()
		return res, r.estimate()
	}
	r.coords = r.projection.Coordinates(r.coords, a)
	r.history.add(r.coords, float64(a.Count()))
	if r.segment.r == nil || r.history.len() >= r.nextFit {
		if err := r.estimate(); err != nil {
			return res, err
		}
	} else {
		r.segment.push(r.history.row(r.history.len()-1), float64(a.Count()))
	}
	if r.segment.r == nil {
		res.Skip = Learning
		return res, nil
	}
	res = r.segment.scan()
	if res.Alarm {
		r.moves = r.segment.moved(r.moves[:0], r.projection.names, res.Window)
		r.channels = channelsOf(r.channels[:0], r.moves)
		res.Moves, res.Channels = r.moves, r.channels
		res.Window = r.segment.change(res.Group, res.Window)
		r.starts = append(r.starts, r.history.len()-res.Window)
		if len(r.starts) > 2 {
			r.replay()
		} else if err := r.estimate(); err != nil {
			return res, err
		}
	}
	r.forget()
	return res, nil
}

// teach takes the shapes of the first panes and then their coordinates.
func (r *Rolling) teach() {
	r.projection.learn(r.first)
	for _, a := range r.first {
		r.coords = r.projection.Coordinates(r.coords, a)
		r.history.add(r.coords, float64(a.Count()))
	}
	r.first, r.taught = nil, true
}

// estimate takes the noise from all segments and goes through the current one again.
func (r *Rolling) estimate() error {
	m, ok := r.noise()
	if !ok {
		r.nextFit = r.history.len() + leastSequential/2
		if r.segment.r != nil {
			r.replay()
		}
		return nil
	}
	r.nextFit = r.history.len() + r.history.len()/4
	if r.history.len() > longestRolling/2 {
		r.nextFit = math.MaxInt
	}
	r.segment.r = calibrateRolling(m, r.opt)
	r.replay()
	return nil
}

// noise fits the model to all panes about their segments' means; ok is false without a
// segment that is long enough.
func (r *Rolling) noise() (m *model, ok bool) {
	x := &panes{}
	var segments []span
	all := r.projection.centred(&r.history)
	for i, lo := range r.starts {
		hi := r.history.len()
		if i+1 < len(r.starts) {
			hi = r.starts[i+1]
		}
		if hi-lo < leastEarlier {
			continue
		}
		s := r.history.slice(lo, hi)
		segments = append(segments, span{x.len(), x.len() + s.len()})
		own := r.projection.centred(s)
		row := make([]float64, r.history.cols)
		for t := range s.len() {
			own.about(row, s.row(t), s.records[t])
			for k, mean := range all.mean {
				row[k] += gain(s.records[t], all.spread[k]) * mean
			}
			x.add(row, s.records[t])
		}
	}
	if x.len() < leastSequential {
		return nil, false
	}
	m = fit(r.projection.layout, x)
	// Each segment's mean takes a degree of freedom.
	own := math.Sqrt(float64(m.size) / float64(m.size-len(segments)))
	floats.Scale(own, m.sd)
	floats.Scale(own, m.still)
	laws, known := m.newLaws(segments)
	switch {
	case laws != nil:
		m.laws, m.prior = laws, laws.prior
		m.ownUnits()
	case !known && len(r.starts) > 1:
		// What the first segment showed may not hold after its end.
		m.prior = slices.Repeat([]float64{priorDegrees}, len(m.blocks))
	}
	return m, true
}

// centred returns a model that knows no more than the means of panes.
func (l layout) centred(x *panes) *model {
	m := &model{layout: l, size: x.len(), mean: make([]float64, l.width()), slope: make([]float64, l.width())}
	for _, n := range x.records {
		m.inverse += 1 / n / float64(m.size)
	}
	m.centre(x)
	return m
}

// replay takes the panes of the current segment into it again.
func (r *Rolling) replay() {
	r.segment.begin()
	for t := r.starts[len(r.starts)-1]; t < r.history.len(); t++ {
		r.segment.push(r.history.row(t), r.history.records[t])
	}
	r.segment.clip()
}

// forget drops the oldest panes, half as many as are kept, so that it is rare.
func (r *Rolling) forget() {
	n := r.history.len()
	if n < longestRolling {
		return
	}
	drop := n - longestRolling/2
	r.history = panes{cols: r.history.cols, rows: slices.Clone(r.history.rows[drop*r.history.cols:]), records: slices.Clone(r.history.records[drop:])}
	for i := range r.starts {
		r.starts[i] = max(0, r.starts[i]-drop)
	}
	for len(r.starts) > 1 && r.starts[1] == 0 {
		r.starts = r.starts[1:]
	}
	r.replay()
}

// Clone returns a Rolling that goes on from here on its own.
func (r *Rolling) Clone() *Rolling {
	c := *r
	c.projection = r.projection.Clone()
	c.first, c.starts = slices.Clone(r.first), slices.Clone(r.starts)
	c.history = panes{cols: r.history.cols, rows: slices.Clone(r.history.rows), records: slices.Clone(r.history.records)}
	c.segment = segment{r: r.segment.r}
	c.coords, c.moves, c.channels = nil, nil, nil
	if c.segment.r != nil {
		c.replay()
	}
	return &c
}
