package drift

import (
	"math/rand/v2"
	"testing"
)

// Shapes are tested in windows of twice as many effective records as other groups.
func TestShapesNeedMoreRecords(t *testing.T) {
	const seed, records = 61, 17
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := layout{blocks: []block{{GroupCM, 0, 8}, {GroupH, 8, 16}}, spread: make([]bool, 16)}
	x := &panes{}
	for range 4000 {
		row := make([]float64, l.width())
		for k := range row {
			row[k] = .7 * rng.NormFloat64()
		}
		x.add(row, records)
	}
	m := fit(l, x)
	if m.w0[0] != 2 || m.w0[1] != 4 {
		t.Errorf("panes of %d independent records: windows of %d panes for means and of %d for shapes, wanted 2 and 4", records, m.w0[0], m.w0[1])
	}
	s := newScorer(m, []int{2, 4}, 100)
	if two, four := s.tails[2].kind, s.tails[3].kind; two != tailNone || four == tailNone {
		t.Errorf("shapes are scored in windows of 2 panes, or not in those of 4: %v, %v", two, four)
	}
}
