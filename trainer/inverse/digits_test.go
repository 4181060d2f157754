package inverse

import (
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// digits returns the 10,000 test images of MNIST from 0 to 1, 28 by 28, or 14 by
// 14 if halved.
func digits(t *testing.T, halved bool) []float64 {
	f, err := os.Open(filepath.Join(shared(t, "mnist_t10k"), "t10k-images-idx3-ubyte.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	b = b[16:]
	const side = 28
	x := make([]float64, len(b))
	for i, v := range b {
		x[i] = float64(v) / 255
	}
	if !halved {
		return x
	}
	half := Downsample([]int{side, side}, 2)
	small := make([]float64, len(x)/4)
	for i := range len(x) / (side * side) {
		half.Apply(small[i*196:(i+1)*196], x[i*784:(i+1)*784])
	}
	return small
}

// digitOptions fit the generator of digits.
func digitOptions() fitOptions {
	return fitOptions{features: sized(4096, 512), steps: sized(6000, 150), hidden: sized(128, 48), subset: sized(512, 256), white: true, directions: "selected", full: true}
}

// Random measurements of small digits: the last 200 images are tested.
func TestCompressedDigits(t *testing.T) {
	x := digits(t, true)
	const d = 196
	n := len(x)/d - 200
	s := learn(t, x[:sized(n, 2500)*d], []int{14, 14}, sized(20, 10), sized(20000, 3000), sized(20, 2), digitOptions())
	test := x[n*d:][:sized(200, 6)*d]
	const sigma = .05
	methods := []Method{Sparse{Label: "dct", Iterations: sized(300, 60)}, Sparse{Label: "wavelets", Iterations: sized(300, 60)}, Gaussian{}, s.mixture, Sampling{}}
	if long() {
		methods = append(methods, Hybrid{Samples: 300})
	}
	out := &table{}
	out.head("measurements of 196", "Lasso, DCT", "Lasso, wavelets", "Gaussian", "mixture of the images", "generator, sampling", "generator, hybrid (40 images)")
	for _, m := range sized([]int{5, 10, 20, 40, 80}, []int{20}) {
		q := Problem{Dense(randomDense(m, d, rand.New(rand.NewPCG(3, uint64(m))))), White(sigma)}
		row := []string{fmt.Sprint(m)}
		errs := map[string]float64{}
		for _, method := range methods {
			records := test
			if _, ok := method.(Hybrid); ok {
				records = test[:40*d]
			}
			e := errorOf(mustPrepare(t, method, s.prior, q), q, records, d, 4)
			errs[method.Name()] = e
			row = append(row, fmt.Sprintf("%.4f", e))
		}
		out.add(row...)
		if errs["sampling"] > errs["dct"] {
			t.Errorf("%d measurements: the generator's error is %.4f, the Lasso's %.4f", m, errs["sampling"], errs["dct"])
		}
	}
	out.show(t)
}

// Digits of twice the resolution.
func TestSuperResolution(t *testing.T) {
	x := digits(t, !long())
	side := sized(28, 14)
	d := side * side
	n := len(x)/d - 200
	s := learn(t, x[:sized(n, 2000)*d], []int{side, side}, sized(20, 10), sized(8000, 1000), 0, digitOptions())
	test := x[n*d:][:sized(60, 4)*d]
	q := Problem{Downsample([]int{side, side}, 2), White(.02)}
	out := &table{}
	found := compare(t, out, s.prior, q, imageMethods(ZeroFilling{}), test, map[string]string{"zero-filling": "repeated pixels", "witness": "learned regulariser", "sampling": "generator, sampling"})
	out.show(t)
	if math.IsNaN(found["sampling"]) || found["sampling"] < found["zero-filling"] {
		t.Errorf("the generator has %.2f dB, repeated pixels %.2f", found["sampling"], found["zero-filling"])
	}
}
