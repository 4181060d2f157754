package drift

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	horizon       = 250 // panes of a simulated run after its reference
	simulatedSize = 512 // panes up to which a reference is simulated in full
	lightTail     = 1e3 // degrees of freedom above which a Student scale is 1
)

// trials are simulated runs without a change: score[(run*horizon + t)*blocks + block] is
// the largest -log10 p over windows at pane t.
type trials struct {
	runs, blocks int
	score        []float32
}

// simulate runs the scan on panes without a change.
func simulate(s *scorer, runs int, seed uint64) *trials {
	m, p := s.m, s.m.width()
	sums := make([]float64, (horizon+1)*p)
	diff := make([]float64, p)
	tr := &trials{runs: runs, blocks: len(m.blocks), score: make([]float32, 0, runs*horizon*len(m.blocks))}
	m.simulated(runs, seed, func(rows []float64) {
		for t := range horizon {
			floats.AddTo(sums[(t+1)*p:(t+2)*p], sums[t*p:(t+1)*p], rows[t*p:(t+1)*p])
			for i, b := range m.blocks {
				var most float64
				for j, w := range s.windows {
					if w > t+1 {
						break
					}
					floats.SubTo(diff[b.lo:b.hi], sums[(t+1)*p+b.lo:(t+1)*p+b.hi], sums[(t+1-w)*p+b.lo:(t+1-w)*p+b.hi])
					most = max(most, s.score(i, j, diff, windowScale(float64(w), float64(w), m.size)))
				}
				tr.score = append(tr.score, float32(most))
			}
		}
	})
	return tr
}

// simulated calls yield with the innovations of horizon panes without a change, so many
// times. They have the innovations' correlation, or in turn that of the segments' laws, and
// the Student scale of each block; mean and spread are estimated in each run from a
// reference of as many panes.
func (m *model) simulated(runs int, seed uint64, yield func(rows []float64)) {
	p := m.width()
	size := min(m.size, simulatedSize)
	l := m.factor()
	src := rand.NewPCG(seed, 0x6472696674)
	rng := rand.New(src)
	rows := general(size+horizon, p)
	truth := make([]float64, p)
	for k := range truth {
		row := l.Data[k*l.Stride : k*l.Stride+k+1]
		truth[k] = floats.Dot(row, row)
	}
	for run := range runs {
		for i := range rows.Data {
			rows.Data[i] = rng.NormFloat64()
		}
		if m.laws == nil {
			blas64.Trmm(blas.Right, blas.Trans, 1, l, rows)
		} else {
			blas64.Trmm(blas.Right, blas.Trans, 1, l, rowsOf(rows, 0, size))
			blas64.Trmm(blas.Right, blas.Trans, 1, m.laws.at(m, (float64(run)+.5)/float64(runs)), rowsOf(rows, size, size+horizon))
		}
		m.heavy(rows, src)
		m.restandardise(rows, size, truth)
		yield(rows.Data[size*p:])
	}
}

func rowsOf(x blas64.General, lo, hi int) blas64.General {
	return blas64.General{Rows: hi - lo, Cols: x.Cols, Stride: x.Stride, Data: x.Data[lo*x.Stride : hi*x.Stride]}
}

// windowScale is the factor 1/sqrt(w + g²/R) of a sum of w innovations about a mean that
// R panes gave, of which the sum holds g = sum of sqrt(records/mean records); g = w and
// the factor 1/sqrt(w (1 + w/R)) where panes are equal.
func windowScale(w, g float64, size int) float64 { return 1 / math.Sqrt(w+g*g/float64(size)) }

// heavy multiplies each block of each row by a Student scale of unit variance.
func (m *model) heavy(rows blas64.General, src rand.Source) {
	for i, b := range m.blocks {
		nu := m.student[i]
		if nu > lightTail {
			continue
		}
		chi := distuv.ChiSquared{K: nu, Src: src}
		for t := range rows.Rows {
			floats.Scale(math.Sqrt((nu-2)/chi.Rand()), rows.Data[t*rows.Stride+b.lo:t*rows.Stride+b.hi])
		}
	}
}

// restandardise takes mean and moderated spread from the first size rows and applies
// them, clipped, to the others. A reference longer than size has the errors of its own
// length: both estimates are moved towards the truth.
func (m *model) restandardise(rows blas64.General, size int, truth []float64) {
	p := m.width()
	mean, v := make([]float64, p), make([]float64, p)
	for t := range size {
		floats.Add(mean, rows.Data[t*p:(t+1)*p])
	}
	floats.Scale(1/float64(size), mean)
	for t := range size {
		for k, x := range rows.Data[t*p : (t+1)*p] {
			v[k] += (x - mean[k]) * (x - mean[k])
		}
	}
	shorter := math.Sqrt(float64(size) / float64(m.size))
	for k := range v {
		v[k] = max(truth[k]+(v[k]/float64(size-1)-truth[k])*shorter, dead)
		mean[k] *= shorter
	}
	for _, b := range m.blocks {
		moderate(v, m.alive, b, float64(m.size-1))
	}
	for k := range v {
		v[k] = 1 / math.Sqrt(v[k])
		if !m.alive[k] {
			v[k] = 0
		}
	}
	b, shapes := m.shapes()
	var white whitening
	if shapes {
		for t := range size {
			row := rows.Data[t*p : (t+1)*p]
			for k := b.lo; k < b.hi; k++ {
				row[k] = clipped((row[k] - mean[k]) * v[k])
			}
		}
		white = newWhitening(rows.Data[:size*p], p, b, m.alive)
	}
	for t := size; t < rows.Rows; t++ {
		row := rows.Data[t*p : (t+1)*p]
		for k := range row {
			row[k] = clipped((row[k] - mean[k]) * v[k])
		}
		if shapes {
			white.applyClipped(row[b.lo:b.hi])
		}
	}
}
