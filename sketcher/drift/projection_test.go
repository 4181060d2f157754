package drift

import (
	"math"
	"slices"
	"testing"

	"phasor/sketcher/feature"
)

// The coordinates must be those of the definition, computed here from the records'
// quantised values one by one.
func TestCoordinatesFollowTheDefinition(t *testing.T) {
	const seed, n = 51, 50
	t.Logf("seed %d", seed)
	p := newProcess(.5, seed)
	m := streamMap(t, 0)
	x := p.records(n, nil)
	proj := NewProjection(m)
	got := proj.Coordinates(nil, pane(t, m, x))
	s := m.Spec()
	d, f := m.Dim(), m.Features()
	q := make([]int32, d)
	z := make([]float64, 2*f)
	mean := make([]float64, d)
	records := make([][]float64, n)
	for i := range n {
		m.Quantise(q, x[i*d:(i+1)*d])
		records[i] = make([]float64, d)
		for k := range q {
			records[i][k] = float64(q[k]) / feature.Unit
			mean[k] += records[i][k] / n
		}
		for j := range f {
			var turn float64
			for k := range q {
				turn += records[i][k] * float64(s.Omega[j*d+k]) / feature.Unit
			}
			sin, cos := math.Sincos(2 * math.Pi * turn)
			z[j] += cos / n
			z[f+j] += sin / n
		}
	}
	cov := make([]float64, d*d)
	for _, r := range records {
		for k := range d {
			for l := range d {
				cov[k*d+l] += (r[k] - mean[k]) * (r[l] - mean[l]) / (n - 1)
			}
		}
	}
	cube := func(v float64) float64 {
		return 3 * math.Sqrt((n-1)/2.) * math.Cbrt(v) / (1 - 2./(9*(n-1)))
	}
	rotated := func(a, b int) float64 {
		var v float64
		for k := range d {
			for l := range d {
				v += float64(s.Rotation[a*d+k]) * float64(s.Rotation[b*d+l]) * cov[k*d+l]
			}
		}
		return v
	}
	for _, b := range proj.blocks {
		out := got[b.lo:b.hi]
		var want []float64
		switch b.group {
		case GroupS:
			width := len(s.Components) / (2 * f)
			for j := range width {
				var v float64
				for i := range z {
					v += z[i] * float64(s.Components[i*width+j])
				}
				want = append(want, math.Sqrt(n)*v)
			}
		case GroupM:
			for a := range len(s.Rotation) / d {
				var v float64
				for k := range d {
					v += float64(s.Rotation[a*d+k]) * mean[k]
				}
				want = append(want, math.Sqrt(n)*v)
			}
		case GroupCM:
			for k := range d {
				want = append(want, math.Sqrt(n)*mean[k])
			}
		case GroupCV:
			for k := range d {
				want = append(want, cube(cov[k*d+k]))
			}
		case GroupC:
			r := len(s.Rotation) / d
			for a := range r {
				want = append(want, cube(rotated(a, a)))
			}
			for a := range r {
				for b := a + 1; b < r; b++ {
					want = append(want, math.Sqrt(n)*rotated(a, b)/math.Sqrt(rotated(a, a)*rotated(b, b)))
				}
			}
		}
		if b.group == GroupH { // See histogram_test.go.
			continue
		}
		if len(want) != len(out) {
			t.Fatalf("%v: %d coordinates, want %d", b.group, len(out), len(want))
		}
		for i := range want {
			near(t, b.group.String(), out[i], want[i], .02)
		}
	}
}

// Independent records of the pilot's law give every coordinate variance 1, whatever the
// size of the pane.
func TestCoordinatesHaveUnitVariance(t *testing.T) {
	const seed, trials = 52, 400
	t.Logf("seed %d", seed)
	p := newProcess(0, seed)
	m := streamMap(t, 0)
	proj := NewProjection(m)
	proj.learn(p.panes(t, m, 200, 64, nil))
	for _, n := range []int{16, 64, 128} {
		one, two := make([]float64, proj.Len()), make([]float64, proj.Len())
		var c []float64
		for range trials {
			c = proj.Coordinates(c, pane(t, m, p.records(n, nil)))
			for k, v := range c {
				one[k] += v / trials
				two[k] += v * v / trials
			}
		}
		for _, b := range proj.blocks {
			var v float64
			for k := b.lo; k < b.hi; k++ {
				v += (two[k] - one[k]*one[k]) / float64(b.width())
			}
			near(t, "mean variance of "+b.group.String(), v, 1, .15)
		}
	}
}

func TestProjectionLeavesOutWhatTheMapLacks(t *testing.T) {
	const seed = 53
	p := newProcess(0, seed)
	m := streamMap(t, 0)
	if g := NewProjection(m, GroupCV, GroupS, GroupCV).Groups(); !slices.Equal(g, []Group{GroupCV, GroupS}) {
		t.Errorf("groups %v", g)
	}
	bare := *m.Spec()
	bare.Rotation, bare.Components = nil, nil
	plain, err := feature.NewMap(&bare)
	if err != nil {
		t.Fatal(err)
	}
	proj := NewProjection(plain)
	if g := proj.Groups(); !slices.Equal(g, []Group{GroupCM, GroupCV, GroupH}) {
		t.Errorf("groups %v of a map without projections", g)
	}
	if c := proj.Coordinates(nil, pane(t, plain, p.records(64, nil))); len(c) != (2+shapeOrder)*channels {
		t.Errorf("%d coordinates", len(c))
	}
}
