package drift

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// segment is the current segment of a Rolling: its innovations e about the model's mean,
// not clipped, with sums by which any split of it is judged. A level that moved by delta
// moves e by root delta, root = sqrt(records / mean records), so the level of the earlier
// panes is sum(root e)/sum(root²).
type segment struct {
	r      *Reference // the noise and the thresholds
	watch  watch
	e      []float64 // rows of innovations
	root   []float64
	sum    []float64 // rows of running sums of e, one more than panes
	level  []float64 // the same of root e
	power  []float64 // the same of root²
	square []float64 // the same of e²; not kept where segments have one spread
	diff   []float64
}

func (s *segment) begin() {
	s.watch = newWatch(s.r)
	s.e = s.e[:0]
	s.empty()
}

// empty forgets all panes.
func (s *segment) empty() {
	zero := make([]float64, s.r.model.width())
	s.root, s.power = s.root[:0], append(s.power[:0], 0)
	s.sum, s.level, s.square = append(s.sum[:0], zero...), append(s.level[:0], zero...), append(s.square[:0], zero...)
	s.diff = zero
}

func (s *segment) len() int { return len(s.root) }

// push takes the next pane. Its innovations are clipped about the level of the panes
// before, once there are enough.
func (s *segment) push(row []float64, records float64) {
	w := &s.watch
	p := len(s.diff)
	w.clipping, w.bounded = false, false
	root := w.admit(row, records)
	s.e = append(s.e, w.row(0)...)
	e := s.e[len(s.e)-p:]
	if n := s.len(); n >= leastEarlier {
		s.about(e, root, n)
	}
	s.root = append(s.root, root)
	s.accumulate(e, root)
}

// about clips innovations about the level of the first n panes.
func (s *segment) about(e []float64, root float64, n int) {
	p := len(e)
	for k := range e {
		base := root * s.level[n*p+k] / s.power[n]
		e[k] = base + clipped(e[k]-base)
	}
}

func (s *segment) accumulate(e []float64, root float64) {
	p, n := len(e), len(s.power)-1
	for k, v := range e {
		s.sum = append(s.sum, s.sum[n*p+k]+v)
		s.level = append(s.level, s.level[n*p+k]+root*v)
	}
	if s.r.model.prior != nil {
		for k, v := range e {
			s.square = append(s.square, s.square[n*p+k]+v*v)
		}
	}
	s.power = append(s.power, s.power[n]+root*root)
}

// clip clips all innovations about the level of the whole segment, which is better known
// than that of its first panes.
func (s *segment) clip() {
	n, p := s.len(), len(s.diff)
	if n < leastEarlier {
		return
	}
	for t := range n {
		s.about(s.e[t*p:(t+1)*p], s.root[t], n)
	}
	s.sum, s.level, s.square, s.power = s.sum[:p], s.level[:p], s.square[:p], s.power[:1]
	for t := range n {
		s.accumulate(s.e[t*p:(t+1)*p], s.root[t])
	}
}

// split sets diff to the sums of the last w panes about the level of those before, and
// returns the factor that makes it of unit variance.
func (s *segment) split(w int) (by float64) {
	n, p := s.len(), len(s.diff)
	var g float64
	for _, r := range s.root[n-w:] {
		g += r
	}
	earlier := s.power[n-w]
	for k := range s.diff {
		s.diff[k] = s.sum[n*p+k] - s.sum[(n-w)*p+k] - g*s.level[(n-w)*p+k]/earlier
	}
	if s.r.model.prior != nil {
		s.own(n - w)
	}
	return 1 / math.Sqrt(float64(w)+g*g/earlier)
}

// own divides diff by the deviations that the first n panes show about their level,
// moderated by the pooled ones at as many degrees of freedom as the segments agree (Smyth
// 2004).
func (s *segment) own(n int) {
	p := len(s.diff)
	for i, b := range s.r.model.blocks {
		prior := s.r.model.prior[i]
		if math.IsInf(prior, 1) {
			continue
		}
		for k := b.lo; k < b.hi; k++ {
			l := s.level[n*p+k]
			v := s.square[n*p+k] - l*l/s.power[n]
			s.diff[k] *= math.Sqrt((prior + float64(n-1)) / (prior + max(v, 0)))
		}
	}
}

// scan judges all splits.
func (s *segment) scan() Result {
	r := s.r
	res := Result{Threshold: r.level, EffectiveRatio: r.ratio, Group: r.model.blocks[0].group, Window: 1, PValue: 1}
	var best float64
	for j, w := range r.opt.Windows {
		if s.len()-w < leastEarlier {
			break
		}
		by := s.split(w)
		for i, b := range r.model.blocks {
			if ratio := r.scorer.score(i, j, s.diff, by) / r.h[i]; ratio > best {
				best, res.Group, res.Window = ratio, b.group, w
			}
		}
	}
	res.Statistic = best * r.level
	res.Alarm = res.Statistic > res.Threshold
	res.PValue = r.law.probability(best)
	return res
}

// change returns how many of the last panes lie after the change that raised an alarm with
// window w in a group: of all splits up to twice as long, the one with the largest
// standardised difference. A window is a power of two and may reach back over the change.
func (s *segment) change(g Group, w int) int {
	var best float64
	at := w
	for i, b := range s.r.model.blocks {
		if b.group != g {
			continue
		}
		for n := 1; n <= 2*w && s.len()-n >= leastEarlier; n++ {
			by := s.split(n)
			if x := statistic(b, s.r.model.live[i], s.diff[b.lo:b.hi], by); x > best {
				best, at = x, n
			}
		}
	}
	return at
}

// moved appends what moved at the split before the last window panes.
func (s *segment) moved(dst []Move, names []string, window int) []Move {
	by := s.split(window)
	for j, w := range s.r.opt.Windows {
		if w == window {
			return s.r.scorer.moved(dst, names, s.diff, by, j)
		}
	}
	return dst
}

// calibrateRolling simulates the thresholds of a Rolling: segments of horizon panes that
// begin with nothing.
func calibrateRolling(m *model, opt Options) *Reference {
	r := &Reference{opt: opt, model: m, scorer: newScorer(m, opt.Windows, math.Inf(1)), ratio: 1}
	for _, tau := range m.tau {
		r.ratio = min(r.ratio, 1/tau)
	}
	r.scorer.tabulate()
	p := m.width()
	tr := &trials{runs: opt.Simulations, blocks: len(m.blocks), score: make([]float32, 0, opt.Simulations*horizon*len(m.blocks))}
	s := segment{r: r}
	m.simulated(opt.Simulations, opt.Seed, func(rows []float64) {
		s.empty()
		most := make([]float64, len(m.blocks))
		for t := range horizon {
			s.root = append(s.root, 1)
			s.accumulate(rows[t*p:(t+1)*p], 1)
			clear(most)
			for j, w := range opt.Windows {
				if s.len()-w < leastEarlier {
					break
				}
				by := s.split(w)
				for i := range m.blocks {
					most[i] = max(most[i], r.scorer.score(i, j, s.diff, by))
				}
			}
			for _, v := range most {
				tr.score = append(tr.score, float32(v))
			}
		}
	})
	r.h = append([]float64(nil), tr.thresholds(opt.ARL, cautionOf(m))...)
	r.law = tr.law(r.h)
	r.level = floats.Sum(r.h) / float64(len(r.h))
	m.centred, m.innov, m.laws = nil, nil, nil
	return r
}
