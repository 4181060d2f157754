package generator

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"phasor/sketcher/feature"
	"phasor/snapshot/safetensors"
)

var update = flag.Bool("update", false, "write a golden file that does not exist yet")

// TestSamplesArePrefixes: the same seed gives the same records, few or many.
func TestSamplesArePrefixes(t *testing.T) {
	m := tiny(t)
	many := m.Sample(300, 5)
	for _, n := range []int{0, 1, 127, 128, 129, 300} {
		if !slices.Equal(m.Sample(n, 5), many[:2*n]) {
			t.Errorf("%d records are not the first of 300", n)
		}
	}
	for _, r := range [][2]int{{0, 300}, {0, 1}, {127, 128}, {127, 129}, {128, 256}, {130, 299}, {5, 5}} {
		if !slices.Equal(m.SampleRange(r[0], r[1], 5), many[2*r[0]:2*r[1]]) {
			t.Errorf("records %d to %d are not those of 300", r[0], r[1])
		}
	}
	if slices.Equal(m.Sample(10, 6), many[:20]) {
		t.Error("another seed gives the same records")
	}
}

// TestPullbackAgainstDifferences: the gradient through network and map.
func TestPullbackAgainstDifferences(t *testing.T) {
	const seed = 43
	rng := rand.New(rand.NewPCG(seed, 0))
	m := tiny(t)
	k, d, n := m.Latent(), m.Dim(), 150
	u, g := make([]float64, n*k), make([]float64, n*d)
	for i := range u {
		u[i] = rng.NormFloat64()
	}
	for i := range g {
		g[i] = rng.NormFloat64()
	}
	y, du := make([]float64, n*d), make([]float64, n*k)
	m.Pullback(y, du, u, g)
	if !slices.Equal(y, m.Generate(make([]float64, n*d), u)) {
		t.Fatal("Pullback and Generate give other records")
	}
	value := func(i int, u []float64) float64 {
		y := m.Generate(make([]float64, d), u)
		var v float64
		for c := range d {
			v += y[c] * g[i*d+c]
		}
		return v
	}
	far := 0
	for i := range n {
		row := slices.Clone(u[i*k : i*k+k])
		c := rng.IntN(k)
		const h = 1e-3
		row[c] += h
		up := value(i, row)
		row[c] -= 2 * h
		down := value(i, row)
		want := (up - down) / (2 * h)
		// A difference across the end of a bin mixes two slopes.
		if got := du[i*k+c]; math.Abs(got-want) > .02*math.Abs(want)+.02 {
			far++
		}
	}
	if far > n/5 {
		t.Errorf("%d of %d gradients differ from differences", far, n)
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	m := tiny(t)
	k, d := m.Latent(), m.Dim()
	three := small3(t)
	for name, f := range map[string]func(){
		"Generate": func() { m.Generate(make([]float64, d+1), make([]float64, k)) },
		"Pullback": func() {
			m.Pullback(make([]float64, d), make([]float64, k-1), make([]float64, k), make([]float64, d))
		},
		"Evaluate": func() { Evaluate(three, m, 1) },
	} {
		func() {
			defer func() {
				if recover() != ErrShape {
					t.Errorf("%s did not panic with ErrShape", name)
				}
			}()
			f()
		}()
	}
}

func small3(t testing.TB) *Target {
	rng := rand.New(rand.NewPCG(47, 0))
	target, err := NewTarget(accumulate(t, mixed[0].records(2000, rng), feature.CalibrateOptions{Names: []string{"state", "level", "flag"}, Seed: 47, Features: 64}))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestModelFileRoundTrip(t *testing.T) {
	m := tiny(t)
	m.Metadata = map[string]string{"note": "press line 4", "horizon": "24h"}
	b := must(m.Encode())
	if !bytes.Equal(b, must(m.Encode())) {
		t.Fatal("encoding twice gives other bytes")
	}
	n, err := DecodeModel(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, must(n.Encode())) {
		t.Error("what was decoded encodes to other bytes")
	}
	if !slices.Equal(m.Sample(200, 3), n.Sample(200, 3)) {
		t.Error("what was decoded gives other records")
	}
	if n.Evaluation() != m.Evaluation() || n.Seed() != m.Seed() || n.Steps() != 60 || n.Records() != 5000 || n.Fingerprint() != m.Fingerprint() {
		t.Errorf("decoded %+v, steps %d, records %d", n.Evaluation(), n.Steps(), n.Records())
	}
	if n.Metadata["note"] != "press line 4" || len(n.Metadata) != 2 {
		t.Errorf("card: %v", n.Metadata)
	}
	if !slices.Equal(n.Names(), names(2)) {
		t.Errorf("names: %v", n.Names())
	}
}

// TestModelFileRefusesNonsense: a file that is whole but no model is an error
// that says so, not a panic and not NaN samples.
func TestModelFileRefusesNonsense(t *testing.T) {
	good := must(tiny(t).Encode())
	spoil := func(f func(f *safetensors.File)) []byte {
		file, err := safetensors.Decode(good)
		if err != nil {
			t.Fatal(err)
		}
		f(file)
		return must(file.Encode())
	}
	for name, b := range map[string][]byte{
		"format":         spoil(func(f *safetensors.File) { f.Metadata["format"] = "phasor.model/2" }),
		"channels":       spoil(func(f *safetensors.File) { f.Metadata["channels"] = `["a"]` }),
		"no channels":    spoil(func(f *safetensors.File) { delete(f.Metadata, "channels") }),
		"transform":      spoil(func(f *safetensors.File) { f.Metadata["transforms"] = `["identity","sqrt"]` }),
		"seed":           spoil(func(f *safetensors.File) { f.Metadata["seed"] = "-1" }),
		"figure":         spoil(func(f *safetensors.File) { f.Metadata["loss_heldout"] = "low" }),
		"missing tensor": spoil(func(f *safetensors.File) { f.Tensors = f.Tensors[1:] }),
		"no first layer": spoil(func(f *safetensors.File) { rename(f, "hidden.1.weight", "hidden.4.weight") }),
		"not a weight":   spoil(func(f *safetensors.File) { poison(f, "out.bias", 0x7fc00000) }),
		"falling map": spoil(func(f *safetensors.File) {
			rename(f, "map.lo", "x")
			rename(f, "map.hi", "map.lo")
			rename(f, "x", "map.hi")
		}),
		"scale of zeroes": spoil(func(f *safetensors.File) { zero(f, "scale") }),
	} {
		if _, err := DecodeModel(b); !errors.Is(err, ErrModel) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := 0; i < len(good); i += len(good)/60 + 1 {
		b := slices.Clone(good)
		b[i] ^= 1
		if _, err := DecodeModel(b); !errors.Is(err, safetensors.ErrCorrupt) {
			t.Errorf("flipped bit in byte %d: %v", i, err)
		}
	}
}

func tensor(f *safetensors.File, name string) *safetensors.Tensor {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i]
		}
	}
	panic("no tensor " + name)
}

