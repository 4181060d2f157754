package drift

import (
	"math"
	"math/rand/v2"
	"testing"

	"phasor/sketcher/feature"
)

// classes are records of ten classes, each with a place and a spread of its own, and with
// the number of the class as a third channel: the classes change places with each swap.
type classes struct {
	rng   *rand.Rand
	place [10][2]float64
	sd    [10]float64
	at    [10]int // place of a class
}

func newClasses(seed uint64) *classes {
	c := &classes{rng: rand.New(rand.NewPCG(seed, 9))}
	for i := range c.place {
		c.place[i] = [2]float64{c.rng.Float64(), c.rng.Float64()}
		c.sd[i] = .015 + .01*c.rng.Float64()
		c.at[i] = i
	}
	return c
}

// swap exchanges the places of six classes with those of others.
func (c *classes) swap() {
	for range 3 {
		i, j := c.rng.IntN(5), 5+c.rng.IntN(5)
		c.at[i], c.at[j] = c.at[j], c.at[i]
	}
}

func (c *classes) records(n int) []float64 {
	var out []float64
	for range n {
		k := c.rng.IntN(len(c.place))
		at := c.place[c.at[k]]
		out = append(out, at[0]+c.sd[k]*c.rng.NormFloat64(), at[1]+c.sd[k]*c.rng.NormFloat64(), float64(k))
	}
	return out
}

// Classes that change places leave a law after each change that the pilot knew nothing of.
// The changes are found, the law that follows raises no alarm, and records that are
// independent of each other are not taken for dependent.
func TestRollingFollowsClasses(t *testing.T) {
	const seed, segments, length, records, within = 54, 10, 30, 100, 3
	t.Logf("seed %d", seed)
	c := newClasses(seed)
	spec, _, err := feature.Calibrate(c.records(2000), feature.CalibrateOptions{Names: []string{"x", "y", "class"}, Features: 256, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRolling(NewProjection(m), Options{Simulations: 60, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	found, others := 0, 0
	var res Result
	for s := range segments {
		if s > 0 {
			c.swap()
		}
		first := true
		for i := range length {
			if res, err = r.Push(pane(t, m, c.records(records))); err != nil {
				t.Fatal(err)
			}
			switch {
			case res.Alarm && s > 0 && i < within && first:
				found, first = found+1, false
			case res.Alarm:
				others++
				t.Logf("segment %d: an alarm at its pane %d in %v, window %d", s, i, res.Group, res.Window)
			}
		}
	}
	t.Logf("%d of %d changes within %d panes, %d other alarms, effective records %.2f", found, segments-1, within, others, res.EffectiveRatio)
	if found < segments-2 || others > 2 {
		t.Errorf("%d of %d changes found within %d panes, and %d other alarms", found, segments-1, within, others)
	}
	if !(res.EffectiveRatio > .5) || math.IsNaN(res.Threshold) {
		t.Errorf("of independent records %.2f count", res.EffectiveRatio)
	}
}
