package inverse

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// ellipses returns n images of three random ellipses each, with soft edges.
func ellipses(n, size int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 32))
	x := make([]float64, 0, n*size*size)
	for range n {
		image := make([]float64, size*size)
		for range 3 {
			u := float64(size)
			ci, cj := u*(.3+.4*rng.Float64()), u*(.3+.4*rng.Float64())
			a, b := u*(.08+.17*rng.Float64()), u*(.08+.17*rng.Float64())
			sin, cos := math.Sincos(math.Pi * rng.Float64())
			value := .2 + .3*rng.Float64()
			for i := range size {
				for j := range size {
					di, dj := float64(i)-ci, float64(j)-cj
					r := math.Hypot((di*cos+dj*sin)/a, (dj*cos-di*sin)/b)
					image[i*size+j] += value / (1 + math.Exp(2*(r-1)*math.Sqrt(a*b)))
				}
			}
		}
		x = append(x, image...)
	}
	return x
}

var ellipsesOnce = struct {
	sync.Once
	s signals
}{}

// ellipseSignals learns images of ellipses, once for all tests.
func ellipseSignals(t *testing.T, size int) signals {
	ellipsesOnce.Do(func() {
		ellipsesOnce.s = learn(t, ellipses(sized(12000, 1500), size, 1), []int{size, size}, sized(24, 10), sized(8000, 1500), 0, fitOptions{
			features: sized(4096, 512), steps: sized(5000, 150), hidden: sized(128, 48), subset: sized(512, 256), white: true, directions: "selected", full: true})
	})
	if ellipsesOnce.s.prior == nil {
		t.Fatal("the ellipses could not be learned")
	}
	return ellipsesOnce.s
}

// Projections at few angles: computed tomography.
func TestTomography(t *testing.T) {
	size := sized(32, 12)
	s := ellipseSignals(t, size)
	test := ellipses(sized(40, 4), size, 2)
	q := Problem{Radon(size, sized(20, 8)), White(.1)}
	out := &table{}
	found := compare(t, out, s.prior, q, imageMethods(BackProjection{}), test, map[string]string{"witness": "learned regulariser", "sampling": "generator, sampling"})
	out.show(t)
	if found["sampling"] < found["back-projection"] {
		t.Errorf("the generator has %.2f dB, back-projection %.2f", found["sampling"], found["back-projection"])
	}
}

// A quarter of the Fourier coefficients, the low ones and some others: magnetic
// resonance.
func TestResonance(t *testing.T) {
	size := sized(32, 12)
	s := ellipseSignals(t, size)
	test := ellipses(sized(40, 4), size, 3)
	rng := rand.New(rand.NewPCG(5, 5))
	var keep []int
	for i := range size {
		for j := range size {
			low := min(i, size-i) <= size/10 && min(j, size-j) <= size/10
			if low || rng.Float64() < .2 {
				keep = append(keep, i*size+j)
			}
		}
	}
	q := Problem{Fourier([]int{size, size}, keep), White(.02)}
	t.Logf("%d of %d coefficients", len(keep), size*size)
	out := &table{}
	found := compare(t, out, s.prior, q, imageMethods(ZeroFilling{}), test, map[string]string{"witness": "learned regulariser", "sampling": "generator, sampling"})
	out.show(t)
	if found["sampling"] < found["zero-filling"] {
		t.Errorf("the generator has %.2f dB, zero filling %.2f", found["sampling"], found["zero-filling"])
	}
}

// imageMethods are those of a table of images, the naive one first.
func imageMethods(naive Method) []Method {
	return []Method{naive, TotalVariation{Iterations: sized(300, 40)}, Sparse{Label: "wavelets", Iterations: sized(200, 40)}, Tikhonov{}, Gaussian{},
		Witness{Steps: sized(200, 40), Features: sized(512, 128)}, Amortised{Steps: sized(2000, 100)}, Sampling{}}
}
