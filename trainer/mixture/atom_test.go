package mixture

import (
	"math"
	"math/rand/v2"
	"testing"
)

// fewFrequencies is a target without a sketch behind it.
func fewFrequencies(rng *rand.Rand, d, m int) *Target {
	t := &Target{dim: d, count: 1000, mean: make([]float64, d), covariance: make([]float64, d*d)}
	for range m * d {
		t.w = append(t.w, rng.NormFloat64())
	}
	for range m {
		t.z = append(t.z, complex(rng.NormFloat64(), rng.NormFloat64()))
	}
	for k := range d {
		t.covariance[k*d+k] = 1
		t.lo, t.hi = append(t.lo, -3), append(t.hi, 3)
	}
	return t
}

func TestGradientsAreThoseOfTheLoss(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, shape := range []Shape{Diagonal, Full} {
		for _, d := range []int{1, 2, 5} {
			target := fewFrequencies(rng, d, 40)
			a := newAtom(target, shape, boundsOf(target))
			gRe, gIm := make([]float64, 40), make([]float64, 40)
			for j := range gRe {
				gRe[j], gIm[j] = rng.NormFloat64(), rng.NormFloat64()
			}
			theta := make([]float64, shape.size(d))
			for i := range theta {
				theta[i] = .5 * rng.NormFloat64()
			}
			value := func() float64 {
				a.set(target, theta)
				sum := 0.0
				for j := range gRe {
					sum += gRe[j]*a.re[j] + gIm[j]*a.im[j]
				}
				return sum
			}
			value()
			grad := make([]float64, len(theta))
			a.gradient(target, gRe, gIm, grad)
			for i := range theta {
				const h = 1e-5
				at := theta[i]
				theta[i] = at + h
				up := value()
				theta[i] = at - h
				down := value()
				theta[i] = at
				if want := (up - down) / (2 * h); math.Abs(grad[i]-want) > 1e-6*(1+math.Abs(want)) {
					t.Errorf("%v, d=%d: gradient %d is %g, by differences %g", shape, d, i, grad[i], want)
				}
			}
			// The covariance is that of the phasors.
			a.set(target, theta)
			c := a.covariance(theta, d)
			for j := range 40 {
				phase, form := 0.0, 0.0
				for k := range d {
					phase += target.w[j*d+k] * theta[k]
					for l := range d {
						form += target.w[j*d+k] * c[k*d+l] * target.w[j*d+l]
					}
				}
				if want := math.Exp(-form/2) * math.Cos(phase); math.Abs(a.re[j]-want) > 1e-12 {
					t.Fatalf("%v, d=%d: phasor %d is %g, by the covariance %g", shape, d, j, a.re[j], want)
				}
			}
		}
	}
}
