package drift

import (
	"math"
	"slices"
	"testing"

	"phasor/sketcher/drift/streams"
)

// limits are the median delays, in panes, that are allowed for.
var limits = map[string]int{"mean +.3 in one channel": 6, "scale 1.15 in one channel": 12, "correlation +.3": 16, "bimodal, same moments": 5}

func TestDelays(t *testing.T) {
	changes := slices.DeleteFunc(streams.Changes(), func(c streams.Change) bool { return limits[c.Name] == 0 })
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
				ref, err := NewReference(NewProjection(m, groups...), past, Options{ARL: 1000, Seed: uint64(r), Simulations: simulations()})
				if err != nil {
					t.Fatal(err)
				}
				for i, c := range changes {
					if firsts[i] == nil {
						firsts[i] = map[Group]int{}
					}
					p := &process{Source: p.Clone()}
					s := NewScan(ref)
					for _, a := range quiet {
						s.Push(a)
					}
					delay := math.Inf(1)
					for k := range after {
						a := pane(t, m, p.Records(64, c.Shift))
						if res := s.Push(a); res.Alarm {
							delay = float64(k + 1)
							firsts[i][res.Group]++
							if slices.Contains(res.Channels, c.Channel) {
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
				t.Logf("seed %d, dependence %v, groups %v, %s: median delay %v panes, last %v, first %v, named %d of %d", seed, rho, groups, c.Name, median, delays[i][len(delays[i])-1], firsts[i], named[i], runs)
				if rho == 0 && len(groups) == len(DefaultGroups()) {
					if limit := float64(limits[c.Name]); median > limit && long() || median > 2*limit {
						t.Errorf("%s: found after %v panes, want at most %d", c.Name, median, limits[c.Name])
					}
					if c.Channel != "" && named[i] < (runs+1)/2 {
						t.Errorf("%s: channel %s named in %d of %d alarms", c.Name, c.Channel, named[i], runs)
					}
				}
			}
		}
	}
}
