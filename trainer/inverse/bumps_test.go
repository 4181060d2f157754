package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"
)

var bumpsOnce = struct {
	sync.Once
	s signals
}{}

// bumpSignals learns bumps of 64 samples, once for all tests.
func bumpSignals(t *testing.T) signals {
	bumpsOnce.Do(func() {
		bumpsOnce.s = learn(t, bumps(sized(50000, 8000), 1), []int{64}, 12, sized(40000, 6000), sized(10, 3), fitOptions{
			features: sized(3008, 1024), steps: sized(6000, 700), hidden: sized(128, 64), subset: sized(1000, 256), radius: [2]float64{.5, 15}, full: true})
	})
	if bumpsOnce.s.prior == nil {
		t.Fatal("the bumps could not be learned")
	}
	return bumpsOnce.s
}

// Random measurements of bumps: the generator needs several times fewer than
// the Lasso for the same error (Bora et al., ICML 2017).
func TestCompressedBumps(t *testing.T) {
	s := bumpSignals(t)
	test := bumps(sized(200, 16), 2)
	const sigma = .02
	limits := map[int]float64{4: .094, 6: .042, 8: .024, 16: .015, 32: .0111}
	matrices := sized(3, 1)
	methods := []Method{Sampling{}, Gaussian{}, s.mixture, Sparse{Label: "dct"}}
	counts := sized([]int{4, 6, 8, 16, 32, 40, 48}, []int{8})
	if long() {
		methods = append(methods, Latent{}, Hybrid{})
	}
	out := &table{}
	head := []string{"measurements of 64"}
	for _, m := range methods {
		head = append(head, m.Name())
	}
	out.head(head...)
	errs := map[int]map[string]float64{}
	for _, m := range counts {
		errs[m] = map[string]float64{}
		for rep := range matrices {
			q := Problem{Dense(randomDense(m, 64, rand.New(rand.NewPCG(uint64(rep), 99)))), White(sigma)}
			for _, method := range methods {
				records := test
				switch method.(type) {
				case Latent, Hybrid: // Slow ones see fewer records.
					if rep > 0 || m > 32 {
						continue
					}
					records = test[:40*64]
				}
				e := errorOf(mustPrepare(t, method, s.prior, q), q, records, 64, uint64(rep))
				if len(records) < len(test) {
					errs[m][method.Name()] = e * e
				} else {
					errs[m][method.Name()] += e * e / float64(matrices)
				}
			}
		}
		row := []string{fmt.Sprint(m)}
		for _, method := range methods {
			if v, ok := errs[m][method.Name()]; ok {
				row = append(row, fmt.Sprintf("%.4f", math.Sqrt(v)))
			} else {
				row = append(row, "")
			}
		}
		out.add(row...)
	}
	out.show(t)
	if !long() {
		if a, b := errs[8]["sampling"], errs[8]["gaussian"]; a >= b {
			t.Errorf("8 measurements: squared error %v, of the Gaussian %v", a, b)
		}
		return
	}
	for m, limit := range limits {
		if e := math.Sqrt(errs[m]["sampling"]); e > 1.15*limit {
			t.Errorf("%d measurements: error %.4f, limit %.4f", m, e, 1.15*limit)
		}
	}
	if lasso, ours := errs[40]["dct"], errs[8]["sampling"]; lasso < ours {
		t.Errorf("the Lasso reaches %.4f with 5 times the measurements, sampling %.4f", math.Sqrt(lasso), math.Sqrt(ours))
	}
}

