package inverse

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// operators are one of each kind.
func operators(rng *rand.Rand) map[string]Operator {
	cumulate := Func{5, 5, func(dst, x []float64) {
		s := 0.0
		for i, v := range x {
			s += v
			dst[i] = s
		}
	}, func(dst, y []float64) {
		s := 0.0
		for i := len(y) - 1; i >= 0; i-- {
			s += y[i]
			dst[i] = s
		}
	}}
	return map[string]Operator{
		"identity":          Identity(7),
		"mask":              Mask(9, []int{8, 0, 3, 3}),
		"dense":             Dense(randomDense(4, 11, rng)),
		"tall":              Dense(randomDense(11, 4, rng)),
		"user":              cumulate,
		"composed":          Compose(Mask(5, []int{1, 4}), cumulate),
		"convolution":       Convolution(17, []float64{.2, -.5, 1, .3}),
		"long kernel":       Convolution(3, []float64{1, 2, 3, 4, 5, 6, 7}),
		"image convolution": ConvolutionImage(5, 7, []float64{1, 2, 3, 4, 5, 6}, 2, 3),
		"down":              Downsample([]int{12}, 3),
		"image down":        Downsample([]int{6, 8}, 2),
		"fourier":           Fourier([]int{12}, []int{0, 1, 5, 11}),
		"image fourier":     Fourier([]int{6, 5}, []int{0, 7, 29, 12}),
		"radon":             Radon(9, 7),
	}
}

func TestAdjointsAndMatrices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for name, a := range operators(rng) {
		if e := CheckAdjoint(a); !(e < 1e-12) {
			t.Errorf("%s: the adjoint is off by %.3g", name, e)
		}
		rows, cols := a.Dims()
		m := Matrix(a)
		x, y, want := make([]float64, cols), make([]float64, rows), mat.NewVecDense(rows, nil)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		a.Apply(y, x)
		want.MulVec(m, mat.NewVecDense(cols, x))
		for i := range y {
			if math.Abs(y[i]-want.AtVec(i)) > 1e-12 {
				t.Fatalf("%s: measurement %d is %v, by its matrix %v", name, i, y[i], want.AtVec(i))
			}
		}
		var svd mat.SVD
		svd.Factorize(m, mat.SVDNone)
		if n, s := Norm(a), svd.Values(nil)[0]; n < s*.99 || n > s*1.03 {
			t.Errorf("%s: norm %v, the largest singular value is %v", name, n, s)
		}
	}
}

func TestCheckAdjointSeesAWrongOne(t *testing.T) {
	twice := Func{3, 3, func(dst, x []float64) { copy(dst, x) }, func(dst, y []float64) {
		for i, v := range y {
			dst[i] = 2 * v
		}
	}}
	if e := CheckAdjoint(twice); e < .1 {
		t.Errorf("a wrong adjoint is off by %v only", e)
	}
}

func TestKnownMeasurements(t *testing.T) {
	for _, c := range []struct {
		name    string
		a       Operator
		x, want []float64
	}{
		{"mask", Mask(4, []int{2, 0}), []float64{1, 2, 3, 4}, []float64{3, 1}},
		{"convolution", Convolution(5, []float64{1, 2, 3}), []float64{0, 0, 1, 0, 0}, []float64{0, 1, 2, 3, 0}},
		{"edge", Convolution(3, []float64{1, 2, 3}), []float64{1, 0, 0}, []float64{2, 3, 0}},
		{"down", Downsample([]int{4}, 2), []float64{1, 3, 5, 9}, []float64{2, 7}},
		{"image down", Downsample([]int{2, 4}, 2), []float64{1, 2, 3, 4, 5, 6, 7, 8}, []float64{3.5, 5.5}},
		{"constant coefficient", Fourier([]int{4}, []int{0, 2}), []float64{1, 2, 3, 4}, []float64{5, -1, 0, 0}},
	} {
		rows, _ := c.a.Dims()
		y := make([]float64, rows)
		c.a.Apply(y, c.x)
		if math.Sqrt(squared(y, c.want)) > 1e-12 {
			t.Errorf("%s of %v is %v, want %v", c.name, c.x, y, c.want)
		}
	}
	// Every projection holds the whole mass, and that at angle 0 the columns' sums.
	r := Radon(6, 4)
	x := make([]float64, 36)
	total := 0.0
	for i := range x {
		x[i] = float64(i%5) - 1
		total += x[i]
	}
	y := make([]float64, 4*r.bins)
	r.Apply(y, x)
	for a := range 4 {
		sum := 0.0
		for _, v := range y[a*r.bins : (a+1)*r.bins] {
			sum += v
		}
		if math.Abs(sum-total) > 1e-9 {
			t.Errorf("projection %d holds %v of %v", a, sum, total)
		}
	}
}

