package inverse_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"phasor/trainer/inverse"
)

// parabola is a generator of records (t, t^2), with its gradient.
type parabola struct{}

func (parabola) Latent() int { return 1 }
func (parabola) Dim() int    { return 2 }

func (parabola) Generate(dst, u []float64) []float64 {
	for i, t := range u {
		dst[2*i], dst[2*i+1] = t, t*t
	}
	return dst
}

func (p parabola) Pullback(dst, du, u, g []float64) {
	p.Generate(dst, u)
	for i, t := range u {
		du[i] = g[2*i] + 2*t*g[2*i+1]
	}
}

// curve is the prior of the parabola, and missing the problem of a record whose
// second number is missing.
func curve() (*inverse.Prior, inverse.Problem) {
	p, err := inverse.NewPrior(parabola{}, 5000, 1)
	if err != nil {
		panic(err)
	}
	return p, inverse.Problem{A: inverse.Mask(2, []int{0}), Noise: inverse.White(0.05)}
}

// solve prepares a method and answers one measurement.
func solve(m inverse.Method, p *inverse.Prior, q inverse.Problem, y ...float64) inverse.Answer {
	s, err := m.Prepare(p, q)
	if err != nil {
		panic(err)
	}
	return s.Solve(y)
}

// plateaus is a prior of signals of 32 numbers that jump once.
func plateaus() *inverse.Prior {
	rng := rand.New(rand.NewPCG(1, 1))
	var records []float64
	for range 3000 {
		at, low, high := 4+rng.IntN(24), rng.Float64(), 2+rng.Float64()
		for i := range 32 {
			v := low
			if i >= at {
				v = high
			}
			records = append(records, v)
		}
	}
	p, err := inverse.PriorOf(records, 32)
	if err != nil {
		panic(err)
	}
	return p.WithShape(32)
}

// plateau is one of them, which jumps at 10.
func plateau() []float64 {
	x := make([]float64, 32)
	for i := range x {
		x[i] = 0.5
		if i >= 10 {
			x[i] = 2.5
		}
	}
	return x
}

// measured returns A x with noise.
func measured(q inverse.Problem, x []float64) []float64 {
	rows, _ := q.A.Dims()
	y := make([]float64, rows)
	q.A.Apply(y, x)
	q.Noise.Add(y, rand.New(rand.NewPCG(2, 2)))
	return y
}

// distance is the root mean squared difference, in percent.
func distance(x, y []float64) float64 {
	s := 0.0
	for i, v := range x {
		s += (v - y[i]) * (v - y[i]) / float64(len(x))
	}
	return 100 * math.Sqrt(s)
}

func ExampleSampling() {
	p, q := curve()
	a := solve(inverse.Sampling{}, p, q, 1.5)
	fmt.Printf("%.1f, %v\n", a.X, a.ESS > 20)
	// Output: [1.5 2.2], true
}

func ExampleLatent() {
	p, q := curve()
	fmt.Printf("%.1f\n", solve(inverse.Latent{}, p, q, 1.5).X)
	// Output: [1.5 2.2]
}

func ExampleHybrid() {
	p, q := curve()
	a := solve(inverse.Hybrid{}, p, q, 1.5)
	fmt.Printf("%.1f ± %.1f\n", a.X, a.SD)
	// Output: [1.5 2.2] ± [0.0 0.1]
}

// The first number says nothing linear about the second.
func ExampleGaussian() {
	p, q := curve()
	a := solve(inverse.Gaussian{}, p, q, 1.5)
	fmt.Printf("%.1f ± %.0f\n", a.X[0], a.SD)
	// Output: 1.5 ± [0 1]
}

func ExampleMixture() {
	p, q := curve()
	var records []float64
	for i := range 1000 {
		records = append(records, p.Sample(i)...)
	}
	m, err := inverse.FitMixture(records, 2, 8, 1)
	if err != nil {
		panic(err)
	}
	a := solve(m, p, q, 1.5)
	fmt.Println(math.Abs(a.X[1]-2.25) < 0.2)
	// Output: true
}

func ExampleAmortised() {
	p, q := curve()
	a := solve(inverse.Amortised{Steps: 300, Hidden: 32}, p, q, 1.5)
	fmt.Println(math.Abs(a.X[1]-2.25) < 0.2)
	// Output: true
}

func ExampleRecommend() {
	p, q := curve()
	r, err := inverse.Recommend(p, q, []inverse.Method{inverse.Sampling{}}, inverse.RecommendOptions{Coordinates: []int{1}})
	if err != nil {
		panic(err)
	}
	a := r.Solve([]float64{1.5})
	fmt.Printf("%s, gain over the Gaussian above 80 %%: %v, %.1f\n", r.Method(), r.Gain > 0.8, a.X)
	// Output: sampling, gain over the Gaussian above 80 %: true, [1.5 2.2]
}

