package inverse

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestNetworkGradient(t *testing.T) {
	const seed = 83
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	n := newMLP([]int{3, 5, 4, 2}, rng)
	x, want := randomDense(6, 3, rng), randomDense(6, 2, rng)
	loss := func() (float64, []*mat.Dense) {
		layers := n.forward(x)
		return squared(layers[3].RawMatrix().Data, want.RawMatrix().Data), layers
	}
	_, layers := loss()
	grad, g := new(mat.Dense), make([]float64, len(n.flat))
	grad.Sub(layers[3], want)
	grad.Scale(2, grad)
	n.backward(g, layers, grad)
	for i := range n.flat {
		const h = 1e-6
		was := n.flat[i]
		n.flat[i] = was + h
		up, _ := loss()
		n.flat[i] = was - h
		down, _ := loss()
		n.flat[i] = was
		if d := (up - down) / (2 * h); math.Abs(d-g[i]) > 1e-6*(1+math.Abs(d)) {
			t.Fatalf("weight %d: gradient %v, differences give %v", i, g[i], d)
		}
	}
}

func TestWitnessGradientAndSign(t *testing.T) {
	const seed = 89
	t.Logf("seed %d", seed)
	p := mustPrior(t, pulse{16}, 1500, seed).WithShape(16)
	q := Problem{Dense(randomDense(5, 16, rand.New(rand.NewPCG(seed, 1)))), White(.05)}
	naive := mustPrepare(t, Tikhonov{}, p, q)
	f := Witness{Features: 256}.critic(p, q, func(y []float64) []float64 { return naive.Solve(y).X })
	value := func(x []float64) float64 {
		s := 0.0
		for j := range f.re {
			sin, cos := math.Sincos(dot(f.omega.RawRowView(j), x))
			s += (f.re[j]*cos + f.im[j]*sin) / float64(len(f.re))
		}
		return s
	}
	x, g := append([]float64(nil), p.Sample(3)...), make([]float64, 16)
	f.gradient(g, x)
	for k := range x {
		const h = 1e-6
		was := x[k]
		x[k] = was + h
		up := value(x)
		x[k] = was - h
		down := value(x)
		x[k] = was
		if d := (up - down) / (2 * h); math.Abs(d-g[k]) > 1e-8 {
			t.Errorf("coordinate %d: gradient %v, differences give %v", k, g[k], d)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	var real, fake float64
	n, _ := p.held.Dims()
	for i := range n {
		r := p.held.RawRowView(i)
		real += value(r) / float64(n)
		fake += value(naive.Solve(q.measure(r, rng)).X) / float64(n)
	}
	if real >= fake {
		t.Errorf("the critic gives records %v and naive reconstructions %v", real, fake)
	}
}

func TestBlindFindsSignalAndKernel(t *testing.T) {
	const seed, n = 97, 48
	t.Logf("seed %d", seed)
	p := mustPrior(t, pulse{n}, 1000, seed).WithShape(n)
	kernel := []float64{.6, 0, 0, 0, 0, 0, 0, 0, .4} // an echo
	q := Problem{Convolution(n, kernel), White(.01)}
	rng := rand.New(rand.NewPCG(seed, 2))
	var blurred, blind float64
	for i := range 4 {
		x := p.held.RawRowView(i)
		y := q.measure(x, rng)
		r, err := Blind{Taps: 9, Rounds: 5}.Solve(p, y, .01)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, v := range r.Kernel {
			sum += v
		}
		if math.Abs(sum-1) > 1e-9 || slices.Min(r.Kernel) < 0 || len(r.SD) != n {
			t.Errorf("kernel %.3v of sum %v, %d deviations", r.Kernel, sum, len(r.SD))
		}
		t.Logf("error %.3f, of y %.3f, misfit %.2f, kernel %.2f", rmse(r.X, x), rmse(y, x), r.Misfit, r.Kernel)
		blurred += squared(x, y)
		blind += squared(x, r.X)
	}
	if blind > .4*blurred {
		t.Errorf("squared error %v, of the blurred signal %v", blind, blurred)
	}
	// Kernels of a generator: echoes of random strength.
	b := mat.NewDense(9, 1, nil)
	b.Set(0, 0, -.2)
	b.Set(8, 0, .2)
	echoes := linear{b, []float64{.6, 0, 0, 0, 0, 0, 0, 0, .4}}
	x := p.held.RawRowView(9)
	true9 := echoes.Generate(make([]float64, 9), []float64{.5})
	y := Problem{Convolution(n, true9), White(.01)}.measure(x, rng)
	r, err := Blind{Kernel: echoes, Rounds: 4}.Solve(p, y, .01)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.Kernel[8]-true9[8]) > .1 || rmse(r.X, x) > .5*rmse(y, x) {
		t.Errorf("kernel %.3v, want %.3v; error %v, blurred %v", r.Kernel, true9, rmse(r.X, x), rmse(y, x))
	}
	if _, err := (Blind{Taps: 0}).Solve(p, y, .01); err == nil {
		t.Error("a kernel of no taps is accepted")
	}
}

// counted is a method that counts how often it is prepared.
type counted struct {
	Method
	n *int
}

func (c counted) Prepare(p *Prior, q Problem) (Solver, error) {
	*c.n++
	return c.Method.Prepare(p, q)
}

func TestBlindStopsWhenItIsTold(t *testing.T) {
	const n = 24
	p := mustPrior(t, pulse{n}, 200, 98)
	stop := errors.New("told to stop")
	var turns int
	b := Blind{Signal: counted{Gaussian{}, &turns}, Taps: 5, Stop: func() error {
		if turns == 2 {
			return stop
		}
		return nil
	}}
	if r, err := b.Solve(p, p.held.RawRowView(0), .01); !errors.Is(err, stop) || r != nil || turns != 2 {
		t.Errorf("%v, %v after %d turns", r, err, turns)
	}
}

func TestComponentsGiveRecordsBack(t *testing.T) {
	const seed = 101
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	l := linear{randomDense(10, 3, rng), make([]float64, 10)}
	l.mean[2] = 5
	p := mustPrior(t, l, 3000, seed)
	records := p.x.RawMatrix().Data
	c, err := NewComponents(records, 10, 3)
	if err != nil {
		t.Fatal(err)
	}
	codes := c.Encode(records)
	// The identity decoder of the codes, in units of its own.
	eye := mat.NewDense(3, 3, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1})
	offset, scale := []float64{1, -2, .5}, []float64{2, .5, 1}
	d := c.Decoder(linear{eye, make([]float64, 3)}, offset, scale)
	for i := range 20 {
		u := make([]float64, 3)
		for k := range u {
			u[k] = (codes[i*3+k] - offset[k]) * scale[k]
		}
		if x := d.Generate(make([]float64, 10), u); rmse(x, records[i*10:i*10+10]) > 1e-9 {
			t.Fatalf("record %d comes back as %v, was %v", i, x, records[i*10:i*10+10])
		}
	}
	if v := mat.Max(c.Rest); v > 1e-9 {
		t.Errorf("three components leave out %v of a space of three dimensions", v)
	}
	// The gradient passes through.
	u, g, du := []float64{.1, .2, .3}, make([]float64, 10), make([]float64, 3)
	for i := range g {
		g[i] = rng.NormFloat64()
	}
	x := make([]float64, 10)
	d.Pullback(x, du, u, g)
	for k := range u {
		v := append([]float64(nil), u...)
		v[k] += 1e-3
		want := (dot(g, d.Generate(make([]float64, 10), v)) - dot(g, x)) / 1e-3
		if math.Abs(want-du[k]) > 1e-8 {
			t.Errorf("latent %d: %v, want %v", k, du[k], want)
		}
	}
	full, err := NewComponents(records, 10, 2)
	if err != nil {
		t.Fatal(err)
	}
	m := full.Lift(Mixture{{1, []float64{0, 0}, mat.NewSymDense(2, []float64{full.Variance[0], 0, 0, full.Variance[1]})}})
	if rmse(m[0].Mean, p.mean) > 1e-9 || rmse(m[0].Covariance.RawSymmetric().Data, p.cov.RawSymmetric().Data) > 1e-9 {
		t.Error("the lifted moments are not those of the records")
	}
}

func TestOntoSimplex(t *testing.T) {
	for _, c := range []struct{ h, want []float64 }{
		{[]float64{.2, .8}, []float64{.2, .8}},
		{[]float64{1, 1}, []float64{.5, .5}},
		{[]float64{5, 0, -3}, []float64{1, 0, 0}},
		{[]float64{-1, -1, -2}, []float64{.5, .5, 0}},
	} {
		h := slices.Clone(c.h)
		if ontoSimplex(h); squared(h, c.want) > 1e-20 {
			t.Errorf("%v goes to %v, want %v", c.h, h, c.want)
		}
	}
}
