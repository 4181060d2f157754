package generator

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"phasor/trainer/generator/internal/kernel"
	"phasor/trainer/generator/optim"
)

// reference is the network and the loss in double precision, record by record.
type reference struct {
	shape
	flat []float64
}

func (r reference) record(u []float64) []float64 {
	p := r.flat
	take := func(n int) []float64 {
		v := p[:n]
		p = p[n:]
		return v
	}
	x := u
	for range layers {
		w, b := take(len(x)*r.units), take(r.units)
		h := make([]float64, r.units)
		for o := range h {
			h[o] = b[o]
			for i, v := range x {
				h[o] += w[i*r.units+o] * v
			}
			h[o] = math.Tanh(h[o])
		}
		x = h
	}
	out, mean, linear := take(r.units*r.dim), take(r.dim), take(r.latent*r.dim)
	y := make([]float64, r.dim)
	for k := range y {
		y[k] = mean[k]
		for i, v := range x {
			y[k] += out[i*r.dim+k] * v
		}
		for i, v := range u {
			y[k] += linear[i*r.dim+k] * v
		}
	}
	return y
}

// loss is the unbiased loss by its definition over pairs of records.
func (r reference) loss(omega []float32, z []complex128, u [][]float64) float64 {
	m, n := len(z), float64(len(u))
	sums := make([]complex128, m)
	for _, v := range u {
		y := r.record(v)
		for j := range sums {
			phase := 0.0
			for k, x := range y {
				phase += float64(omega[j*r.dim+k]) * x
			}
			sin, cos := math.Sincos(2 * math.Pi * phase)
			sums[j] += complex(cos, sin)
		}
	}
	var total float64
	for j, s := range sums {
		pairs := (real(s)*real(s) + imag(s)*imag(s) - n) / (n * (n - 1))
		cross := (real(z[j])*real(s) + imag(z[j])*imag(s)) / n
		total += real(z[j])*real(z[j]) + imag(z[j])*imag(z[j]) - 2*cross + pairs
	}
	return total / float64(m)
}

// TestGradientOfTheWholeChain compares the loss and its gradient, from latents
// over network, phases and unbiased loss, with finite differences in double
// precision. The widths cover full and partial blocks and tiles.
func TestGradientOfTheWholeChain(t *testing.T) {
	const seed = 5
	t.Logf("seed %d", seed)
	onEachKernel(t, func(t *testing.T) { gradientOfTheWholeChain(t, seed) })
}

// onEachKernel runs a test once on each kernel that there is.
func onEachKernel(t *testing.T, test func(t *testing.T)) {
	for _, set := range kernel.Available() {
		t.Run(set.Name, func(t *testing.T) {
			t.Setenv("PHASOR_KERNEL", set.Name)
			test(t)
		})
	}
}

func gradientOfTheWholeChain(t *testing.T, seed uint64) {
	for _, c := range []struct{ dim, latent, units, m, batch int }{
		{1, 1, 3, 5, 2}, {2, 8, 16, 100, 40}, {3, 4, 7, 65, 150}, {10, 16, 12, 33, 130},
	} {
		rng := rand.New(rand.NewPCG(seed, uint64(c.dim)))
		p := noise(c.dim, c.m)
		s := shape{c.latent, c.units, c.dim}
		covariance := identity(c.dim)
		flat := s.start(make([]float64, c.dim), covariance, seed)
		st := newStepper(p, s, Config{Seed: seed, Batch: c.batch, Subset: c.m, Threads: 1})
		w := s.view(flat)
		loss := st.gradient(&w, 3)
		if st.set.Name != os.Getenv("PHASOR_KERNEL") {
			t.Fatalf("runs on %s", st.set.Name)
		}

		r := reference{s, make([]float64, len(flat))}
		for i, v := range flat {
			r.flat[i] = float64(v)
		}
		var u [][]float64
		for _, b := range st.blocks {
			for i := range b.tape.width {
				v := make([]float64, c.latent)
				for l := range v {
					v[l] = float64(b.tape.u[l*b.tape.width+i])
				}
				u = append(u, v)
			}
		}
		if want := r.loss(st.chosen.omega, st.chosen.z, u); math.Abs(loss-want) > 1e-5*math.Abs(want) {
			t.Errorf("%+v: loss %.9g, in double precision %.9g", c, loss, want)
		}
		var norm float64
		for _, g := range st.grad {
			norm += float64(g) * float64(g)
		}
		norm = math.Sqrt(norm)
		for range 60 {
			i := rng.IntN(len(flat))
			const h = 1e-5
			at := r.flat[i]
			r.flat[i] = at + h
			up := r.loss(st.chosen.omega, st.chosen.z, u)
			r.flat[i] = at - h
			down := r.loss(st.chosen.omega, st.chosen.z, u)
			r.flat[i] = at
			want := (up - down) / (2 * h)
			if got := float64(st.grad[i]); math.Abs(got-want) > 1e-4*math.Abs(want)+2e-6*norm {
				t.Errorf("%+v: gradient of weight %d is %.8g, by differences %.8g", c, i, got, want)
			}
		}
	}
}

// TestStartMatchesMoments: without its hidden layers the network is the
// Gaussian of the sketch.
func TestStartMatchesMoments(t *testing.T) {
	mean := []float64{1, -2, 0.5}
	covariance := []float64{4, 1.2, 0, 1.2, 1, 0, 0, 0, 0.25}
	s := shape{16, 8, 3}
	flat := s.start(mean, covariance, 1)
	w := s.view(flat)
	for k := range 3 {
		if w.mean[k] != float32(mean[k]) {
			t.Errorf("mean of channel %d: %v", k, w.mean[k])
		}
		for l := range 3 {
			var c float64
			for i := range s.latent {
				c += float64(w.linear[i*3+k]) * float64(w.linear[i*3+l])
			}
			if math.Abs(c-covariance[k*3+l]) > 1e-5 {
				t.Errorf("covariance of %d and %d: %v, want %v", k, l, c, covariance[k*3+l])
			}
		}
	}
}

func TestCholeskyOfSingularCovariances(t *testing.T) {
	for name, c := range map[string][]float64{
		"zero":         {0, 0, 0, 0},
		"equal":        {1, 1, 1, 1},
		"opposite":     {1, -1, -1, 1},
		"quiet first":  {0, 0, 0, 2},
		"quiet second": {2, 0, 0, 0},
		"rounded over": {1, 1.0000001, 1.0000001, 1},
	} {
		l := cholesky(c, 2)
		for i := range 2 {
			for j := range 2 {
				got := l[i*2]*l[j*2] + l[i*2+1]*l[j*2+1]
				if !(math.Abs(got-c[i*2+j]) < 1e-6) {
					t.Errorf("%s: LL' at %d,%d is %v, want %v", name, i, j, got, c[i*2+j])
				}
			}
		}
	}
}

// TestStepsDoNotAllocate: the hot loop of a fit on one goroutine.
func TestStepsDoNotAllocate(t *testing.T) {
	p := noise(4, 200)
	config := Config{Subset: 64, Batch: 200}.withDefaults(4, false)
	s := shape{config.Latent, config.Hidden, 4}
	flat := s.start(make([]float64, 4), identity(4), 1)
	w := s.view(flat)
	st, adam := newStepper(p, s, config), optim.NewAdam(len(flat))
	n := 0
	if got := testing.AllocsPerRun(10, func() {
		st.gradient(&w, n)
		adam.Update(flat, st.grad, config.LR)
		n++
	}); got > 0 {
		t.Errorf("%v allocations a step", got)
	}
}
