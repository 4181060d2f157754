package status

import (
	"cmp"
	"math"
	"slices"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
)

const (
	bars        = 40   // Of a channel's histogram.
	mostShown   = 24   // Channels.
	mostPairs   = 4    // Of channels.
	generated   = 4096 // Records that the histograms of the model are drawn from.
	dots        = 500  // Of them that a pair shows.
	shapesSeed  = 1    // Of the latents: the same picture for the same model.
	shownWithin = .002 // Of the records lie left, and as many right, of what a histogram shows.
)

// Shapes compares what the stream looks like with what the model generates.
type Shapes struct {
	From      int64      `json:"from_ms"` // Event time of the panes; 0: all records of all times.
	To        int64      `json:"to_ms"`
	Records   int64      `json:"records_observed"`
	Version   int        `json:"version"` // 0 if there is no model yet.
	Generated int        `json:"records_generated"`
	Channels  []Marginal `json:"channels"`
	Hidden    int        `json:"channels_not_shown"`
	Pairs     []Pair     `json:"pairs"`
}

// Marginal is one channel. The bars divide [Low, High] evenly in the units of the feature map: of a channel with a
// transform, they are not equally wide in physical ones.
type Marginal struct {
	Channel   string   `json:"channel"`
	Low       Number   `json:"low"` // Physical units.
	High      Number   `json:"high"`
	Observed  []Number `json:"observed"` // Shares of the records.
	Generated []Number `json:"generated"`
	Overlap   Number   `json:"overlap"` // 1: the same bars; 0: none in common.
}

// Pair is two channels: the moments of what was observed, which is all that a sketch tells of two channels without a
// model, and generated records. Positions are in [0, 1] of what the channels' histograms show.
type Pair struct {
	X         string      `json:"x"`
	Y         string      `json:"y"`
	Observed  Number      `json:"correlation_observed"`
	Generated Number      `json:"correlation_generated"`
	Centre    [2]Number   `json:"mean"`
	Spread    [3]Number   `json:"covariance"` // Of X, of both, of Y.
	Dots      [][2]Number `json:"generated,omitempty"`
}

// window is what is shown of a channel, in standard units.
type window struct{ low, high float64 }

func (w window) at(y float64) float64 { return (y - w.low) / (w.high - w.low) }

// compare describes a sketch, and a model if there is one. Both must be of the map.
func compare(m *feature.Map, a *sketch.Accumulator, g *generator.Model) *Shapes {
	d := m.Dim()
	s := &Shapes{Records: a.Count(), Channels: []Marginal{}, Pairs: []Pair{}, Hidden: max(0, d-mostShown)}
	if a.Count() == 0 {
		return s
	}
	var y []float64
	if g != nil {
		y = g.Sample(generated, shapesSeed)
		for i := 0; i < len(y); i += d {
			m.Standardise(y[i:i+d], y[i:i+d])
		}
		s.Generated = generated
	}
	windows := make([]window, d)
	low, high := make([]float64, d), make([]float64, d)
	for k := range d {
		windows[k] = frame(a, k, column(y, d, k))
		low[k], high[k] = windows[k].low, windows[k].high
	}
	m.Physical(low, low)
	m.Physical(high, high)
	for k := range min(d, mostShown) {
		c := Marginal{Channel: a.Channels()[k], Low: Number(low[k]), High: Number(high[k]), Observed: observed(m.Spec(), a, k, windows[k]),
			Generated: []Number{}, Overlap: undefined}
		if y != nil {
			c.Generated = shares(column(y, d, k), windows[k])
			c.Overlap = overlap(c.Observed, c.Generated)
		}
		s.Channels = append(s.Channels, c)
	}
	s.Pairs = pairs(a, y, windows)
	return s
}

// column is one channel of records that stand row by row.
func column(y []float64, d, k int) []float64 {
	c := make([]float64, 0, len(y)/d)
	for i := k; i < len(y); i += d {
		c = append(c, y[i])
	}
	return c
}

// frame is where nearly all observed and generated values of a channel lie.
func frame(a *sketch.Accumulator, k int, y []float64) window {
	w := window{a.Quantile(k, shownWithin), a.Quantile(k, 1-shownWithin)}
	if len(y) > 0 {
		slices.Sort(y)
		n := int(shownWithin * float64(len(y)))
		w.low, w.high = min(w.low, y[n]), max(w.high, y[len(y)-1-n])
	}
	margin := .03 * (w.high - w.low)
	if !(margin > 0) {
		margin = .5
	}
	return window{w.low - margin, w.high + margin}
}

// observed spreads the bins of a sketch over the bars: a stored value goes to its bar, anything else evenly over its bin.
func observed(spec *feature.Spec, a *sketch.Accumulator, k int, w window) []Number {
	share := make([]float64, bars)
	edges := spec.Edges[k*(feature.Bins+1) : (k+1)*(feature.Bins+1)]
	least, most := a.Range(k)
	for b, n := range a.Histogram(k) {
		if n == 0 {
			continue
		}
		part := float64(n) / float64(a.Count())
		lo, hi := float64(edges[b])/unit, float64(edges[b+1])/unit
		if q, stored := spec.Atom(k, b); stored {
			lo, hi = float64(q)/unit, float64(q)/unit
		} else {
			if b == 0 || lo < least {
				lo = least
			}
			if b == feature.Bins-1 || hi > most {
				hi = most
			}
		}
		spread(share, part, bars*w.at(lo), bars*w.at(hi))
	}
	return numbers(share)
}

