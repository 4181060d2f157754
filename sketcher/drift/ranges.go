package drift

import (
	"fmt"
	"math"

	"phasor/sketcher/sketch"
)

// significance is the level of a comparison's threshold.
const significance = .01

// TwoRanges compares two ranges of panes under the dependence between records that the
// longer of them shows: it is the reference and the other one window. The p-value is the
// smallest of the groups' times their number; Threshold is at 1 %. Groups that need a
// longer window are left out. The error wraps ErrNotEnoughHistory, as a *HistoryError,
// when the longer range has fewer than 20 panes or is not steady, the shorter has none,
// or no group remains; and ErrMap when the sketches are not of one bound map. Of the
// options it reads Groups and MinRecords.
func TwoRanges(a, b []*sketch.Accumulator, opt Options) (Result, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Result{}, err
	}
	m, err := mapOf(a, b)
	if err != nil {
		return Result{}, err
	}
	p := NewProjection(m, opt.Groups...)
	if len(b) > len(a) {
		p.learn(b)
	} else {
		p.learn(a)
	}
	x, skippedA, err := p.panes(a, opt.MinRecords)
	if err != nil {
		return Result{}, err
	}
	y, skippedB, err := p.panes(b, opt.MinRecords)
	if err != nil {
		return Result{}, err
	}
	if y.len() > x.len() {
		x, y = y, x
	}
	if x.len() < leastSequential {
		return Result{}, &HistoryError{Lacks: TooFewPanes, Have: x.len(), Need: leastSequential, Skipped: skippedA + skippedB}
	}
	if y.len() == 0 {
		return Result{}, &HistoryError{Lacks: TooFewPanes, Need: 1, Skipped: skippedA + skippedB}
	}
	model := fit(p.layout, x)
	if err := model.steady(); err != nil {
		return Result{}, err
	}
	res, err := model.compare(y, p.names)
	if err != nil {
		return Result{}, err
	}
	res.Divergence = divergence(total(a), total(b))
	return res, nil
}

// compare tests all panes of y as one window.
func (m *model) compare(y *panes, names []string) (Result, error) {
	n := y.len()
	sum := make([]float64, m.width())
	var g float64
	r := &Reference{model: m}
	w := newWatch(r)
	for t := range n {
		g += w.admit(y.row(t), y.records[t])
		for k, v := range w.row(0) {
			sum[k] += v
		}
	}
	s := newScorer(m, []int{n}, float64(m.size))
	by := windowScale(float64(n), g, m.size)
	res := Result{Threshold: -math.Log10(significance), Window: n, EffectiveRatio: 1}
	var tested float64
	var need int
	var short Group
	for i, b := range m.blocks {
		res.EffectiveRatio = min(res.EffectiveRatio, 1/m.tau[i])
		if m.w0[i] > n {
			if need == 0 || m.w0[i] < need {
				need, short = m.w0[i], b.group
			}
			continue
		}
		tested++
		if lp := s.score(i, 0, sum, by); res.Group == 0 || lp > res.Statistic {
			res.Statistic, res.Group = lp, b.group
		}
	}
	if tested == 0 {
		return Result{}, &HistoryError{Lacks: WindowTooShort, Have: n, Need: need, Group: short}
	}
	res.Statistic = max(0, res.Statistic-math.Log10(tested))
	res.PValue = math.Pow(10, -res.Statistic)
	res.Alarm = res.Statistic > res.Threshold
	if res.Alarm {
		res.Moves = s.moved(nil, names, sum, by, 0)
		res.Channels = channelsOf(nil, res.Moves)
	}
	if m.size < leastTest {
		res.Caution = fmt.Sprintf("the longer range has %d panes: p-values near 1 %% need %d", m.size, leastTest)
	}
	return res, nil
}
