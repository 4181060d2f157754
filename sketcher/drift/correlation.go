package drift

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"phasor/sketcher/sketch"
)

// Pairs names the pairs of channels whose correlation differs between a reference and
// recent records, together at 5 % after Bonferroni's correction. ratio is that of
// effective over nominal records, as [Result.EffectiveRatio]. It is for an alarm of group
// C that names no channel; nil above 128 channels, of sketches of different maps or
// without one, and of fewer than 30 effective records.
func Pairs(reference, recent *sketch.Accumulator, ratio float64) [][2]string {
	m, err := mapOf([]*sketch.Accumulator{reference, recent})
	if err != nil || !(ratio*float64(min(reference.Count(), recent.Count())) >= leastRecords) {
		return nil
	}
	names := reference.Channels()
	none := make([]float64, len(names))
	_, _, kurt := momentTests(m.Spec(), reference, recent)
	var r Result
	r.name(names, none, none, none, pairTests(reference, recent, kurt, ratio))
	return r.Pairs
}

// correlation returns E'E of a block's innovations, width×width.
func (m *model) correlation(b block) []float64 {
	p := m.width()
	e := blas64.General{Rows: len(m.innov) / p, Cols: b.width(), Stride: p, Data: m.innov[b.lo:]}
	c := general(b.width(), b.width())
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, e, e, 0, c)
	return c.Data
}

// factor returns the lower factor L of (1 - a) E'E/n + a I. Rows z L' of normal z have
// the law of a multiplier bootstrap of the n innovations with a share a of independent
// noise, at the cost of p numbers a row.
func (m *model) factor() blas64.Triangular {
	n := len(m.innov) / m.width()
	return lowerFactor(m.crossed(span{0, n}), m.width(), n)
}
