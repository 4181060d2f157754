package drift

import "math"

// The Shiryaev-Roberts method sums, over every pane at which a change may have begun, the
// likelihood ratio of the panes since then,
//
//	M_t = (1 + M_(t-1)) f(u_t - theta)/f(u_t),
//
// with f Student's density, u an innovation and theta = ±.5, ±1, ±2, one M a coordinate;
// and, for M, C and S, with u the innovations along a witness: the normalised sum of the 4
// or 16 panes before. The statistic is log10 of the weighted mean of all M.
//
// It weighs evidence of any length, so it finds slow and weak changes that no window of
// the scan holds, and is a little slower on large ones.

var (
	shiftSizes   = [...]float64{.5, 1, 2}
	witnessSizes = [...]float64{1, 2, 4}
	witnessPanes = [...]int{4, 16}
)

const (
	shiryaevRuns  = 100   // simulated, at most
	mostEvidence  = 1e250 // M is capped here
	longestNormal = 30    // degrees of freedom of f, at most
)

// shiryaevPlan is what a reference gives to the statistic.
type shiryaevPlan struct {
	nu      float64
	by      float64 // of an innovation, for the error of the reference's mean
	shift   []float64
	witness float64
	blocks  []block
	spread  [][]float64 // by witnessed block: the innovations' correlation, shrunk to the identity
	watched []int       // the blocks that have a witness
	h       float64     // threshold
	law     exceedance
}

func newShiryaevPlan(m *model) *shiryaevPlan {
	p := &shiryaevPlan{nu: float64(min(max(m.size-2, 3), longestNormal)), by: 1 / math.Sqrt(1+1/float64(m.size)), blocks: m.blocks, shift: make([]float64, m.width())}
	n := float64(len(m.innov) / m.width())
	for i, b := range m.blocks {
		share := 1 / float64(2*len(m.blocks)*2*len(shiftSizes)*b.width())
		if b.group.part() > 0 || m.live[i] < 2 {
			share *= 2 // It has no witness.
		}
		for k := b.lo; k < b.hi; k++ {
			p.shift[k] = share
		}
		if b.group.part() > 0 || m.live[i] < 2 {
			continue
		}
		const shrunk = .1
		c := m.correlation(b)
		for j := range c {
			c[j] *= (1 - shrunk) / n
		}
		for j := range b.width() {
			c[j*b.width()+j] += shrunk
		}
		p.spread, p.watched = append(p.spread, c), append(p.watched, i)
	}
	p.witness = 1 / float64(2*len(m.blocks)*len(witnessSizes)*len(witnessPanes))
	return p
}

// shiryaev is the state of the method: one M a component, and for how many panes it has
// been above 1.
type shiryaev struct {
	plan  *shiryaevPlan
	m     []float64
	since []int32
	past  []float64 // the last innovations, as a ring of rows
	at    int
	sum   []float64
}

func newShiryaev(p *shiryaevPlan) *shiryaev {
	n := len(p.shift)*2*len(shiftSizes) + len(p.watched)*len(witnessPanes)*len(witnessSizes)
	s := &shiryaev{plan: p, m: make([]float64, n), since: make([]int32, n), sum: make([]float64, len(p.shift))}
	s.past = make([]float64, witnessPanes[len(witnessPanes)-1]*len(p.shift))
	return s
}

func (s *shiryaev) reset() {
	clear(s.m)
	clear(s.since)
	clear(s.past)
}

// push takes the innovations of the next pane and returns the statistic, the block of the
// component with most evidence and for how many panes it has had some.
func (s *shiryaev) push(e []float64) (statistic float64, leading, since int) {
	p := s.plan
	var total, most float64
	at := 0
	step := func(u, base, theta, weight float64, block int) {
		d := u - theta
		ratio := math.Exp((p.nu + 1) / 2 * (base - math.Log1p(d*d/p.nu)))
		if s.m[at] < 1 {
			s.since[at] = 0
		}
		s.since[at]++
		s.m[at] = min((1+s.m[at])*ratio, mostEvidence)
		w := weight * s.m[at]
		total += w
		if w > most {
			most, leading, since = w, block, int(s.since[at])
		}
		at++
	}
	for i, b := range p.blocks {
		for k := b.lo; k < b.hi; k++ {
			u := e[k] * p.by
			base := math.Log1p(u * u / p.nu)
			for _, theta := range shiftSizes {
				step(u, base, theta, p.shift[k], i)
				step(u, base, -theta, p.shift[k], i)
			}
		}
	}
	for i, at := range p.watched {
		b := p.blocks[at]
		for _, length := range witnessPanes {
			u := s.along(b, p.spread[i], e, length)
			base := math.Log1p(u * u / p.nu)
			for _, theta := range witnessSizes {
				step(u, base, theta, p.witness, at)
			}
		}
	}
	rows := witnessPanes[len(witnessPanes)-1]
	s.at = (s.at + 1) % rows
	copy(s.past[s.at*len(p.shift):(s.at+1)*len(p.shift)], e)
	return math.Log10(max(total, 1e-30)), leading, since
}

// along returns the innovations of block b along the sum of its last panes, in units of
// their deviation in that direction.
func (s *shiryaev) along(b block, spread, e []float64, length int) float64 {
	n, rows := b.width(), witnessPanes[len(witnessPanes)-1]
	sum := s.sum[:n]
	clear(sum)
	for j := range length {
		row := s.past[((s.at-j+rows)%rows)*len(s.plan.shift):]
		for k := range sum {
			sum[k] += row[b.lo+k]
		}
	}
	var dot, norm float64
	for i, v := range sum {
		dot += v * e[b.lo+i]
		var c float64
		for j, w := range sum {
			c += spread[i*n+j] * w
		}
		norm += v * c
	}
	if norm <= 0 {
		return 0
	}
	return dot / math.Sqrt(norm) * s.plan.by
}

// calibrateShiryaev simulates the threshold of the method.
func (r *Reference) calibrateShiryaev() {
	p := newShiryaevPlan(r.model)
	s := newShiryaev(p)
	runs := min(r.opt.Simulations, shiryaevRuns)
	width := r.model.width()
	var panes, most []float64
	r.model.simulated(runs, r.opt.Seed, func(rows []float64) {
		s.reset()
		largest := math.Inf(-1)
		for t := range horizon {
			v, _, _ := s.push(rows[t*width : (t+1)*width])
			panes = append(panes, v)
			largest = max(largest, v)
		}
		most = append(most, largest)
	})
	by := cautionOf(r.model)
	law := newExceedance(most, tailShare)
	p.h = law.quantile(-math.Expm1(-horizon / (by * r.opt.ARL)))
	p.law = newExceedance(panes, .005)
	r.shiryaev = p
	r.level = p.h
}

// shiryaevResult is the Result of the newest innovations.
func (w *watch) shiryaevResult() Result {
	r := w.r
	res := Result{Threshold: r.level, EffectiveRatio: r.ratio}
	v, leading, since := w.evidence.push(w.row(0))
	res.Statistic, res.Group = v, r.model.blocks[leading].group
	res.Window = r.opt.Windows[0]
	for _, n := range r.opt.Windows {
		if n <= min(since, w.seen) {
			res.Window = n
		}
	}
	res.Alarm = v > r.level
	res.PValue = r.shiryaev.law.probability(v)
	return res
}
