package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The coordinates of H are the means of sqrt(2) cos(pi j u) over the records, with u each
// record's rank in the reference.
func TestShapesAreCosinesOfRanks(t *testing.T) {
	const seed = 91
	t.Logf("seed %d", seed)
	p := newProcess(0, seed)
	m := streamMap(t, 0)
	past := p.panes(t, m, 40, 64, nil)
	proj := NewProjection(m, GroupH)
	proj.learn(past)
	a := pane(t, m, p.records(50, nil))
	got := proj.Coordinates(nil, a)
	reference := total(past)
	for c := range channels {
		h := reference.Histogram(c)
		var below int64
		want := make([]float64, shapeOrder)
		for b, n := range a.Histogram(c) {
			u := (float64(below) + float64(h[b])/2) / float64(reference.Count())
			below += h[b]
			for j := range want {
				want[j] += float64(n) / math.Sqrt(50) * math.Sqrt2 * math.Cos(math.Pi*float64(j+1)*u)
			}
		}
		for j := range want {
			near(t, "a shape", got[c*shapeOrder+j], want[j], 1e-9)
		}
	}
}

// Whitened innovations of a channel have the identity for their covariance, up to the
// share of the other channels', and a dead coordinate keeps its unit.
func TestWhitening(t *testing.T) {
	const seed, n = 92, 4000
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	b := block{GroupH, 1, 1 + 2*shapeOrder}
	width := b.hi + 1
	alive := make([]bool, width)
	rows := make([]float64, n*width)
	for t := range n {
		common := rng.NormFloat64()
		for k := b.lo; k < b.hi; k++ {
			alive[k] = k != b.hi-1
			if alive[k] {
				rows[t*width+k] = .6*common + .8*rng.NormFloat64()
			}
		}
	}
	w := newWhitening(rows, width, b, alive)
	var cov [shapeOrder][shapeOrder]float64
	for t := range n {
		row := rows[t*width+b.lo : t*width+b.hi]
		w.apply(row)
		for i := range shapeOrder {
			for j := range shapeOrder {
				cov[i][j] += row[i] * row[j] / n
			}
		}
	}
	for i := range cov {
		for j, v := range cov[i] {
			want := 0.
			if i == j {
				want = 1
			}
			near(t, "covariance", v, want, .05)
		}
	}
	row := make([]float64, 2*shapeOrder)
	row[len(row)-1] = 3
	w.apply(row)
	near(t, "a coordinate that never moved", row[len(row)-1], 3, 1e-9)
}

// A channel whose shape changes and whose mean and variance do not is found by H alone.
func TestShapeChangeIsNamed(t *testing.T) {
	const seed = 93
	t.Logf("seed %d", seed)
	ref, m, p := small(t, seed)
	s := NewScan(ref)
	for range 20 {
		side := func(x *[channels]float64) { x[2] = math.Copysign(1, p.rng.NormFloat64()) }
		if r := s.Push(pane(t, m, p.records(64, side))); r.Alarm {
			for _, move := range r.Moves {
				if move.Channel == "c" && move.Aspect == AspectShape && move.Score > 0 {
					return
				}
			}
			t.Fatalf("an alarm of %v names %v", r.Group, r.Moves)
		}
	}
	t.Error("a channel of two values raised no alarm")
}

func BenchmarkShapes(b *testing.B) {
	p := newProcess(0, 94)
	m := streamMap(b, 0)
	proj := NewProjection(m, GroupH)
	a := pane(b, m, p.records(64, nil))
	var c []float64
	b.ReportAllocs()
	for b.Loop() {
		c = proj.Coordinates(c, a)
	}
}
