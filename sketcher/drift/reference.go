package drift

import (
	"fmt"
	"math"
	"slices"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

// A Reference is what the stream was like over a range of panes, with the thresholds of
// a scan against it. It is a pure function of the panes and the options, immutable, and
// safe for concurrent use.
type Reference struct {
	projection *Projection
	opt        Options
	model      *model
	scorer     *scorer
	h          []float64
	level      float64 // the common threshold, in -log10 p
	law        exceedance
	shiryaev   *shiryaevPlan // nil for the scan
	ratio      float64
	skipped    int
}

// NewReference estimates a reference from panes in order of time, at least 20, or 200 for
// the method of Shiryaev and Roberts, and simulates its thresholds. Panes that do not follow
// each other are taken as if they did. The error wraps ErrNotEnoughHistory, as a
// *HistoryError, when the panes are too few or not steady, and ErrMap when they were
// sketched with another map.
func NewReference(p *Projection, sketches []*sketch.Accumulator, opt Options) (*Reference, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	if opt.Groups != nil {
		if p, err = p.restrict(opt.Groups); err != nil {
			return nil, err
		}
	} else {
		p = p.Clone()
	}
	p.learn(sketches)
	x, skipped, err := p.panes(sketches, opt.MinRecords)
	if err != nil {
		return nil, err
	}
	if least := opt.LeastReference(); x.len() < least {
		return nil, &HistoryError{Lacks: TooFewPanes, Have: x.len(), Need: least, Skipped: skipped}
	}
	m := fit(p.layout, x)
	if err := m.steady(); err != nil {
		return nil, err
	}
	if err := m.resolved(); err != nil {
		return nil, err
	}
	r := calibrate(m, opt)
	r.projection, r.skipped = p, skipped
	return r, nil
}

// calibrate simulates the thresholds of a scan against m.
func calibrate(m *model, opt Options) *Reference {
	r := &Reference{opt: opt, model: m, scorer: newScorer(m, opt.Windows, math.Inf(1)), ratio: 1}
	for _, tau := range m.tau {
		r.ratio = min(r.ratio, 1/tau)
	}
	r.scorer.tabulate()
	if opt.Method == ShiryaevRoberts {
		r.calibrateShiryaev()
		r.h = slices.Repeat([]float64{r.level}, len(m.blocks))
		m.centred, m.innov = nil, nil
		return r
	}
	tr := simulate(r.scorer, opt.Simulations, opt.Seed)
	r.h = append([]float64(nil), tr.thresholds(opt.ARL, cautionOfReference(m))...)
	r.law = tr.law(r.h)
	for _, v := range r.h {
		r.level += v / float64(len(r.h))
	}
	m.centred, m.innov = nil, nil
	return r
}

// Panes returns the number of panes of the reference and how many more were skipped for
// too few records.
func (r *Reference) Panes() (used, skipped int) { return r.model.size, r.skipped }

// Threshold returns the common threshold of the statistic.
func (r *Reference) Threshold() float64 { return r.level }

// EffectiveRatio returns effective over nominal records of a pane, of the group with
// the strongest dependence.
func (r *Reference) EffectiveRatio() float64 { return r.ratio }

// A Calibration describes one group of a Reference.
type Calibration struct {
	Group          Group
	Coordinates    int     // of which none, some or all moved in the reference
	Alive          int     // those that moved
	Threshold      float64 // of -log10 p
	EffectiveRatio float64 // effective over nominal records
	LeastWindow    int     // panes that hold 32 effective records, of group H 64
	Degrees        float64 // nu of the mean square
}

// Calibrations returns the calibration of each group.
func (r *Reference) Calibrations() []Calibration {
	c := make([]Calibration, len(r.h))
	for i, b := range r.model.blocks {
		c[i] = Calibration{Group: b.group, Coordinates: b.width(), Alive: r.model.live[i], Threshold: r.h[i], EffectiveRatio: 1 / r.model.tau[i], LeastWindow: r.model.w0[i], Degrees: r.model.nu[i]}
	}
	return c
}

// learn takes what group H needs from the panes of a reference.
func (p *Projection) learn(reference []*sketch.Accumulator) {
	if !slices.Contains(p.Groups(), GroupH) {
		return
	}
	counts := make([]int64, p.d*feature.Bins)
	for _, a := range reference {
		if a == nil || a.Fingerprint() != p.fingerprint {
			continue
		}
		for c := range p.d {
			for b, n := range a.Histogram(c) {
				counts[c*feature.Bins+b] += n
			}
		}
	}
	p.waves = newWaves(counts, p.d)
}

// panes projects sketches, leaving out those of fewer than least records.
func (p *Projection) panes(sketches []*sketch.Accumulator, least int64) (*panes, int, error) {
	x := &panes{cols: p.Len()}
	var skipped int
	row := make([]float64, p.Len())
	for i, a := range sketches {
		if a == nil || a.Count() < least {
			skipped++
			continue
		}
		if a.Fingerprint() != p.fingerprint {
			return nil, skipped, fmt.Errorf("drift: pane %d of map %.12s where the projection is of %.12s: compare panes of one epoch: %w", i, a.Fingerprint(), p.fingerprint, ErrMap)
		}
		row = p.Coordinates(row, a)
		x.add(row, float64(a.Count()))
	}
	return x, skipped, nil
}
