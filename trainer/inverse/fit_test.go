package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
)

// fitOptions say how a test fits a generator.
type fitOptions struct {
	features, steps, hidden, latent int
	subset                          int
	full                            bool
	directions                      string     // of the frequencies; empty: dense
	white                           bool       // components of unit variance
	isotropic                       bool       // one scale for all channels in the frequencies
	radius                          [2]float64 // of the frequencies; zero: from the pilot
}

// fit sketches records and fits a generator to the sketch alone. The records
// of the pilot are the first 10,000.
func fit(t testing.TB, records []float64, d int, o fitOptions) (*generator.Model, *feature.Spec, *sketch.Accumulator) {
	t.Helper()
	names := make([]string, d)
	for k := range names {
		names[k] = fmt.Sprintf("x%d", k)
	}
	pilot := records[:min(len(records), 10000*d)]
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: names, Features: o.features, Radius: o.radius, Directions: o.directions, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if o.isotropic {
		isotropic(spec)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	acc := sketch.New(m)
	q := make([]int32, d)
	for i := 0; i < len(records); i += d {
		if m.Quantise(q, records[i:i+d]) {
			acc.Fold(q)
		}
	}
	target, err := generator.NewTarget(acc)
	if err != nil {
		t.Fatal(err)
	}
	f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: o.steps, Hidden: o.hidden, Latent: o.latent, Subset: o.subset, Full: o.full, Threads: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for !f.Done() {
		if err := f.Step(100); err != nil {
			t.Fatal(err)
		}
	}
	model := f.Model()
	e := model.Evaluation()
	t.Logf("generator of %d channels, %d records, %d features, %d steps: %.0f equivalent records (a Gaussian: %.0f)",
		d, len(records)/d, spec.Features, model.Steps(), e.EquivalentRecords, generator.Gaussian(target).EquivalentRecords)
	return model, spec, acc
}

// isotropic rotates nothing: it stretches the frequencies so that all channels
// have the scale of the one that varies most.
func isotropic(s *feature.Spec) {
	d := s.Dim()
	most := math.Inf(1)
	for _, v := range s.Scale {
		most = min(most, v)
	}
	for j := range s.Features {
		w := s.Omega[j*d : (j+1)*d]
		for k := range w {
			w[k] = int32(math.RoundToEven(float64(w[k]) * most / s.Scale[k]))
		}
	}
	s.Components = nil
}

// long says whether the experiments run at full size.
func long() bool { return os.Getenv("PHASOR_LONG") == "1" }

// sized returns the first argument in a long run, the second in a short one.
func sized[T any](full, small T) T {
	if long() {
		return full
	}
	return small
}

// shared returns a folder of the shared data, or skips.
func shared(t *testing.T, name string) string {
	t.Helper()
	for dir := "."; ; dir = filepath.Join("..", dir) {
		at := filepath.Join(dir, "go.mod")
		if _, err := os.Stat(at); err != nil {
			if full, err := filepath.Abs(dir); err != nil || filepath.Dir(full) == full {
				t.Skip("shared data absent")
			}
			continue
		}
		data := filepath.Join(dir, "..", "shared", "data", name)
		if _, err := os.Stat(data); err != nil {
			t.Skip("shared data absent")
		}
		return data
	}
}

// signals are records, and what a sketch of their components makes of them.
type signals struct {
	dim     int
	prior   *Prior
	mixture Mixture // fitted to the records' components themselves
}

// learn fits a generator to a sketch of q components of records.
func learn(t *testing.T, train []float64, shape []int, q, samples, mixture int, o fitOptions) signals {
	t.Helper()
	dim := 1
	for _, n := range shape {
		dim *= n
	}
	c, err := NewComponents(train, dim, q)
	if err != nil {
		t.Fatal(err)
	}
	codes := c.Encode(train)
	o.isotropic = !o.white
	g, _, _ := fit(t, codes, q, o)
	parts := g.Parts()
	p := mustPrior(t, c.Decoder(g, parts.Offset, parts.Scale), samples, 5)
	mean, cov := moments(mat.NewDense(len(train)/dim, dim, slices.Clone(train)))
	s := signals{dim: dim, prior: p.WithRest(c.Rest).WithMoments(mean, cov).WithShape(shape...)}
	if mixture > 0 {
		m, err := FitMixture(codes[:min(len(codes), 10000*q)], q, mixture, 1)
		if err != nil {
			t.Fatal(err)
		}
		s.mixture = c.Lift(m)
	}
	return s
}

// table is a table in Markdown.
type table struct{ lines []string }

func (m *table) head(cells ...string) {
	m.add(cells...)
	m.lines = append(m.lines, "|"+strings.Repeat(" --- |", len(cells)))
}

func (m *table) add(cells ...string) {
	m.lines = append(m.lines, "| "+strings.Join(cells, " | ")+" |")
}

// show prints the table.
func (m *table) show(t *testing.T) { t.Log("\n" + strings.Join(m.lines, "\n")) }

// bump appends a record of 64 samples of a bump of random place, width and height.
func bump(x []float64, rng *rand.Rand) []float64 {
	c := 12 + 40*rng.Float64()
	w := math.Exp(math.Log(3) + (math.Log(8)-math.Log(3))*rng.Float64())
	a := .5 + rng.Float64()
	for t := range 64 {
		z := (float64(t) - c) / w
		x = append(x, a*math.Exp(-.5*z*z))
	}
	return x
}

func bumps(n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 64))
	var x []float64
	for range n {
		x = bump(x, rng)
	}
	return x
}

// rmse returns the root of the mean squared difference.
func rmse(x, y []float64) float64 { return math.Sqrt(squared(x, y) / float64(len(x))) }