// Denoising by the method that held-out generated records recommend, against
// the filter of Wiener.
func TestDenoisedBumps(t *testing.T) {
	s := bumpSignals(t)
	test := bumps(sized(200, 16), 3)
	out := &table{}
	out.head("sigma", "noisy", "Wiener", "sampling", "mixture", "DCT shrinkage", "recommended", "gain over Wiener", "method")
	for _, sigma := range sized([]float64{.05, .1, .2, .3, .5, .7, 1}, []float64{.3}) {
		q := Problem{Identity(64), White(sigma)}
		methods := []Method{Sampling{}, Gaussian{}, s.mixture, Sparse{Label: "dct"}}
		// The mixture is fitted to records, which the others have not seen.
		r, err := Recommend(s.prior, q, []Method{Sampling{}, Sparse{Label: "dct"}}, RecommendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		errs := map[string]float64{}
		for _, m := range methods {
			errs[m.Name()] = errorOf(mustPrepare(t, m, s.prior, q), q, test, 64, 7)
		}
		have := errorOf(r, q, test, 64, 7)
		gain := 1 - have/errs["gaussian"]
		out.add(fmt.Sprint(sigma), fmt.Sprintf("%.4f", sigma), fmt.Sprintf("%.4f", errs["gaussian"]), fmt.Sprintf("%.4f", errs["sampling"]), fmt.Sprintf("%.4f", errs["mixture"]),
			fmt.Sprintf("%.4f", errs["dct"]), fmt.Sprintf("%.4f", have), fmt.Sprintf("%.0f %%", 100*gain), r.Method())
		if gain < -.02 {
			t.Errorf("sigma %v: %s is %.1f %% worse than Wiener", sigma, r.Method(), -100*gain)
		}
		if long() && sigma >= .1 && sigma <= .7 && gain < .2 {
			t.Errorf("sigma %v: %s gains %.1f %% over Wiener", sigma, r.Method(), 100*gain)
		}
	}
	out.show(t)
}

// aligned returns the squared error of x after the best shift by up to 4 samples:
// a signal and its kernel may move against each other.
func aligned(x, truth []float64) float64 {
	best := squared(x, truth)
	for shift := -4; shift <= 4; shift++ {
		moved := make([]float64, len(x))
		for i := range moved {
			moved[i] = x[min(max(i+shift, 0), len(x)-1)]
		}
		best = min(best, squared(moved, truth))
	}
	return best
}

// Blind deconvolution of bumps under kernels of three kinds. A bump under a
// kernel may be a wider bump under a narrower one: only the family of the kernel
// tells, as in the last column.
func TestBlindBumps(t *testing.T) {
	s := bumpSignals(t)
	few := *s.prior // Fewer samples to start from are enough.
	n := min(sized(5000, 1500), few.Samples())
	few.x = mat.DenseCopyOf(few.x.Slice(0, n, 0, 64))
	few.u = few.u[:n*few.decoder.Latent()]
	p := &few
	const sigma = .02
	kernels := []struct {
		name string
		h    []float64
		way  []float64 // in which the kernels of its family differ
	}{
		{"echo", []float64{.6, 0, 0, 0, 0, 0, 0, 0, .4}, []float64{.2, 0, 0, 0, 0, 0, 0, 0, -.2}},
		{"motion", []float64{0, 1. / 7, 1. / 7, 1. / 7, 1. / 7, 1. / 7, 1. / 7, 1. / 7, 0}, []float64{-.03, -.02, -.01, 0, .12, 0, -.01, -.02, -.03}},
		{"decay", []float64{0, 0, 0, 0, .5, .25, .13, .08, .04}, []float64{0, 0, 0, 0, .2, 0, -.06, -.07, -.07}},
	}
	if !long() {
		kernels = kernels[:1]
	}
	test := bumps(sized(20, 1), 4)
	out := &table{}
	out.head("kernel", "blurred", "Wiener, known kernel", "sampling, known kernel", "blind total variation", "blind, generator", "the same, best shift", "blind, generators of both")
	for _, k := range kernels {
		q := Problem{Convolution(64, k.h), White(sigma)}
		wiener, known := mustPrepare(t, Gaussian{}, s.prior, q), mustPrepare(t, Sampling{}, s.prior, q)
		family := linear{mat.NewDense(9, 1, slices.Clone(k.way)), slices.Clone(k.h)}
		axpy(-.7, k.way, family.mean) // The kernel sought is not its middle.
		var e [7]float64
		rng := rand.New(rand.NewPCG(8, 8))
		n := float64(len(test) / 64)
		for i := 0; i < len(test); i += 64 {
			x := test[i : i+64]
			y := q.measure(x, rng)
			variation, err := Blind{Signal: TotalVariation{Lambda: .02}, Taps: 9, Rounds: sized(8, 2)}.Solve(p, y, sigma)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := Blind{Taps: 9, Rounds: sized(8, 2)}.Solve(p, y, sigma)
			if err != nil {
				t.Fatal(err)
			}
			both, err := Blind{Kernel: family, Rounds: sized(8, 2)}.Solve(p, y, sigma)
			if err != nil {
				t.Fatal(err)
			}
			for j, v := range []float64{squared(y, x), squared(wiener.Solve(y).X, x), squared(known.Solve(y).X, x), squared(variation.X, x), squared(ours.X, x), aligned(ours.X, x), squared(both.X, x)} {
				e[j] += v / 64 / n
			}
		}
		row := []string{k.name}
		for _, v := range e {
			row = append(row, fmt.Sprintf("%.4f", math.Sqrt(v)))
		}
		out.add(row...)
		if e[6] > e[0] {
			t.Errorf("%s: blind deconvolution is worse than none", k.name)
		}
	}
	out.show(t)
}
