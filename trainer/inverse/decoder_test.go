package inverse

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// linear is the decoder of mean + B u.
type linear struct {
	b    *mat.Dense
	mean []float64
}

func (l linear) Latent() int { _, k := l.b.Dims(); return k }
func (l linear) Dim() int    { return len(l.mean) }

func (l linear) Generate(dst, u []float64) []float64 {
	d, k := l.b.Dims()
	for i := range len(u) / k {
		v := mat.NewVecDense(d, dst[i*d:(i+1)*d])
		v.MulVec(l.b, mat.NewVecDense(k, u[i*k:(i+1)*k]))
		axpy(1, l.mean, dst[i*d:(i+1)*d])
	}
	return dst
}

func (l linear) Pullback(dst, du, u, g []float64) {
	d, k := l.b.Dims()
	l.Generate(dst, u)
	for i := range len(u) / k {
		v := mat.NewVecDense(k, du[i*k:(i+1)*k])
		v.MulVec(l.b.T(), mat.NewVecDense(d, g[i*d:(i+1)*d]))
	}
}

// covariance returns B B'.
func (l linear) covariance() *mat.SymDense {
	s := mat.NewSymDense(len(l.mean), nil)
	s.SymOuterK(1, l.b)
	return s
}

// pulse is the exact generator of bumps of n samples: three latents are its
// place, width and height.
type pulse struct{ n int }

func (pulse) Latent() int { return 3 }
func (p pulse) Dim() int  { return p.n }

var normal = distuv.UnitNormal

func (p pulse) Generate(dst, u []float64) []float64 {
	for i := range len(u) / 3 {
		p.one(dst[i*p.n:(i+1)*p.n], nil, u[i*3:i*3+3], nil)
	}
	return dst
}

func (p pulse) Pullback(dst, du, u, g []float64) {
	for i := range len(u) / 3 {
		p.one(dst[i*p.n:(i+1)*p.n], du[i*3:i*3+3], u[i*3:i*3+3], g[i*p.n:(i+1)*p.n])
	}
}

func (p pulse) one(dst, du, u, g []float64) {
	unit := float64(p.n) / 64
	place := unit * (12 + 40*normal.CDF(u[0]))
	span := math.Log(8.0 / 3)
	width := unit * 3 * math.Exp(span*normal.CDF(u[1]))
	height := .5 + normal.CDF(u[2])
	var dp, dw, dh float64
	for t := range dst {
		z := (float64(t) - place) / width
		e := math.Exp(-.5 * z * z)
		dst[t] = height * e
		if g != nil {
			dp += g[t] * height * e * z / width
			dw += g[t] * height * e * z * z / width
			dh += g[t] * e
		}
	}
	if g != nil {
		du[0] = dp * unit * 40 * normal.Prob(u[0])
		du[1] = dw * width * span * normal.Prob(u[1])
		du[2] = dh * normal.Prob(u[2])
	}
}

func TestPulseGradient(t *testing.T) {
	p := pulse{32}
	u, g := []float64{.3, -.5, .8}, make([]float64, 32)
	for i := range g {
		g[i] = math.Sin(float64(i))
	}
	du, x := make([]float64, 3), make([]float64, 32)
	p.Pullback(x, du, u, g)
	for k := range u {
		const h = 1e-6
		up, down := append([]float64(nil), u...), append([]float64(nil), u...)
		up[k] += h
		down[k] -= h
		want := (dot(g, p.Generate(make([]float64, 32), up)) - dot(g, p.Generate(make([]float64, 32), down))) / (2 * h)
		if math.Abs(du[k]-want) > 1e-7 {
			t.Errorf("latent %d: gradient %v, differences give %v", k, du[k], want)
		}
	}
}

// mustPrior draws a prior of n records.
func mustPrior(t testing.TB, g Decoder, n int, seed uint64) *Prior {
	t.Helper()
	p, err := NewPrior(g, n, seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPrepare(t testing.TB, m Method, p *Prior, q Problem) Solver {
	t.Helper()
	s, err := m.Prepare(p, q)
	if err != nil {
		t.Fatalf("%s: %v", m.Name(), err)
	}
	return s
}

// randomDense returns a matrix of normal numbers of variance 1/rows.
func randomDense(rows, cols int, rng *rand.Rand) *mat.Dense {
	m := mat.NewDense(rows, cols, nil)
	for i := range rows {
		for k := range cols {
			m.Set(i, k, rng.NormFloat64()/math.Sqrt(float64(rows)))
		}
	}
	return m
}

// errorOf returns the root mean squared error of a solver on records.
func errorOf(s Solver, q Problem, records []float64, d int, seed uint64) float64 {
	rng := rand.New(rand.NewPCG(seed, 0x74657374))
	sum := 0.0
	for i := 0; i < len(records); i += d {
		sum += squared(s.Solve(q.measure(records[i:i+d], rng)).X, records[i:i+d])
	}
	return math.Sqrt(sum / float64(len(records)))
}
