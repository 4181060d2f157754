package drift

import "math"

const (
	clip           = 5.0  // standardised innovations are clipped here
	priorDegrees   = 10.0 // prior degrees of freedom of an innovation's variance
	dead           = 1e-9 // variance, in units of independent records, below which a coordinate never moved
	enoughRecords  = 32.0 // effective records in a window from which on its sums are near normal
	enoughShapes   = 64.0 // and those of H, of which the largest of many sums is tested
	largestWindow  = 64
	longestMemory  = .02 // floor of 1 - sum phi
	varianceShrink = .9  // floor of tr(C²) as a share of the coordinates
)

// layout is the arrangement of coordinates in columns.
type layout struct {
	blocks []block
	spread []bool // columns whose gain is that of a variance
}

func (l layout) width() int { return len(l.spread) }

// panes are the coordinates of panes, one row each, and their records.
type panes struct {
	cols    int
	rows    []float64
	records []float64
}

func (p *panes) len() int            { return len(p.records) }
func (p *panes) row(i int) []float64 { return p.rows[i*p.cols : (i+1)*p.cols] }

func (p *panes) add(row []float64, records float64) {
	p.cols = len(row)
	p.rows = append(p.rows, row...)
	p.records = append(p.records, records)
}

func (p *panes) slice(lo, hi int) *panes {
	return &panes{cols: p.cols, rows: p.rows[lo*p.cols : hi*p.cols], records: p.records[lo:hi]}
}

// model is what a reference of panes says about its coordinates.
type model struct {
	layout
	size    int       // R, panes of the reference
	records float64   // mean records of a pane
	least   float64   // fewest records of a pane, but for rare ones
	most    float64   // and most
	linked  bool      // records depend on each other
	mean    []float64 // of a record, before the gain
	slope   []float64 // bias of a block's scales per 1/records, by column
	inverse float64   // mean of 1/records
	typical float64   // geometric mean of records
	gamma   []float64 // power of records in the innovations' variance, by block
	order   int
	coef    [maxOrder][]float64
	sd      []float64 // of the innovations
	offset  []float64 // mean of the standardised innovations, which unequal panes leave
	still   []float64 // of a pane without known predecessors
	wide    []float64 // over sqrt(w), of sums of w panes outside the sizes; nil unless linked
	white   whitening // of block H; nil without one
	alive   []bool
	live    []int     // alive coordinates by block
	nu      []float64 // degrees of freedom of mean s², by block
	student []float64 // degrees of freedom of the panes' common scale, by block
	tau     []float64 // nominal over effective records, by block
	w0      []int     // least window of enough effective records, by block
	centred []float64 // size×width, about the mean; dropped after the calibration
	laws    *laws     // of a Rolling's segments, dropped after the calibration; nil if they are one
	prior   []float64 // degrees of freedom of the pooled variances within a segment, by block; nil if all have one spread
	innov   []float64 // (size-order)×width, standardised and clipped; dropped likewise
}

// fit estimates the model of a reference.
func fit(l layout, x *panes) *model {
	p := l.width()
	m := &model{
		layout: l, size: x.len(), order: orderFor(x.len()),
		mean: make([]float64, p), slope: make([]float64, p), sd: make([]float64, p), still: make([]float64, p), alive: make([]bool, p),
	}
	for i := range m.coef {
		m.coef[i] = make([]float64, p)
	}
	for _, n := range x.records {
		m.records += n / float64(m.size)
		m.inverse += 1 / n / float64(m.size)
	}
	m.centre(x)
	centred := make([]float64, m.size*p)
	for t := range m.size {
		m.about(centred[t*p:(t+1)*p], x.row(t), x.records[t])
	}
	m.centred = centred
	m.prewhiten(centred)
	m.standardise(centred, x.records)
	m.shape()
	m.sizes(x)
	return m
}

// centre estimates each coordinate's mean per record, weighted by the gain, so that
// panes of different sizes share one level, and the bias of scales in small panes.
func (m *model) centre(x *panes) {
	p := m.width()
	weight := [2]float64{}
	for t := range m.size {
		g := [2]float64{gain(x.records[t], false), gain(x.records[t], true)}
		weight[0] += g[0] * g[0]
		weight[1] += g[1] * g[1]
		for k, v := range x.row(t) {
			m.mean[k] += v * g[kind(m.spread[k])]
		}
	}
	for k := range p {
		m.mean[k] /= weight[kind(m.spread[k])]
	}
	m.bias(x)
}

