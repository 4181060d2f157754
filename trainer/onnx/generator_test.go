package onnx_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
	"phasor/trainer/onnx"
)

// mixed are records of five kinds of channel: a bell, a stored pair of values, a heavy tail, one that never moves, and a
// spike of zeros beside a continuous part.
func mixed(rng *rand.Rand, n int) []float64 {
	var x []float64
	for range n {
		rain := 0.0
		if rng.IntN(3) == 0 {
			rain = math.Exp(rng.NormFloat64())
		}
		x = append(x, 20+5*rng.NormFloat64(), float64(rng.IntN(2)), 1e3*math.Sinh(2*rng.NormFloat64()), 7, rain)
	}
	return x
}

func fitted(t *testing.T, steps int) *generator.Model {
	t.Helper()
	const d = 5
	x := mixed(rand.New(rand.NewPCG(1, 2)), 4000)
	spec, _, err := feature.Calibrate(x, feature.CalibrateOptions{Names: []string{"bell", "switch", "heavy", "still", "rain"}, Seed: 1, Features: 128,
		Transforms: []string{"identity", "identity", "asinh", "identity", "log1p"}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	a, q := sketch.New(m), make([]int32, d)
	for i := 0; i < len(x); i += d {
		m.Quantise(q, x[i:i+d])
		a.Fold(q)
	}
	target, err := generator.NewTarget(a)
	if err != nil {
		t.Fatal(err)
	}
	f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: steps}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Step(steps); err != nil {
		t.Fatal(err)
	}
	return f.Model()
}

// run writes the records of the latents that are on standard input.
const run = `
import sys
import numpy, onnx, onnxruntime
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
s = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
k = s.get_inputs()[0].shape[1]
u = numpy.frombuffer(sys.stdin.buffer.read(), "<f4").reshape(-1, k)
x, = s.run(["record"], {"latent": u})
assert x.dtype == numpy.float64, x.dtype
assert s.get_modelmeta().custom_metadata_map["channels"] == '["bell","switch","heavy","still","rain"]'
sys.stdout.buffer.write(x.astype("<f8").tobytes())
`

// physical follows the format of the model's file in double precision: the record of one latent, by how much the output map
// stretches the rounding of each channel, and whether it lies so near an edge that rounding may move it into another bin.
func physical(p generator.Parts, channels []feature.Channel, u []float64) (x, stretch []float64, edge []bool) {
	h, in := u, p.Latent
	for l, w := range p.Weights {
		next := make([]float64, p.Hidden)
		for j := range next {
			next[j] = float64(p.Biases[l][j])
			for i := range in {
				next[j] += h[i] * float64(w[i*p.Hidden+j])
			}
			next[j] = math.Tanh(next[j])
		}
		h, in = next, p.Hidden
	}
	x, stretch, edge = make([]float64, p.Dim), make([]float64, p.Dim), make([]bool, p.Dim)
	for k := range x {
		v := float64(p.Mean[k])
		for i, e := range u {
			v += e * float64(p.Linear[i*p.Dim+k])
		}
		for i, e := range h {
			v += e * float64(p.Out[i*p.Dim+k])
		}
		y := v
		stretch[k] = 1
		if !p.Off[k] {
			ends := p.X[k*129 : (k+1)*129]
			bin := -1
			for b := range 128 {
				if ends[b] < ends[b+1] && (bin < 0 || ends[b] <= v) {
					bin = b
				}
				edge[k] = edge[k] || math.Abs(v-ends[b]) < 1e-5
			}
			if bin < 0 {
				bin = 0
			}
			i := k*128 + bin
			if s := p.Value[i]; !math.IsNaN(s) {
				x[k] = s
				continue
			}
			y = p.Hi[i]
			if ends[bin] < ends[bin+1] {
				slope := (p.Hi[i] - p.Lo[i]) / (ends[bin+1] - ends[bin])
				y = p.Lo[i] + (v-ends[bin])*slope
				stretch[k] = max(1, slope)
			}
			y = max(p.Lo[i], min(p.Hi[i], y))
		}
		t := y/p.Scale[k] + p.Offset[k]
		switch channels[k].Transform {
		case feature.Log1p:
			t = math.Expm1(t)
		case feature.Asinh:
			t = math.Sinh(t)
		}
		x[k] = t
	}
	return x, stretch, edge
}

// onnxruntime runs a script of Python with the path of a model as its argument, and returns what it writes.
func onnxruntime(t *testing.T, script string, model, in []byte) []byte {
	t.Helper()
	python := cmp.Or(os.Getenv("PHASOR_PYTHON"), "python3")
	if out, err := exec.Command(python, "-c", "import numpy, onnx, onnxruntime").CombinedOutput(); err != nil {
		t.Skipf("no Python with numpy, onnx and onnxruntime (name one in PHASOR_PYTHON): %v %s", err, bytes.TrimSpace(out))
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, model, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", script, path)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOnnxruntimeGivesTheRecords(t *testing.T) {
	m := fitted(t, 300)
	b, err := onnx.Generator(m)
	if err != nil {
		t.Fatal(err)
	}
	const n, seed = 4000, 17
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var in []byte
	u := make([]float64, n*m.Latent())
	for i := range u {
		v := float32(rng.NormFloat64())
		if i < 200*m.Latent() {
			v *= 6 // Beyond the ends of the output map.
		}
		u[i] = float64(v)
		in = binary.LittleEndian.AppendUint32(in, math.Float32bits(v))
	}
	out := onnxruntime(t, run, b, in)
	d := m.Dim()
	if len(out) != 8*n*d {
		t.Fatalf("%d bytes of records, want %d", len(out), 8*n*d)
	}
	standard := m.Generate(make([]float64, n*d), u)
	p, channels := m.Parts(), m.Channels()
	worst, edges := 0.0, 0
	for i := range n {
		want, stretch, edge := physical(p, channels, u[i*m.Latent():(i+1)*m.Latent()])
		for k, w := range want {
			have := math.Float64frombits(binary.LittleEndian.Uint64(out[8*(i*d+k):]))
			if edge[k] {
				edges++
				continue
			}
			apply := func(x float64) float64 { return (channels[k].Transform.Apply(x) - p.Offset[k]) * p.Scale[k] }
			difference := math.Abs(apply(have)-apply(w)) / stretch[k]
			if off := math.Abs(apply(have) - standard[i*d+k]); channels[k].Kind == feature.Continuous && off > 1e-4*stretch[k] {
				t.Errorf("record %d, channel %d: ONNX gives %g, Generate %g standard units", i, k, apply(have), standard[i*d+k])
			}
			if worst = max(worst, difference); !(difference <= 1e-5) {
				t.Errorf("record %d, channel %d: ONNX gives %g, the parts %g", i, k, have, w)
			}
			if (k == 1 || k == 3) && have != w {
				t.Errorf("record %d, channel %d: stored value %g came out as %g", i, k, w, have)
			}
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("largest difference %.2g standard units of the network's output; %d of %d values at an edge were left out", worst, edges, n*d)
	if edges > n*d/100 {
		t.Errorf("%d values were left out", edges)
	}
}

// The file is protocol buffers whose top level has the fields of a model, and is the same each time.
func TestBytesAreTheModels(t *testing.T) {
	m := fitted(t, 20)
	one, err := onnx.Generator(m)
	if err != nil {
		t.Fatal(err)
	}
	two, err := onnx.Generator(m)
	if err != nil || !bytes.Equal(one, two) {
		t.Fatalf("two exports differ: %v", err)
	}
	fields := map[protowire.Number]int{}
	for b := one; len(b) > 0; {
		n, kind, size := protowire.ConsumeField(b)
		if size < 0 {
			t.Fatalf("field %d of type %d: %v", n, kind, protowire.ParseError(size))
		}
		fields[n]++
		b = b[size:]
	}
	for n, want := range map[protowire.Number]int{1: 1, 2: 1, 7: 1, 8: 1, 14: 3} {
		if fields[n] != want {
			t.Errorf("field %d is there %d times, want %d", n, fields[n], want)
		}
	}
}