func TestOperatorsRefuseOtherLengths(t *testing.T) {
	for name, a := range operators(rand.New(rand.NewPCG(1, 1))) {
		rows, cols := a.Dims()
		for _, f := range []func(){
			func() { a.Apply(make([]float64, rows+1), make([]float64, cols)) },
			func() { a.Apply(make([]float64, rows), make([]float64, cols+1)) },
			func() { a.Adjoint(make([]float64, cols), make([]float64, rows+1)) },
		} {
			func() {
				defer func() {
					if err, _ := recover().(error); !errors.Is(err, ErrShape) {
						t.Errorf("%s: panic %v, want ErrShape", name, err)
					}
				}()
				f()
			}()
		}
	}
}

func TestNoise(t *testing.T) {
	const seed = 3
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	cov := mat.NewSymDense(3, []float64{2, .5, 0, .5, 1, -.3, 0, -.3, .5})
	correlated, err := Correlated(cov)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		n    Noise
		want mat.Symmetric
	}{
		"white":       {White(.5), mat.NewDiagDense(3, []float64{.25, .25, .25})},
		"independent": {Independent([]float64{1, 2, .1}), mat.NewDiagDense(3, []float64{1, 4, .01})},
		"correlated":  {correlated, cov},
	} {
		const n = 40000
		w := mat.NewDense(n, 3, nil)
		for i := range n {
			c.n.Add(w.RawRowView(i), rng)
		}
		_, have := moments(w)
		for i := range 3 {
			for j := range 3 {
				tolerance := 5 * math.Sqrt(c.want.At(i, i)*c.want.At(j, j)*2/n)
				if math.Abs(have.At(i, j)-c.want.At(i, j)) > tolerance {
					t.Errorf("%s: covariance %d,%d is %v, want %v", name, i, j, have.At(i, j), c.want.At(i, j))
				}
			}
		}
		// In the white problem the noise is a draw of the identity's.
		q := Problem{Identity(3), c.n}
		a, sigma, whiten := q.white()
		if e := CheckAdjoint(a); e > 1e-12 {
			t.Errorf("%s: the white operator's adjoint is off by %v", name, e)
		}
		if whiten != nil {
			for i := range n {
				copy(w.RawRowView(i), whiten(w.RawRowView(i)))
			}
		}
		_, have = moments(w)
		for i := range 3 {
			if v := have.At(i, i) / (sigma * sigma); math.Abs(v-1) > .05 {
				t.Errorf("%s: whitened variance %d is %v", name, i, v)
			}
		}
	}
	if _, err := Correlated(mat.NewSymDense(2, []float64{1, 2, 2, 1})); !errors.Is(err, ErrProblem) {
		t.Errorf("an indefinite covariance gives %v", err)
	}
	for _, n := range []Noise{White(-1), White(math.NaN()), Independent([]float64{1}), Independent([]float64{1, 0, 1}), Independent([]float64{1, math.Inf(1), 1})} {
		if err := (Problem{Identity(3), n}).check(); !errors.Is(err, ErrProblem) {
			t.Errorf("noise %v gives %v", n, err)
		}
	}
}
