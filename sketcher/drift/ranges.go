package drift

import (
	"fmt"
	"math"

	"phasor/sketcher/sketch"
)

const (
	significance   = .01 // level of a comparison's threshold, if Options name none
	windowsInRange = 4   // windows of enough effective records that the longer range must hold
)

// TwoRanges compares two ranges of panes under the dependence between records that the
// longer of them shows: it is the reference and the other one window. The p-value is the
// smallest of the groups' times their number; Threshold is at [Options.Level]. Groups
// that need a longer window, or a longer range of four such windows, are left out, and so
// are cv and C of panes of a size that the longer range has not seen, if its records depend
// on each other. The error wraps ErrNotEnoughHistory, as a *HistoryError, when the longer
// range has fewer panes than the level asks for, 200 below 5 % and 20 else, or is not
// steady, the shorter has none, or no group remains; and ErrMap when the sketches are not
// of one bound map.
// Of the options it reads Groups, MinRecords and Level.
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
	least := leastSequential
	if opt.Level < coarse {
		least = leastTest
	}
	if x.len() < least {
		return Result{}, &HistoryError{Lacks: TooFewPanes, Have: x.len(), Need: least, Skipped: skippedA + skippedB}
	}
	if y.len() == 0 {
		return Result{}, &HistoryError{Lacks: TooFewPanes, Need: 1, Skipped: skippedA + skippedB}
	}
	model := fit(p.layout, x)
	if err := model.steady(); err != nil {
		return Result{}, err
	}
	res, err := model.compare(y, p.names, opt.Level)
	if err != nil {
		return Result{}, err
	}
	res.Divergence = divergence(total(a), total(b))
	return res, nil
}

// compare tests all panes of y as one window.
func (m *model) compare(y *panes, names []string, level float64) (Result, error) {
	n := y.len()
	sum := make([]float64, m.width())
	var g float64
	var outside int
	r := &Reference{model: m}
	w := newWatch(r)
	for t := range n {
		g += w.admit(y.row(t), y.records[t])
		if m.outside(y.records[t]) {
			outside++
		}
		for k, v := range w.row(0) {
			sum[k] += v
		}
	}
	s := newScorer(m, []int{n}, float64(m.size))
	by := windowScale(float64(n), g, m.size)
	res := Result{Threshold: -math.Log10(level), Window: n, EffectiveRatio: 1}
	var tested float64
	var need, few int
	var short, slow Group
	for i, b := range m.blocks {
		res.EffectiveRatio = min(res.EffectiveRatio, 1/m.tau[i])
		if outside == n && b.group.sized() {
			continue
		}
		if m.w0[i] > n {
			if need == 0 || m.w0[i] < need {
				need, short = m.w0[i], b.group
			}
			continue
		}
		if least := windowsInRange * m.w0[i]; least > m.size {
			if few == 0 || least < few {
				few, slow = least, b.group
			}
			continue
		}
		tested++
		if lp := s.score(i, 0, sum, by); res.Group == 0 || lp > res.Statistic {
			res.Statistic, res.Group = lp, b.group
		}
	}
	if tested == 0 && few > 0 {
		return Result{}, &HistoryError{Lacks: TooFewPanes, Have: m.size, Need: few, Group: slow}
	}
	if tested == 0 && need == 0 {
		return Result{}, &HistoryError{Lacks: OtherSizes, Have: n}
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
	if outside > 0 {
		res.Caution = m.outsideCaution(outside)
	}
	if m.size < leastTest {
		if res.Caution != "" {
			res.Caution += "; "
		}
		res.Caution += fmt.Sprintf("the longer range has %d panes: p-values below %g %% need %d", m.size, 100*coarse, leastTest)
	}
	return res, nil
}
