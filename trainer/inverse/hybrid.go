package inverse

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Hybrid joins search and sampling: the ends of a latent search carry a mixture
// of normal laws, each with the curvature of the posterior at its end,
//
//	u ~ N(u_r, (J'J + I)^-1),   J = L^-1 A dG/du at u_r,
//
// from which new latents are drawn and weighted by the posterior of u over the
// mixture (the Laplace approximation as a proposal: Tierney and Kadane, Journal
// of the American Statistical Association 81, 1986). Where the samples of the
// prior are too few for small noise, those of the mixture are not. Weights that
// rest on fewer than 30 samples are broadened and corrected as in [Sampling].
type Hybrid struct {
	Search  Latent
	Samples int // 400
}

// Name returns "hybrid".
func (Hybrid) Name() string { return "hybrid" }

// Prepare is that of [Latent].
func (h Hybrid) Prepare(p *Prior, q Problem) (Solver, error) {
	if h.Search.Steps == 0 {
		h.Search.Steps = 100
	}
	if h.Search.Starts == 0 {
		h.Search.Starts = 8
	}
	s, err := h.Search.prepare(p, q)
	if err != nil {
		return nil, err
	}
	if h.Samples <= 0 {
		h.Samples = 400
	}
	return &hybrid{Hybrid: h, search: s}, nil
}

type hybrid struct {
	Hybrid
	*search
}

// Name is that of the method.
func (h *hybrid) Name() string { return h.Hybrid.Name() }

// Solve searches, samples and weighs.
func (h *hybrid) Solve(y []float64) Answer {
	z := h.standard(y)
	ends := h.descend(z, h.modes(z))
	g := h.prior.decoder
	k, d, n := g.Latent(), g.Dim(), h.Hybrid.Samples
	proposals := make([]proposal, len(ends))
	for i, e := range ends {
		proposals[i] = h.propose(e.u, len(z))
	}
	rng := rand.New(rand.NewPCG(1, 0x687962726964))
	u, step := make([]float64, n*k), make([]float64, k)
	for i := range n {
		for j := range step {
			step[j] = rng.NormFloat64()
		}
		proposals[i%len(proposals)].draw(u[i*k:(i+1)*k], step)
	}
	c := cloud{x: mat.NewDense(n, d, nil), measured: mat.NewDense(n, len(z), nil), rows: make([]int, n)}
	g.Generate(c.x.RawMatrix().Data, u)
	misfit, prior := make([]float64, n), make([]float64, n)
	for i := range n {
		c.rows[i] = i
		h.whitened.Apply(c.measured.RawRowView(i), c.x.RawRowView(i))
		misfit[i] = squared(z, c.measured.RawRowView(i))
		latent := u[i*k : (i+1)*k]
		prior[i] = -dot(latent, latent)/2 - mixtureLog(proposals, latent)
	}
	v, w := 1.0, make([]float64, n)
	for range 40 {
		for i := range w {
			w[i] = (prior[i] - misfit[i]/2) / v
		}
		softmax(w)
		if 1/dot(w, w) >= 30 || v > 1e12 {
			break
		}
		v *= 2
	}
	x, sd := h.local(z, c, w, v)
	return Answer{Method: h.Name(), X: x, SD: sd, ESS: 1 / dot(w, w)}
}

// modes returns latents to start from: samples drawn by their weights, evenly
// along them, so that every mode of the posterior has its share.
func (h *hybrid) modes(z []float64) []float64 {
	samples, w, _ := h.weights(z)
	k := h.prior.decoder.Latent()
	u := make([]float64, 0, h.Starts*k)
	sum, at := 0.0, 0
	for i := range h.Starts {
		for goal := (float64(i) + .5) / float64(h.Starts); at < len(w)-1 && sum+w[at] < goal; at++ {
			sum += w[at]
		}
		s := samples[at]
		u = append(u, h.prior.u[s*k:(s+1)*k]...)
	}
	return u
}

// proposal is a normal law around a latent, given by the upper factor U of its
// precision U'U.
type proposal struct {
	mean   []float64
	factor *mat.TriDense
	log    float64 // log det U
}

func (h *hybrid) propose(u []float64, m int) proposal {
	g := h.prior.decoder
	k, d := g.Latent(), g.Dim()
	rows, repeated := make([]float64, m*d), make([]float64, 0, m*k)
	e := make([]float64, m)
	for i := range m {
		e[i] = 1
		h.whitened.Adjoint(rows[i*d:(i+1)*d], e)
		e[i] = 0
		repeated = append(repeated, u...)
	}
	jacobian := mat.NewDense(m, k, nil)
	g.Pullback(make([]float64, m*d), jacobian.RawMatrix().Data, repeated, rows)
	precision := mat.NewSymDense(k, nil)
	blas64.Syrk(blas.Trans, 1, jacobian.RawMatrix(), 0, precision.RawSymmetric())
	for i := range k {
		precision.SetSym(i, i, precision.At(i, i)+1)
	}
	var c mat.Cholesky
	p := proposal{mean: u, factor: new(mat.TriDense)}
	if !c.Factorize(precision) { // Only if the gradient is not finite.
		for i := range k {
			for j := range k {
				precision.SetSym(i, j, 0)
			}
			precision.SetSym(i, i, 1)
		}
		c.Factorize(precision)
	}
	c.UTo(p.factor)
	for i := range k {
		p.log += math.Log(p.factor.At(i, i))
	}
	return p
}

// wide is the scale of the proposals over that of the approximation: their
// tails must not be shorter than those of the posterior.
const wide = 1.3

// draw writes a latent for the standard normal numbers e, which it overwrites.
func (p *proposal) draw(u, e []float64) {
	blas64.Trsv(blas.NoTrans, p.factor.RawTriangular(), vec(e))
	copy(u, p.mean)
	axpy(wide, e, u)
}

// mixtureLog returns the log density of the mixture, but for a constant.
func mixtureLog(ps []proposal, u []float64) float64 {
	most, logs := math.Inf(-1), make([]float64, len(ps))
	e := make([]float64, len(u))
	for i := range ps {
		copy(e, u)
		axpy(-1, ps[i].mean, e)
		blas64.Trmv(blas.NoTrans, ps[i].factor.RawTriangular(), vec(e))
		logs[i] = ps[i].log - dot(e, e)/(2*wide*wide)
		most = max(most, logs[i])
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - most)
	}
	return most + math.Log(sum)
}

// softmax replaces logarithms by weights that sum to 1.
func softmax(w []float64) {
	most, sum := math.Inf(-1), 0.0
	for _, v := range w {
		most = max(most, v)
	}
	for i, v := range w {
		w[i] = math.Exp(v - most)
		sum += w[i]
	}
	scale(w, 1/sum)
}