func ExampleTikhonov() {
	p := plateaus()
	q := inverse.Problem{A: inverse.Convolution(32, []float64{0.25, 0.5, 0.25}), Noise: inverse.White(0.05)}
	a := solve(inverse.Tikhonov{}, p, q, measured(q, plateau())...)
	fmt.Println(distance(a.X, plateau()) < 40)
	// Output: true
}

func ExampleTotalVariation() {
	p := plateaus()
	q := inverse.Problem{A: inverse.Identity(32), Noise: inverse.White(0.2)}
	y := measured(q, plateau())
	a := solve(inverse.TotalVariation{}, p, q, y...)
	fmt.Println(distance(a.X, plateau()) < distance(y, plateau())/2)
	// Output: true
}

func ExampleSparse() {
	p := plateaus()
	q := inverse.Problem{A: inverse.Identity(32), Noise: inverse.White(0.2)}
	y := measured(q, plateau())
	for _, basis := range []string{"dct", "wavelets"} {
		a := solve(inverse.Sparse{Label: basis}, p, q, y...)
		fmt.Println(basis, distance(a.X, plateau()) < distance(y, plateau()))
	}
	// Output:
	// dct true
	// wavelets true
}

func ExampleDictionary() {
	p := plateaus()
	q := inverse.Problem{A: inverse.Identity(32), Noise: inverse.White(0.2)}
	y := measured(q, plateau())
	a := solve(inverse.Dictionary{Atoms: 48}, p, q, y...)
	fmt.Println(distance(a.X, plateau()) < distance(y, plateau()))
	// Output: true
}

func ExampleWitness() {
	p := plateaus()
	q := inverse.Problem{A: inverse.Downsample([]int{32}, 4), Noise: inverse.White(0.05)}
	y := measured(q, plateau())
	with, without := solve(inverse.Witness{}, p, q, y...), solve(inverse.Tikhonov{}, p, q, y...)
	fmt.Println(distance(with.X, plateau()) < 1.1*distance(without.X, plateau()))
	// Output: true
}

func ExampleZeroFilling() {
	p := plateaus()
	// The constant and the slow waves; those of a real signal come in pairs.
	q := inverse.Problem{A: inverse.Fourier([]int{32}, []int{0, 1, 2, 3, 29, 30, 31})}
	a := solve(inverse.ZeroFilling{}, p, q, measured(q, plateau())...)
	fmt.Println(distance(a.X, plateau()) < 40)
	// Output: true
}

func ExampleBackProjection() {
	const size = 16
	image := make([]float64, size*size)
	for i := 5; i < 11; i++ {
		for j := 5; j < 11; j++ {
			image[i*size+j] = 1
		}
	}
	p, err := inverse.PriorOf(append(make([]float64, 4*size*size), image...), size*size)
	if err != nil {
		panic(err)
	}
	q := inverse.Problem{A: inverse.Radon(size, 40)}
	a := solve(inverse.BackProjection{}, p, q, measured(q, image)...)
	fmt.Printf("inside %.0f, outside %.0f\n", a.X[8*size+8], math.Abs(a.X[2*size+2]))
	// Output: inside 1, outside 0
}

func ExampleBlind() {
	p := plateaus()
	kernel := []float64{0, 0.5, 0.5}
	q := inverse.Problem{A: inverse.Convolution(32, kernel), Noise: inverse.White(0.02)}
	b, err := inverse.Blind{Signal: inverse.Sampling{}, Taps: 3}.Solve(p, measured(q, plateau()), 0.02)
	if err != nil {
		panic(err)
	}
	sum := 0.0
	for _, h := range b.Kernel {
		sum += h
	}
	fmt.Printf("%d taps of sum %.0f, misfit below 3: %v\n", len(b.Kernel), sum, b.Misfit < 3)
	// Output: 3 taps of sum 1, misfit below 3: true
}

// Any linear measurement is two functions, adjoint to each other.
func ExampleFunc() {
	sums := inverse.Func{Rows: 3, Cols: 3, Forward: func(dst, x []float64) {
		dst[0], dst[1], dst[2] = x[0], x[0]+x[1], x[0]+x[1]+x[2]
	}, Backward: func(dst, y []float64) {
		dst[0], dst[1], dst[2] = y[0]+y[1]+y[2], y[1]+y[2], y[2]
	}}
	fmt.Println(inverse.CheckAdjoint(sums) < 1e-12)
	// Output: true
}

func ExampleComponents() {
	var records []float64
	for i := range 100 {
		t := math.Sin(float64(i))
		records = append(records, t, 2*t, 3-t)
	}
	c, err := inverse.NewComponents(records, 3, 1)
	if err != nil {
		panic(err)
	}
	fmt.Printf("left out: %.3f\n", math.Abs(mat.Trace(c.Rest)))
	// Output: left out: 0.000
}
