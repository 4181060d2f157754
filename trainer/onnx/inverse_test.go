package onnx_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"phasor/trainer/inverse"
	"phasor/trainer/onnx"
)

// solve writes the records of the measurements that are on standard input.
const solve = `
import sys
import numpy, onnx, onnxruntime
onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
s = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
y = numpy.frombuffer(sys.stdin.buffer.read(), "<f8").reshape(-1, s.get_inputs()[0].shape[1])
x, = s.run(["record"], {"measurement": y})
sys.stdout.buffer.write(x.astype("<f8").tobytes())
`

func TestOnnxruntimeSolvesAsTheNetwork(t *testing.T) {
	const seed, d, rows = 19, 5, 3
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var x []float64
	for range 1000 {
		a, b := rng.NormFloat64(), rng.NormFloat64()
		x = append(x, a, b, a*b, a*a, a+b)
	}
	prior, err := inverse.PriorOf(x, d)
	if err != nil {
		t.Fatal(err)
	}
	matrix := mat.NewDense(rows, d, nil)
	for i := range rows {
		for k := range d {
			matrix.Set(i, k, rng.NormFloat64())
		}
	}
	for name, noise := range map[string]inverse.Noise{"white": inverse.White(.1), "of three sizes": inverse.Independent([]float64{.1, .5, .02})} {
		net, err := inverse.Amortised{Hidden: 16, Steps: 100, Seed: 1}.Train(prior, inverse.Problem{A: inverse.Dense(matrix), Noise: noise})
		if err != nil {
			t.Fatal(err)
		}
		var in []byte
		y := make([]float64, 50*rows)
		for i := range y {
			y[i] = 2 * rng.NormFloat64()
			in = binary.LittleEndian.AppendUint64(in, math.Float64bits(y[i]))
		}
		out := onnxruntime(t, solve, onnx.Inverse(net), in)
		if len(out) != 50*d*8 {
			t.Fatalf("%d bytes of records", len(out))
		}
		for i := range 50 {
			want := net.Solve(y[i*rows : (i+1)*rows]).X
			for k, w := range want {
				have := math.Float64frombits(binary.LittleEndian.Uint64(out[8*(i*d+k):]))
				if !(math.Abs(have-w) <= 1e-9*(1+math.Abs(w))) {
					t.Fatalf("noise %s: record %d, coordinate %d: ONNX gives %g, the network %g", name, i, k, have, w)
				}
			}
		}
	}
}
