package inverse

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Projections is the Radon transform of a small square image: the sums along
// parallel lines at evenly spaced angles over half a turn, as a scanner by
// X-rays measures them. It is an [Operator].
type Projections struct {
	size, angles, bins int
	at                 []int     // for each angle and pixel, the first of two bins
	weight             []float64 // of that bin; the other has one minus it
}

// Radon returns the projections of an image of size by size pixels at a number
// of angles. A projection has ceil(size sqrt 2) + 1 bins of a pixel's width; a
// pixel's value is shared by the two bins that its centre falls between.
func Radon(size, angles int) *Projections {
	if size < 1 || angles < 1 {
		panic(fmt.Errorf("%w: %d angles of an image of %d by %d", ErrShape, angles, size, size))
	}
	p := &Projections{size: size, angles: angles, bins: int(math.Ceil(float64(size)*math.Sqrt2)) + 1}
	middle, centre := float64(size-1)/2, float64(p.bins-1)/2
	for a := range angles {
		sin, cos := math.Sincos(math.Pi * float64(a) / float64(angles))
		for i := range size {
			for j := range size {
				s := (float64(j)-middle)*cos + (float64(i)-middle)*sin + centre
				b := min(int(math.Floor(s)), p.bins-2)
				p.at = append(p.at, b)
				p.weight = append(p.weight, 1-(s-float64(b)))
			}
		}
	}
	return p
}

// Dims returns the bins of all projections and the pixels.
func (p *Projections) Dims() (rows, cols int) { return p.angles * p.bins, p.size * p.size }

// Apply sums along the lines.
func (p *Projections) Apply(dst, x []float64) {
	fits(p, dst, x)
	clear(dst)
	n := len(x)
	for a := range p.angles {
		out := dst[a*p.bins : (a+1)*p.bins]
		at, weight := p.at[a*n:(a+1)*n], p.weight[a*n:(a+1)*n]
		for i, v := range x {
			w := weight[i]
			out[at[i]] += w * v
			out[at[i]+1] += (1 - w) * v
		}
	}
}

// Adjoint smears the projections back over the image.
func (p *Projections) Adjoint(dst, y []float64) {
	fits(p, y, dst)
	clear(dst)
	n := len(dst)
	for a := range p.angles {
		in := y[a*p.bins : (a+1)*p.bins]
		at, weight := p.at[a*n:(a+1)*n], p.weight[a*n:(a+1)*n]
		for i := range dst {
			w := weight[i]
			dst[i] += w*in[at[i]] + (1-w)*in[at[i]+1]
		}
	}
}

// BackProjection is filtered back-projection (Ramachandran and Lakshminarayanan,
// PNAS 68, 1971): every projection is filtered by the ramp |f|, with a Hann
// window, and smeared back. It solves problems whose operator is [Projections].
type BackProjection struct{}

// Name returns "back-projection".
func (BackProjection) Name() string { return "back-projection" }

// Prepare makes the filter.
func (b BackProjection) Prepare(p *Prior, q Problem) (Solver, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	r, ok := q.A.(*Projections)
	if !ok {
		return nil, fmt.Errorf("inverse: %w: back-projection needs the operator Radon", ErrProblem)
	}
	n := 1
	for n < 2*r.bins {
		n *= 2
	}
	filter := rampFilter(n)
	rows, cols := r.Dims()
	return solverFunc{b.Name(), rows, func(y []float64) (x, sd []float64) {
		fft := fourier.NewFFT(n)
		filtered, line := make([]float64, rows), make([]float64, n)
		for a := range r.angles {
			clear(line)
			copy(line, y[a*r.bins:(a+1)*r.bins])
			c := fft.Coefficients(nil, line)
			for i := range c {
				c[i] *= complex(filter[i]/float64(n), 0)
			}
			copy(filtered[a*r.bins:(a+1)*r.bins], fft.Sequence(nil, c)[:r.bins])
		}
		x = make([]float64, cols)
		r.Adjoint(x, filtered)
		scale(x, math.Pi/float64(r.angles))
		return x, nil
	}}, nil
}

// rampFilter returns the spectrum of the band-limited ramp, sampled in space so
// that the mean of an image comes out right, times a Hann window.
func rampFilter(n int) []float64 {
	h := make([]float64, n)
	h[0] = 0.25
	for i := 1; i <= n/2; i += 2 {
		v := -1 / (math.Pi * math.Pi * float64(i*i))
		h[i], h[n-i] = v, v
	}
	c := fourier.NewFFT(n).Coefficients(nil, h)
	out := make([]float64, len(c))
	for i := range c {
		out[i] = real(c[i]) * (0.5 + 0.5*math.Cos(2*math.Pi*float64(i)/float64(n)))
	}
	return out
}

// ZeroFilling is the adjoint A'y over the square of the norm of A: what is not
// measured is taken for zero. Of a subsampled Fourier transform it is the
// inverse transform of the spectrum with zeros filled in.
type ZeroFilling struct{}

// Name returns "zero-filling".
func (ZeroFilling) Name() string { return "zero-filling" }

// Prepare measures the norm of the operator.
func (z ZeroFilling) Prepare(p *Prior, q Problem) (Solver, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	rows, cols := q.A.Dims()
	norm := Norm(q.A) / 1.02
	if norm == 0 {
		return nil, fmt.Errorf("inverse: %w: the operator is zero", ErrProblem)
	}
	return solverFunc{z.Name(), rows, func(y []float64) (x, sd []float64) {
		x = make([]float64, cols)
		q.A.Adjoint(x, y)
		scale(x, 1/(norm*norm))
		return x, nil
	}}, nil
}
