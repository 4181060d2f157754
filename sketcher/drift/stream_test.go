package drift

import (
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
)

func long() bool { return os.Getenv("PHASOR_LONG") == "1" }

const channels = 8

var names = []string{"a", "b", "c", "d", "e", "f", "g", "h"}

// process is a stationary vector autoregression of order 1, correlated over channels.
type process struct {
	rho   [channels]float64
	heavy bool // Student's t with 3 degrees of freedom in place of the normal law
	mix   [channels][channels]float64
	state [channels]float64
	src   *rand.PCG
	rng   *rand.Rand
}

func newProcess(rho float64, seed uint64) *process {
	p := &process{src: rand.NewPCG(seed, 7)}
	for k := range p.rho {
		p.rho[k] = rho
	}
	p.rng = rand.New(p.src)
	// One correlation for all streams, half of it a random one of 12 samples.
	fixed := rand.New(rand.NewPCG(5, 5))
	g := mat.NewDense(channels, 12, nil)
	for i := range channels {
		for j := range 12 {
			g.Set(i, j, fixed.NormFloat64())
		}
	}
	c := mat.NewSymDense(channels, nil)
	for i := range channels {
		for j := i; j < channels; j++ {
			a, b := g.RawRowView(i), g.RawRowView(j)
			var ab, aa, bb float64
			for k := range a {
				ab += a[k] * b[k]
				aa += a[k] * a[k]
				bb += b[k] * b[k]
			}
			v := .5 * ab / math.Sqrt(aa*bb)
			if i == j {
				v += .5
			}
			c.SetSym(i, j, v)
		}
	}
	var chol mat.Cholesky
	chol.Factorize(c)
	var l mat.TriDense
	chol.LTo(&l)
	for i := range channels {
		for j := 0; j <= i; j++ {
			p.mix[i][j] = l.At(i, j)
		}
	}
	for k := range p.state {
		p.state[k] = p.rng.NormFloat64()
	}
	return p
}

func (p *process) next(x *[channels]float64) {
	for k, rho := range p.rho {
		p.state[k] = rho*p.state[k] + math.Sqrt(1-rho*rho)*p.rng.NormFloat64()
		if p.heavy {
			var chi float64
			for range 3 {
				v := p.rng.NormFloat64()
				chi += v * v
			}
			p.state[k] /= math.Sqrt(chi)
		}
	}
	for i := range x {
		x[i] = 0
		for j := 0; j <= i; j++ {
			x[i] += p.mix[i][j] * p.state[j]
		}
	}
}

// records returns n records, changed by f if it is not nil.
func (p *process) records(n int, f func(x *[channels]float64)) []float64 {
	out := make([]float64, 0, n*channels)
	var x [channels]float64
	for range n {
		p.next(&x)
		if f != nil {
			f(&x)
		}
		out = append(out, x[:]...)
	}
	return out
}

var maps sync.Map

// streamMap returns the map that 10,000 records of a stream with this dependence give.
func streamMap(t testing.TB, rho float64) *feature.Map {
	t.Helper()
	if m, ok := maps.Load(rho); ok {
		return m.(*feature.Map)
	}
	m := newMap(t, newProcess(rho, 1000).records(10_000, nil), 1)
	maps.Store(rho, m)
	return m
}

func newMap(t testing.TB, pilot []float64, seed uint64) *feature.Map {
	t.Helper()
	return newMapOf(t, pilot, 256, seed)
}

func newMapOf(t testing.TB, pilot []float64, features int, seed uint64) *feature.Map {
	t.Helper()
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: names, Features: features, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func pane(t testing.TB, m *feature.Map, x []float64) *sketch.Accumulator {
	t.Helper()
	a := sketch.New(m)
	q := make([]int32, len(x))
	for i := 0; i < len(x); i += m.Dim() {
		if !m.Quantise(q[i:i+m.Dim()], x[i:i+m.Dim()]) {
			t.Fatal("a record is not finite")
		}
	}
	a.Fold(q)
	return a
}

func (p *process) panes(t testing.TB, m *feature.Map, n, records int, f func(x *[channels]float64)) []*sketch.Accumulator {
	t.Helper()
	out := make([]*sketch.Accumulator, n)
	for i := range out {
		out[i] = pane(t, m, p.records(records, f))
	}
	return out
}