// unit is one standard unit, in those of quantised values.
const unit = 1 << 16

// spread adds a part evenly to the bars that [lo, hi] covers; what lies outside is not shown.
func spread(share []float64, part, lo, hi float64) {
	if !(hi > lo) {
		if i := int(math.Floor(lo)); i >= 0 && i < len(share) {
			share[i] += part
		}
		return
	}
	for i := max(0, int(math.Floor(lo))); i < len(share) && float64(i) < hi; i++ {
		share[i] += part * max(0, min(hi, float64(i+1))-max(lo, float64(i))) / (hi - lo)
	}
}

// shares is the histogram of values.
func shares(y []float64, w window) []Number {
	share := make([]float64, bars)
	for _, v := range y {
		spread(share, 1/float64(len(y)), bars*w.at(v), bars*w.at(v))
	}
	return numbers(share)
}

func numbers(v []float64) []Number {
	n := make([]Number, len(v))
	for i := range v {
		n[i] = Number(rounded(v[i], 3))
	}
	return n
}

// overlap is what two histograms have in common.
func overlap(a, b []Number) Number {
	var common, all Number
	for i := range a {
		common += min(a[i], b[i])
		all += max(a[i], b[i])
	}
	if all == 0 {
		return undefined
	}
	return common / ((common + all) / 2)
}

// pairs chooses the pairs that say most: those whose observed and generated correlations differ most, and those that are
// most correlated.
func pairs(a *sketch.Accumulator, y []float64, windows []window) []Pair {
	d := a.Dim()
	list := []Pair{}
	if d < 2 || d > 128 { // The sketch of more channels holds no products.
		return list
	}
	mean, cov := a.Mean(nil), a.Covariance(nil)
	ours := correlations(cov, d)
	var theirs []float64
	if y != nil {
		theirs = correlations(covariance(y, d), d)
	}
	type candidate struct {
		i, j            int
		strength, apart float64
	}
	var all []candidate
	for i := range min(d, mostShown) {
		for j := i + 1; j < min(d, mostShown); j++ {
			c := candidate{i: i, j: j, strength: math.Abs(ours[i*d+j])}
			if theirs != nil {
				c.apart = math.Abs(ours[i*d+j] - theirs[i*d+j])
			}
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return -cmp.Compare(a.strength, b.strength) })
	chosen := all[:min(len(all), mostPairs/2)]
	rest := slices.Clone(all[len(chosen):])
	const noticeable = .1
	slices.SortStableFunc(rest, func(a, b candidate) int {
		return -cmp.Compare(max(a.apart-noticeable, 0), max(b.apart-noticeable, 0))
	})
	for _, c := range append(slices.Clone(chosen), rest[:min(len(rest), mostPairs-len(chosen))]...) {
		x, v := windows[c.i], windows[c.j]
		sx, sy := 1/(x.high-x.low), 1/(v.high-v.low)
		p := Pair{X: a.Channels()[c.i], Y: a.Channels()[c.j], Observed: Number(ours[c.i*d+c.j]), Generated: undefined,
			Centre: [2]Number{Number(x.at(mean[c.i])), Number(v.at(mean[c.j]))},
			Spread: [3]Number{Number(cov[c.i*d+c.i] * sx * sx), Number(cov[c.i*d+c.j] * sx * sy), Number(cov[c.j*d+c.j] * sy * sy)}}
		if theirs != nil {
			p.Generated = Number(theirs[c.i*d+c.j])
			for r := range min(dots, len(y)/d) {
				p.Dots = append(p.Dots, [2]Number{Number(rounded(x.at(y[r*d+c.i]), 3)), Number(rounded(v.at(y[r*d+c.j]), 3))})
			}
		}
		list = append(list, p)
	}
	return list
}

// covariance is that of records that stand row by row.
func covariance(y []float64, d int) []float64 {
	n := float64(len(y) / d)
	mean, cov := make([]float64, d), make([]float64, d*d)
	for i, v := range y {
		mean[i%d] += v / n
	}
	for r := 0; r < len(y); r += d {
		for i := range d {
			for j := range d {
				cov[i*d+j] += (y[r+i] - mean[i]) * (y[r+j] - mean[j]) / n
			}
		}
	}
	return cov
}

// correlations are 0 where a channel does not vary.
func correlations(cov []float64, d int) []float64 {
	r := make([]float64, d*d)
	for i := range d {
		for j := range d {
			if s := math.Sqrt(cov[i*d+i] * cov[j*d+j]); s > 0 {
				r[i*d+j] = cov[i*d+j] / s
			}
		}
	}
	return r
}