func rename(f *safetensors.File, from, to string) { tensor(f, from).Name = to }

func zero(f *safetensors.File, name string) {
	t := tensor(f, name)
	t.Data = make([]byte, len(t.Data))
}

func poison(f *safetensors.File, name string, bits uint32) {
	t := tensor(f, name)
	t.Data = append([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)}, t.Data[4:]...)
}

// TestGoldenModel: files of the past stay readable and give the same records.
// The records were written with the file; other processors may round the last
// bits of the network differently.
func TestGoldenModel(t *testing.T) {
	path := filepath.Join("testdata", "model-1.safetensors")
	if _, err := os.Stat(path); *update && errors.Is(err, os.ErrNotExist) {
		m := fitted(t, small3(t), Config{Seed: 1, Steps: 60, Hidden: 8, Latent: 4, Batch: 128})
		m.Metadata = map[string]string{"note": "golden"}
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, must(m.Encode()), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("records: %v", m.Sample(3, 7))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := DecodeModel(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, must(m.Encode())) {
		t.Error("the file is not the encoding of what it holds")
	}
	if !slices.Equal(m.Names(), []string{"state", "level", "flag"}) || m.Metadata["note"] != "golden" {
		t.Errorf("names %v, card %v", m.Names(), m.Metadata)
	}
	for i, v := range m.Sample(len(golden)/3, 7) {
		if math.Abs(v-golden[i]) > 1e-4 {
			t.Errorf("number %d of the samples is %v, was %v", i, v, golden[i])
		}
	}
}

var golden = []float64{1, 2.928803363525304, 0, 0, -0.17776569620513194, 0, 0, 0.2199673709676313, 1}
