package drift

import (
	"math"
	"slices"
	"testing"
)

var changes = []struct {
	name    string
	limit   int // panes of median delay
	channel string
	change  func(x *[channels]float64)
}{
	{"mean .3 in one channel", 7, "c", func(x *[channels]float64) { x[2] += .3 }},
	{"scale 1.15 in one channel", 14, "c", func(x *[channels]float64) { x[2] *= 1.15 }},
	{"correlation +.3", 22, "", correlate},
}

// correlate adds .3 of channel c to h, and keeps h's variance.
func correlate(x *[channels]float64) {
	mix := newProcess(0, 1).mix
	var dot float64
	for k := range channels {
		dot += mix[7][k] * mix[2][k]
	}
	x[7] = (x[7] + .3*x[2]) / math.Sqrt(1+.09+.6*dot)
}

func TestDelays(t *testing.T) {
	runs := 3
	if long() {
		runs = 40
	}
	const before, after = 60, 260
	sets := [][]Group{DefaultGroups()}
	if long() {
		sets = append(sets, []Group{GroupS, GroupCM, GroupCV})
	}
	for _, rho := range []float64{0, .9} {
		if rho > 0 && !long() {
			continue
		}
		seed := uint64(11 + 10*rho)
		m := streamMap(t, rho)
		for _, groups := range sets {
			delays := make([][]float64, len(changes))
			named := make([]int, len(changes))
			firsts := make([]map[Group]int, len(changes))
			for r := range runs {
				p := newProcess(rho, seed+1+uint64(r))
				past := p.panes(t, m, 200, 64, nil)
				quiet := p.panes(t, m, before, 64, nil)
				source, state := *p.src, p.state
				ref, err := NewReference(NewProjection(m, groups...), past, Options{ARL: 1000, Seed: uint64(r), Simulations: simulations()})
				if err != nil {
					t.Fatal(err)
				}
				for i, c := range changes {
					if firsts[i] == nil {
						firsts[i] = map[Group]int{}
					}
					*p.src, p.state = source, state
					s := NewScan(ref)
					for _, a := range quiet {
						s.Push(a)
					}
					delay := math.Inf(1)
					for k := range after {
						a := pane(t, m, p.records(64, c.change))
						if res := s.Push(a); res.Alarm {
							delay = float64(k + 1)
							firsts[i][res.Group]++
							if slices.Contains(res.Channels, c.channel) {
								named[i]++
							}
							break
						}
					}
					delays[i] = append(delays[i], delay)
				}
			}
			for i, c := range changes {
				slices.Sort(delays[i])
				median := delays[i][len(delays[i])/2]
				t.Logf("seed %d, dependence %v, groups %v, %s: median delay %v panes, last %v, first %v, named %d of %d", seed, rho, groups, c.name, median, delays[i][len(delays[i])-1], firsts[i], named[i], runs)
				if rho == 0 && len(groups) == len(DefaultGroups()) {
					if median > float64(c.limit) {
						t.Errorf("%s: found after %v panes, want at most %d", c.name, median, c.limit)
					}
					if c.channel != "" && named[i] < (runs+1)/2 {
						t.Errorf("%s: channel %s named in %d of %d alarms", c.name, c.channel, named[i], runs)
					}
				}
			}
		}
	}
}
