package generator

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// normals draws n standard normal records and returns their phasor sums.
func normals(rng *rand.Rand, omega [][]float64, scale float64, n int) []complex128 {
	sums := make([]complex128, len(omega))
	y := make([]float64, len(omega[0]))
	for range n {
		for k := range y {
			y[k] = scale * rng.NormFloat64()
		}
		for j, w := range omega {
			phase := 0.0
			for k, v := range w {
				phase += v * y[k]
			}
			sums[j] += cmplx.Exp(complex(0, 2*math.Pi*phase))
		}
	}
	return sums
}

// TestLossIsUnbiased: the mean of the loss over batches of normal records is
// the squared distance of the exact characteristic functions, here 0 and that
// of another scale; the biased loss is higher by its variance.
func TestLossIsUnbiased(t *testing.T) {
	skipRaced(t)
	const seed, dim, m, batch, runs = 11, 3, 16, 8, 20000
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	omega := make([][]float64, m)
	for j := range omega {
		omega[j] = make([]float64, dim)
		for k := range omega[j] {
			omega[j][k] = rng.NormFloat64() * .15
		}
	}
	psi := func(j int, scale float64) complex128 {
		q := 0.0
		for _, v := range omega[j] {
			q += v * v
		}
		return complex(math.Exp(-2*math.Pi*math.Pi*q*scale*scale), 0)
	}
	for _, scale := range []float64{1, .8} {
		var want, bias float64
		for j := range omega {
			z, p := psi(j, 1), psi(j, scale)
			want += real((z - p) * cmplx.Conj(z-p))
			bias += 1 - real(p*cmplx.Conj(p))
		}
		want, bias = want/m, bias/m/batch
		var sum, square, plain float64
		for range runs {
			sums := normals(rng, omega, scale, batch)
			var l, b float64
			for j, s := range sums {
				l += unbiased(psi(j, 1), s, batch)
				b += biased(psi(j, 1), s, batch)
			}
			sum += l / m
			square += l / m * l / m
			plain += b / m
		}
		mean := sum / runs
		se := math.Sqrt((square/runs - mean*mean) / runs)
		t.Logf("scale %g: mean %.5f ± %.5f, exact %.5f, biased %.5f", scale, mean, se, want, plain/runs)
		if math.Abs(mean-want) > 5*se {
			t.Errorf("scale %g: mean loss %.6f ± %.6f, exact %.6f", scale, mean, se, want)
		}
		if d := plain / runs; math.Abs(d-want-bias) > 6*se || d-want < 20*se {
			t.Errorf("scale %g: biased loss %.6f, exact %.6f plus %.6f", scale, d, want, bias)
		}
	}
}

// TestPullOnTheScale: with the biased residual a perfect generator
// would feel a pull; with the unbiased one the mean pull is zero. The pull on
// the scale of a normal generator is measured.
func TestPullOnTheScale(t *testing.T) {
	skipRaced(t)
	const seed, dim, m, batch, runs = 13, 10, 24, 32, 3000
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	omega, z := make([]float32, m*dim), make([]complex128, m)
	for j := range m {
		q := 0.0
		for k := range dim {
			v := rng.NormFloat64() * .08
			omega[j*dim+k] = float32(v)
			q += v * v
		}
		z[j] = complex(math.Exp(-2*math.Pi*math.Pi*q), 0)
	}
	all := make([]int, m)
	for j := range all {
		all[j] = j
	}
	s := choice(&problem{dim: dim, omega: omega, z: z}, all)
	ph := newPhases(m)
	y, dy := make([]float32, dim*batch), make([]float32, dim*batch)
	re, im := make([]float32, whole(m)), make([]float32, whole(m))
	sums := make([]complex128, m)
	pull := func(denominator float64) (mean, se float64) {
		var sum, square float64
		for range runs {
			for i := range y {
				y[i] = float32(rng.NormFloat64())
			}
			ph.forward(s, y, batch)
			for j := range sums {
				sums[j] = complex(float64(ph.sumCos[j]), float64(ph.sumSin[j])) * complex((batch-1)/denominator, 0)
			}
			residuals(re[:m], im[:m], z, sums, batch)
			ph.backward(dy, y, s, re, im, batch)
			p := 0.0
			for i, g := range dy {
				p += float64(g * y[i]) // dL/d log scale
			}
			sum += p
			square += p * p
		}
		mean = sum / runs
		return mean, math.Sqrt((square/runs - mean*mean) / runs)
	}
	mean, se := pull(batch - 1)
	plain, plainSE := pull(batch)
	t.Logf("pull on log scale %.2g ± %.2g, biased %.2g ± %.2g", mean, se, plain, plainSE)
	if math.Abs(mean) > 5*se {
		t.Errorf("the unbiased gradient pulls the scale of a perfect generator by %.3g ± %.2g", mean, se)
	}
	if plain < 10*plainSE {
		t.Errorf("the biased gradient should pull the scale down, found %.3g ± %.2g", plain, plainSE)
	}
}

// TestNoiseFloor: sketches of N independent records are as far from the
// expectation as the floor says.
func TestNoiseFloor(t *testing.T) {
	skipRaced(t)
	const seed, dim, m = 17, 2, 64
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	omega := make([][]float64, m)
	psi := make([]complex128, m)
	all := make([]int, m)
	for j := range omega {
		omega[j] = []float64{rng.NormFloat64() * .5, rng.NormFloat64() * .5}
		q := omega[j][0]*omega[j][0] + omega[j][1]*omega[j][1]
		psi[j] = complex(math.Exp(-2*math.Pi*math.Pi*q), 0)
		all[j] = j
	}
	for n, runs := range map[int]int{2: 4000, 100: 400, 1000: 120, 4000: 60} {
		var distance, predicted float64
		for range runs {
			z := normals(rng, omega, 1, n)
			for j := range z {
				z[j] /= complex(float64(n), 0)
				d := z[j] - psi[j]
				distance += real(d*cmplx.Conj(d)) / m
			}
			f, _ := floor(z, all, float64(n))
			predicted += f
		}
		ratio := predicted / distance
		t.Logf("N = %d: floor over distance %.3f", n, ratio)
		if math.Abs(ratio-1) > .05 {
			t.Errorf("N = %d: floor %.4g, mean distance %.4g", n, predicted/float64(runs), distance/float64(runs))
		}
	}
	if f, _ := floor([]complex128{1}, []int{0}, 1); f != 0 {
		t.Errorf("floor of one record: %v, want 0", f)
	}
}

// TestGaussianBaseline: on Gaussian records the baseline has no excess, on two
// clusters it has.
func TestGaussianBaseline(t *testing.T) {
	skipRaced(t)
	const seed = 19
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	gauss := set{"gauss", 3, 0, func(r *rand.Rand, x []float64) {
		x[0], x[1] = r.NormFloat64(), r.NormFloat64()
		x[2] = .5*x[0] + x[1] + .3*r.NormFloat64()
	}}
	e := Gaussian(targetOf(t, gauss.records(10000, rng), 3, seed))
	if e.Excess > 4*e.HeldOutSE || e.EquivalentRecords < 2500 {
		t.Errorf("on Gaussian records: %+v", e)
	}
	e = Gaussian(targetOf(t, plane[0].records(10000, rng), 2, seed))
	if e.AtLeast || e.EquivalentRecords > 200 {
		t.Errorf("on six clusters: %+v", e)
	}
}
