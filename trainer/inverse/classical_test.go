package inverse

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestBasesAreOrthonormal(t *testing.T) {
	for name, b := range map[string]*Basis{"dct": DCT(12), "dct image": DCT(5, 6), "wavelets": Wavelets(32), "wavelets image": Wavelets(8, 12), "odd": Wavelets(7)} {
		n := b.Len()
		m := mat.NewDense(n, n, nil)
		e := make([]float64, n)
		for i := range n {
			e[i] = 1
			b.Forward(m.RawRowView(i), e)
			back := make([]float64, n)
			b.Inverse(back, m.RawRowView(i))
			if math.Sqrt(squared(back, e)) > 1e-12 {
				t.Errorf("%s: the inverse of the coefficients of %d is %v", name, i, back)
			}
			e[i] = 0
		}
		var gram mat.Dense
		gram.Mul(m, m.T())
		for i := range n {
			for j := range n {
				want := 0.0
				if i == j {
					want = 1
				}
				if math.Abs(gram.At(i, j)-want) > 1e-12 {
					t.Fatalf("%s: rows %d and %d have the product %v", name, i, j, gram.At(i, j))
				}
			}
		}
	}
	// Waves with two vanishing moments do not see a straight line away from its ends.
	x := make([]float64, 32)
	for i := range x {
		x[i] = float64(i)
	}
	c := make([]float64, 32)
	Wavelets(32).Forward(c, x)
	for i := 16; i < 31; i++ {
		if math.Abs(c[i]) > 1e-9 {
			t.Errorf("fine coefficient %d of a line is %v", i, c[i])
		}
	}
}

// The iterations end where their optimality conditions hold.
func TestSparseSolvesTheLasso(t *testing.T) {
	const seed = 61
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	p := mustPrior(t, pulse{16}, 100, seed).WithShape(16)
	a := Dense(randomDense(8, 16, rng))
	y := make([]float64, 8)
	a.Apply(y, p.Sample(0))
	const lambda = .05
	s := mustPrepare(t, Sparse{Label: "dct", Lambda: lambda, Iterations: 5000}, p, Problem{a, White(.1)})
	x := s.Solve(y).X
	basis := DCT(16)
	c, r, g := make([]float64, 16), make([]float64, 8), make([]float64, 16)
	basis.Forward(c, x)
	a.Apply(r, x)
	axpy(-1, y, r)
	a.Adjoint(g, r)
	basis.Forward(g, g)
	for i := range c {
		switch {
		case math.Abs(c[i]) > 1e-9 && math.Abs(g[i]+math.Copysign(lambda, c[i])) > 1e-4:
			t.Errorf("coefficient %d is %v and has the gradient %v", i, c[i], g[i])
		case math.Abs(g[i]) > lambda+1e-4:
			t.Errorf("coefficient %d is zero and has the gradient %v", i, g[i])
		}
	}
	// Of the identity it is soft thresholding, whichever way it is reached.
	one := Problem{Identity(16), White(.1)}
	direct := mustPrepare(t, Sparse{Label: "dct", Lambda: lambda}, p, one).Solve(p.Sample(1)).X
	eye := mat.NewDense(16, 16, nil)
	for i := range 16 {
		eye.Set(i, i, 1)
	}
	iterated := mustPrepare(t, Sparse{Label: "dct", Lambda: lambda}, p, Problem{Dense(eye), White(.1)}).Solve(p.Sample(1)).X
	if rmse(direct, iterated) > 1e-6 {
		t.Errorf("shrinkage and FISTA differ by %v", rmse(direct, iterated))
	}
}

// The objective of total variation is no less anywhere near the end.
func TestTotalVariationIsMinimal(t *testing.T) {
	const seed = 67
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	rows, cols, lambda := 6, 5, .3
	a := Dense(randomDense(20, 30, rng))
	y := make([]float64, 20)
	for i := range y {
		y[i] = rng.NormFloat64()
	}
	objective := func(x []float64) float64 {
		r := make([]float64, 20)
		a.Apply(r, x)
		v := squared(r, y) / 2
		for i := range rows {
			for j := range cols {
				var dx, dy float64
				if j+1 < cols {
					dx = x[i*cols+j+1] - x[i*cols+j]
				}
				if i+1 < rows {
					dy = x[(i+1)*cols+j] - x[i*cols+j]
				}
				v += lambda * math.Hypot(dx, dy)
			}
		}
		return v
	}
	x := variation(a, Norm(a), rows, cols, lambda, y, 20000)
	least := objective(x)
	for range 2000 {
		z := append([]float64(nil), x...)
		size := math.Pow(10, -4*rng.Float64())
		for i := range z {
			z[i] += size * rng.NormFloat64()
		}
		if v := objective(z); v < least-1e-7 {
			t.Fatalf("%v at the end, %v near it", least, v)
		}
	}
}

