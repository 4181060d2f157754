package feature

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// phiOf evaluates the features of records by the definition, a row a record.
func phiOf(p *pilotSet, s *Spec) *mat.Dense {
	m, d := s.Features, p.d
	f := mat.NewDense(p.n, 2*m, nil)
	for i := range p.n {
		for j := range m {
			var turns float64
			for k, q := range p.row(i) {
				turns += float64(q) / Unit * float64(s.Omega[j*d+k]) / Unit
			}
			sine, cosine := math.Sincos(2 * math.Pi * turns)
			f.Set(i, j, cosine)
			f.Set(i, m+j, sine)
		}
	}
	return f
}

func matrix32(v []float32, columns int) *mat.Dense {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return mat.NewDense(len(v)/columns, columns, w)
}

func quantisedBy(t *testing.T, s *Spec, x []float64) *pilotSet {
	t.Helper()
	m, err := NewMap(s)
	if err != nil {
		t.Fatal(err)
	}
	d := s.Dim()
	p := &pilotSet{n: len(x) / d, d: d, q: make([]int32, len(x))}
	for i := range p.n {
		if !m.Quantise(p.q[i*d:(i+1)*d], x[i*d:(i+1)*d]) {
			t.Fatalf("row %d is refused", i)
		}
	}
	return p
}

// whiteness returns the largest deviation of the rows' covariance from the
// identity.
func whiteness(rows mat.Matrix) float64 {
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, rows, nil)
	k := cov.SymmetricDim()
	worst := 0.
	for i := range k {
		for j := range k {
			want := 0.
			if i == j {
				want = 1
			}
			worst = max(worst, math.Abs(cov.At(i, j)-want))
		}
	}
	return worst
}

func TestComponentsAreWhite(t *testing.T) {
	const d, n = 4, 6000
	all := mixturePilot(2*n, d, 5, 12)
	spec, rep := mustCalibrate(t, all[:n*d], CalibrateOptions{Names: channelNames(d), Features: 128, Seed: 2})
	if rep.Components != maxComponents || len(spec.Components) != 2*128*maxComponents {
		t.Fatalf("%d components, %d numbers", rep.Components, len(spec.Components))
	}
	b := matrix32(spec.Components, maxComponents)
	for _, c := range []struct {
		name string
		x    []float64
		most float64
	}{{"pilot", all[:n*d], 1e-3}, {"fresh records", all[n*d:], .25}} {
		var y mat.Dense
		y.Mul(phiOf(quantisedBy(t, spec, c.x), spec), b)
		if w := whiteness(&y); !(w < c.most) {
			t.Errorf("%s: the covariance is %g off the identity", c.name, w)
		}
	}
}

func TestComponentsArePrincipal(t *testing.T) {
	const d, n, m = 3, 1500, 64
	x := mixturePilot(n, d, 3, 21)
	spec, _ := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(d), Features: m, Seed: 2})
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, phiOf(quantisedBy(t, spec, x), spec), nil)
	var eigen mat.EigenSym
	if !eigen.Factorize(&cov, false) {
		t.Fatal("no eigenvalues")
	}
	exact := eigen.Values(nil)
	b := matrix32(spec.Components, maxComponents)
	for j := range maxComponents {
		// A column u/sqrt(lambda) has length 1/sqrt(lambda).
		length := mat.Norm(b.ColView(j), 2)
		tolerance := .01
		if j >= 20 {
			tolerance = .1
		}
		within(t, "eigenvalue", 1/(length*length), exact[2*m-1-j], tolerance)
	}
}

func TestRotationIsWhite(t *testing.T) {
	const d, n = 6, 3000
	x := gaussianPilot(n, d, 2)
	for i := range n {
		x[i*d+1] = 100 + 5*x[i*d] + x[i*d+1]
		x[i*d+5] = x[i*d+2] // a copy: one component less
	}
	spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(d), Features: 32})
	if rep.Rotations != d-1 {
		t.Fatalf("%d rotations", rep.Rotations)
	}
	p := quantisedBy(t, spec, x)
	y := mat.NewDense(n, d, nil)
	for i := range n {
		for k, q := range p.row(i) {
			y.Set(i, k, float64(q)/Unit)
		}
	}
	var turned mat.Dense
	turned.Mul(y, matrix32(spec.Rotation, d).T())
	if w := whiteness(&turned); !(w < 2e-3) {
		t.Errorf("the covariance is %g off the identity", w)
	}
}

func TestRotationOfFewRecords(t *testing.T) {
	for n, want := range map[int]int{1: 0, 2: 1, 3: 2, 40: 2, 75: 3, 5000: 10} {
		_, rep := mustCalibrate(t, gaussianPilot(n, 10, 1), CalibrateOptions{Names: channelNames(10), Features: 32})
		if rep.Rotations != want {
			t.Errorf("n=%d: %d rotations, want %d", n, rep.Rotations, want)
		}
	}
}

func TestHealthAgainstDefinition(t *testing.T) {
	const d, n = 2, 3000
	x := planarPilot("circg", n, 2)
	spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(d), Features: 64})
	p := quantisedBy(t, spec, x)
	f := phiOf(p, spec)
	y := mat.NewDense(n, d, nil)
	for i := range n {
		for k, q := range p.row(i) {
			y.Set(i, k, float64(q)/Unit)
		}
	}
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, y, nil)
	w := Turns(spec)
	var signal, noise float64
	for j := range 64 {
		c, s := stat.Mean(mat.Col(nil, j, f), nil), stat.Mean(mat.Col(nil, 64+j, f), nil)
		o := mat.NewVecDense(d, w[j*d:(j+1)*d])
		g := math.Exp(-2 * math.Pi * math.Pi * mat.Inner(o, &cov, o))
		var turns float64
		for k := range d {
			turns += o.AtVec(k) * stat.Mean(mat.Col(nil, k, y), nil)
		}
		gs, gc := math.Sincos(2 * math.Pi * turns)
		signal += (c-g*gc)*(c-g*gc) + (s-g*gs)*(s-g*gs)
		noise += (1 - c*c - s*s) / n
	}
	within(t, "health", rep.Health, signal/noise, .01)
}