func kind(spread bool) int {
	if spread {
		return 1
	}
	return 0
}

// about sets dst to the coordinates of a pane of n records about the reference's mean.
func (m *model) about(dst, row []float64, n float64) {
	g := [2]float64{gain(n, false), gain(n, true)}
	u := 1/n - m.inverse
	for k, v := range row {
		dst[k] = v - g[kind(m.spread[k])]*(m.mean[k]+m.slope[k]*u)
	}
}

// prewhiten fits the autoregressions to the centred rows.
func (m *model) prewhiten(centred []float64) {
	p := m.width()
	x := make([]float64, m.size)
	for _, b := range m.blocks {
		var phi []float64
		var at []int
		for k := b.lo; k < b.hi; k++ {
			var power float64
			for t := range x {
				x[t] = centred[t*p+k]
				power += x[t] * x[t]
			}
			if power/float64(m.size) <= dead {
				continue
			}
			m.alive[k] = true
			a, order := autoregression(x, m.order)
			if order > 1 {
				for i := range a {
					m.coef[i][k] = a[i]
				}
				continue
			}
			phi, at = append(phi, lagOne(x)), append(at, k)
		}
		shrink(phi, m.size)
		for i, k := range at {
			m.coef[0][k] = phi[i]
		}
	}
}

// standardise takes the innovations of the centred rows over their moderated standard
// deviations: each variance is averaged with its group's at priorDegrees.
func (m *model) standardise(centred, records []float64) {
	p, n := m.width(), m.size-m.order
	e := make([]float64, n*p)
	for t := range n {
		row := e[t*p : (t+1)*p]
		copy(row, centred[(t+m.order)*p:])
		for i := range m.order {
			lag := centred[(t+m.order-1-i)*p : (t+m.order-i)*p]
			for k, a := range m.coef[i] {
				row[k] -= a * lag[k]
			}
		}
	}
	degrees := float64(max(n-1-m.order, 3))
	v, total := make([]float64, p), make([]float64, p)
	squares(v, e, degrees)
	for k := range v {
		m.alive[k] = m.alive[k] && v[k] > dead
	}
	m.uneven(e, v, records)
	size := make([]float64, len(m.blocks))
	for t := range n {
		m.spreads(size, records[t+m.order])
		for i, b := range m.blocks {
			scale(e[t*p+b.lo:t*p+b.hi], 1/size[i])
		}
	}
	squares(v, e, degrees)
	for t := range m.size {
		for k, y := range centred[t*p : (t+1)*p] {
			total[k] += y * y
		}
	}
	m.live = make([]int, len(m.blocks))
	for i, b := range m.blocks {
		m.live[i] = moderate(v, m.alive, b, degrees)
	}
	for k := range v {
		if !m.alive[k] {
			v[k] = 1 // a coordinate that never moved is judged in units of independent records
		}
		m.sd[k] = math.Sqrt(v[k])
		m.still[k] = max(m.sd[k], math.Sqrt(total[k]/float64(m.size-1)))
	}
	m.offset = make([]float64, p)
	for i := range e {
		k := i % p
		e[i] /= m.sd[k]
		m.offset[k] += e[i] / float64(n)
	}
	for i := range e {
		e[i] = clipped(e[i] - m.offset[i%p])
	}
	if b, ok := m.shapes(); ok {
		m.white = newWhitening(e, p, b, m.alive)
		for t := range n {
			m.white.applyClipped(e[t*p+b.lo : t*p+b.hi])
		}
	}
	m.innov = e
}

// squares sets v to the columns' sums of squares of e over degrees.
func squares(v, e []float64, degrees float64) {
	clear(v)
	for i, y := range e {
		v[i%len(v)] += y * y / degrees
	}
}

func clipped(x float64) float64 { return max(-clip, min(clip, x)) }

// moderate averages the variances of a block's alive coordinates with their geometric
// mean at priorDegrees against degrees, and returns how many are alive.
func moderate(v []float64, alive []bool, b block, degrees float64) int {
	var logs float64
	var live int
	for k := b.lo; k < b.hi; k++ {
		if alive[k] {
			logs += math.Log(v[k])
			live++
		}
	}
	if live == 0 {
		return 0
	}
	pooled := priorDegrees * math.Exp(logs/float64(live))
	for k := b.lo; k < b.hi; k++ {
		if alive[k] {
			v[k] = (pooled + degrees*v[k]) / (priorDegrees + degrees)
		}
	}
	return live
}
