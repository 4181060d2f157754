package feature

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"

	"phasor/sketcher/feature/internal/kernel"
)

func (p *pilotSet) row(i int) []int32 { return p.q[i*p.d : (i+1)*p.d] }

// subset returns at most limit row numbers at equal distances.
func (p *pilotSet) subset(limit int) []int {
	count := min(p.n, limit)
	rows := make([]int, count)
	for i := range rows {
		rows[i] = i * p.n / count
	}
	return rows
}

// packed is a set of frequencies, a multiple of Lanes, laid out for the kernel,
// so that calibration sees the phasors of the stream to the last bit.
type packed struct {
	m, d   int
	kernel kernel.Set
	omega  *kernel.Packed
	a, b   []int64 // [m]
}

func pack(omega []int32, d int) packed {
	set, err := kernel.Select()
	if err != nil {
		// All kernels give the same integers, so that the choice matters to
		// NewMap only, which reports the error.
		set = kernel.Plain()
	}
	m := len(omega) / d
	return packed{m, d, set, set.Pack(blocks(omega, d), d), make([]int64, m), make([]int64, m)}
}

// blocks returns frequencies [m][d] as [m/Lanes][d][Lanes].
func blocks(omega []int32, d int) [][Lanes]int32 {
	out := make([][Lanes]int32, len(omega)/Lanes)
	for i, w := range omega {
		j, k := i/d, i%d
		out[j/Lanes*d+k][j%Lanes] = w
	}
	return out
}

// features writes the cosines of all frequencies for record q to f, then the
// sines.
func (s packed) features(f []float64, q []int32) {
	cosines, sines := f[:s.m], f[s.m:]
	clear(s.a)
	clear(s.b)
	s.kernel.Blocks(s.a, s.b, s.omega, q, s.d)
	for j, a := range s.a {
		cosines[j] = 1 - float64(a)*(1.0/(1<<22))
		sines[j] = float64(s.b[j]) * (1.0 / (1 << 22))
	}
}

// phasors returns the mean phasors of the rows.
func (p *pilotSet) phasors(omega []int32, rows []int) []complex128 {
	s := pack(omega, p.d)
	size := records(p.d)
	q := make([]int32, 0, size*p.d)
	for part := range slices.Chunk(rows, size) {
		q = q[:0]
		for _, i := range part {
			q = append(q, p.row(i)...)
		}
		s.kernel.Blocks(s.a, s.b, s.omega, q, s.d)
	}
	n := float64(len(rows)) * (1 << 22)
	z := make([]complex128, s.m)
	for j, a := range s.a {
		z[j] = complex(1-float64(a)/n, float64(s.b[j])/n)
	}
	return z
}

// widest is the largest number of channels with a full covariance.
const widest = 1024

// covariance returns the mean and the upper triangle of the covariance (d*d,
// row-major) of the pilot in standard units, clipped at ±clip. Beyond widest
// channels it is the diagonal only, of length d.
func (p *pilotSet) covariance(clip float64) (mean, cov []float64) {
	d := p.d
	mean, cov = make([]float64, d), make([]float64, d)
	if d <= widest {
		cov = make([]float64, d*d)
	}
	y := make([]float64, d)
	load := func(i int) {
		for k, q := range p.row(i) {
			y[k] = min(max(float64(q)/Unit, -clip), clip)
		}
	}
	for i := range p.n {
		load(i)
		for k, v := range y {
			mean[k] += v
		}
	}
	for k := range mean {
		mean[k] /= float64(p.n)
	}
	for i := range p.n {
		load(i)
		for k := range y {
			y[k] -= mean[k]
		}
		for k, v := range y {
			if d > widest {
				cov[k] += float64(v * v)
				continue
			}
			blas64.Axpy(v, vector(y[k:]), vector(cov[k*d+k:(k+1)*d]))
		}
	}
	for k := range cov {
		cov[k] /= float64(p.n)
	}
	return mean, cov
}

func vector(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Data: v, Inc: 1} }

// gaussian is a Gaussian in standard units, with mean and covariance as the
// method covariance gives them.
type gaussian struct{ mean, cov []float64 }

// gaussian returns the Gaussian with the pilot's mean and covariance.
func (p *pilotSet) gaussian() gaussian {
	mean, cov := p.covariance(Limit)
	return gaussian{mean, cov}
}

// at returns the characteristic function at a frequency,
//
//	exp(2 pi i omega.mu - 2 pi^2 omega' Sigma omega)
func (g gaussian) at(omega []int32) complex128 {
	d := len(omega)
	var turns, quadratic float64
	for k, w := range omega {
		if w == 0 {
			continue
		}
		a := float64(w) / Unit
		turns += float64(a * g.mean[k])
		if d > widest {
			quadratic += float64(float64(a*a) * g.cov[k])
			continue
		}
		row := g.cov[k*d : (k+1)*d]
		half := float64(a*row[k]) / 2
		for l := k + 1; l < d; l++ {
			half += float64(float64(omega[l]) / Unit * row[l])
		}
		quadratic += float64(2 * a * half)
	}
	s, c := math.Sincos(2 * math.Pi * turns)
	r := math.Exp(-2 * math.Pi * math.Pi * max(quadratic, 0))
	return complex(r*c, r*s)
}
