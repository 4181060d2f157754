package evaluate

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// Table is a data set of d channels by rows.
type Table struct {
	Names []string
	Rows  []float64
}

// Len returns the number of rows.
func (t Table) Len() int { return len(t.Rows) / len(t.Names) }

// Slice returns rows lo to hi.
func (t Table) Slice(lo, hi int) Table {
	d := len(t.Names)
	return Table{t.Names, t.Rows[lo*d : min(hi, t.Len())*d]}
}

// Shuffled returns the rows in a random order.
func (t Table) Shuffled(seed uint64) Table {
	d := len(t.Names)
	s := Table{t.Names, slices.Clone(t.Rows)}
	rand.New(rand.NewPCG(seed, 0)).Shuffle(t.Len(), func(i, j int) {
		for k := range d {
			s.Rows[i*d+k], s.Rows[j*d+k] = s.Rows[j*d+k], s.Rows[i*d+k]
		}
	})
	return s
}

// Panes returns the sketches of panes of so many rows; an incomplete last one is left out.
func (t Table) Panes(m *feature.Map, records int) []*sketch.Accumulator {
	var p []*sketch.Accumulator
	for lo := 0; lo+records <= t.Len(); lo += records {
		p = append(p, Pane(m, t.Slice(lo, lo+records).Rows))
	}
	return p
}

// Alarms returns the panes at which a detector is in alarm.
func Alarms(d Detector, panes []*sketch.Accumulator) []int {
	var at []int
	for i, a := range panes {
		if alarm, _ := d.Push(a); alarm {
			at = append(at, i)
		}
	}
	return at
}

// Matched is how alarms stand to known changes.
type Matched struct {
	Found  int       // changes with an alarm soon after them
	Late   int       // changes of which the first alarm came later than that and before the next change
	Others int       // alarms that found no change: before the first, or once more after one that had been found
	Delays []float64 // rows from the changes found soon to their first alarms, ascending
}

// Match compares alarms with the places of changes, both ascending and in rows: soon is at
// most within rows after a change. Alarms that repeat within these rows count once.
func Match(alarms, changes []int, within int) Matched {
	var m Matched
	next := 0
	for next < len(alarms) && (len(changes) == 0 || alarms[next] <= changes[0]) {
		next++
		m.Others++
	}
	for i, c := range changes {
		known := false
		for ; next < len(alarms) && (i+1 == len(changes) || alarms[next] <= changes[i+1]); next++ {
			delay := alarms[next] - c
			switch {
			case !known && delay <= within:
				m.Found++
				m.Delays = append(m.Delays, float64(delay))
			case !known:
				m.Late++
			case delay > within:
				m.Others++
			}
			known = true
		}
	}
	slices.Sort(m.Delays)
	return m
}

// A Chart is the chart of process control: Hotelling's T² on the leading principal
// components of a reference, and the squared error of what they leave, SPE.
type Chart struct {
	mean, sd, values []float64
	vectors          mat.Dense
	components       int
}

// NewChart estimates a chart with so many components.
func NewChart(reference Table, components int) *Chart {
	d, n := len(reference.Names), reference.Len()
	c := &Chart{components: min(components, d), mean: make([]float64, d), sd: make([]float64, d)}
	x := mat.NewDense(n, d, slices.Clone(reference.Rows))
	for k := range d {
		c.mean[k], c.sd[k] = stat.MeanStdDev(mat.Col(nil, k, x), nil)
		if !(c.sd[k] > 0) {
			c.sd[k] = 1
		}
	}
	x.Apply(func(_, k int, v float64) float64 { return (v - c.mean[k]) / c.sd[k] }, x)
	cov := mat.NewSymDense(d, nil)
	stat.CovarianceMatrix(cov, x, nil)
	var eigen mat.EigenSym
	if eigen.Factorize(cov, true) {
		eigen.VectorsTo(&c.vectors)
		c.values = eigen.Values(nil)
	}
	return c
}

// Statistics returns the means of T² and SPE over panes of so many rows.
func (c *Chart) Statistics(t Table, records int) (t2, spe []float64) {
	d := len(c.mean)
	z := make([]float64, d)
	for lo := 0; lo+records <= t.Len(); lo += records {
		var a, b float64
		for i := lo; i < lo+records; i++ {
			var rest float64
			for k := range z {
				z[k] = (t.Rows[i*d+k] - c.mean[k]) / c.sd[k]
				rest += z[k] * z[k]
			}
			for j := d - c.components; j < d; j++ {
				var y float64
				for k, v := range z {
					y += v * c.vectors.At(k, j)
				}
				a += y * y / math.Max(c.values[j], 1e-9)
				rest -= y * y
			}
			b += rest
		}
		t2, spe = append(t2, a/float64(records)), append(spe, b/float64(records))
	}
	return t2, spe
}