func TestPursuitFindsTheAtoms(t *testing.T) {
	const seed = 71
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	atoms := randomDense(60, 40, rng)
	want := map[int]float64{3: 2, 17: -1.5, 44: 1}
	y := make([]float64, 40)
	for j, c := range want {
		axpy(c, atoms.RawRowView(j), y)
	}
	chosen, c := pursue(atoms, append([]float64(nil), y...), 3, 0)
	for i, j := range chosen {
		if math.Abs(c[i]-want[j]) > 1e-9 {
			t.Errorf("atom %d has %v, want %v", j, c[i], want[j])
		}
	}
	if chosen, _ := pursue(atoms, y, 10, 1e6); len(chosen) != 0 {
		t.Errorf("%d atoms for what is within the noise", len(chosen))
	}
}

func TestBackProjectionGivesAnImageBack(t *testing.T) {
	const size = 32
	p := diskPrior(t, size)
	q := Problem{Radon(size, 60), White(1e-6)}
	s := mustPrepare(t, BackProjection{}, p, q)
	x := p.held.RawRowView(0)
	rng := rand.New(rand.NewPCG(1, 1))
	have := s.Solve(q.measure(x, rng)).X
	if e := rmse(have, x) / rmse(x, make([]float64, len(x))); e > .35 {
		t.Errorf("error of %.3f of the image", e)
	}
	mean := func(v []float64) (s float64) {
		for _, e := range v {
			s += e / float64(len(v))
		}
		return s
	}
	if math.Abs(mean(have)/mean(x)-1) > .05 {
		t.Errorf("mean %v, want %v", mean(have), mean(x))
	}
}

// diskPrior is a prior of images of one disk each.
func diskPrior(t testing.TB, size int) *Prior {
	t.Helper()
	rng := rand.New(rand.NewPCG(73, 1))
	var records []float64
	for range 400 {
		u := float64(size)
		ci, cj, r := u*(.35+.3*rng.Float64()), u*(.35+.3*rng.Float64()), u*(.15+.15*rng.Float64())
		for i := range size {
			for j := range size {
				d := math.Hypot(float64(i)-ci, float64(j)-cj)
				records = append(records, 1/(1+math.Exp(2*(d-r))))
			}
		}
	}
	p, err := PriorOf(records, size*size)
	if err != nil {
		t.Fatal(err)
	}
	return p.WithShape(size, size)
}

func TestEveryMethodBeatsTheMean(t *testing.T) {
	const seed = 79
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	p := mustPrior(t, pulse{32}, 2000, seed).WithShape(32)
	mixture, err := FitMixture(p.x.RawMatrix().Data[:1000*32], 32, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	q := Problem{Dense(randomDense(16, 32, rng)), White(.02)}
	test := p.held.RawMatrix().Data[32*100 : 32*120]
	spread := math.Sqrt(meanVariance(p.cov))
	for _, m := range []Method{
		Gaussian{}, Tikhonov{}, mixture, Sampling{}, Latent{Steps: 100}, Hybrid{}, Sparse{Label: "dct", Iterations: 150}, Sparse{Label: "wavelets", Iterations: 150},
		TotalVariation{Iterations: 150}, Dictionary{}, Witness{Steps: 100}, Amortised{Steps: 300}, ZeroFilling{},
	} {
		e := errorOf(mustPrepare(t, m, p, q), q, test, 32, seed) / spread
		t.Logf("%-16s %.3f of the standard deviation", m.Name(), e)
		limit := .95
		if m.Name() == "zero-filling" {
			limit = 2 // It is as naive as its name.
		}
		if !(e < limit) {
			t.Errorf("%s: %.3f of the standard deviation", m.Name(), e)
		}
	}
}
