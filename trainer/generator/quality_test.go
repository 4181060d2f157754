package generator

import (
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"phasor/sketcher/feature"
)

// long says whether the evaluations that take minutes run.
func long() bool { return os.Getenv("PHASOR_LONG") == "1" }

// trial is one fit of a set from calibration to samples.
type trial struct {
	ratio      float64
	took       time.Duration
	steps      int
	evaluation Evaluation
	gaussian   float64
	off        int
}

func (s set) try(t testing.TB, seed uint64, c Config, features, pairs int) trial {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := s.records(50000, rng)
	begin := time.Now()
	target, err := NewTarget(accumulate(t, x, feature.CalibrateOptions{Names: names(s.dim), Seed: seed, Features: features}))
	if err != nil {
		t.Fatal(err)
	}
	m := fitted(t, target, c)
	generated := m.Sample(2000*pairs, seed)
	r := trial{took: time.Since(begin), steps: m.Steps(), evaluation: m.Evaluation(), gaussian: Gaussian(target).EquivalentRecords}
	for _, off := range m.out.off {
		if off {
			r.off++
		}
	}
	r.ratio = s.energyRatio(generated, pairs, rng)
	return r
}

// TestFitReachesTheFloor fits two sets with a tenth of the steps: a network
// that does not learn stays at the Gaussian, tens of times beyond the limit.
func TestFitReachesTheFloor(t *testing.T) {
	skipRaced(t)
	for _, s := range []set{plane[0], mixed[0]} {
		const seed = 1
		r := s.try(t, seed, Config{Seed: seed, Steps: 400}, 256, 3)
		t.Logf("%s, seed %d: %.2f over the floor, %.0f equivalent records (Gaussian %.0f), %v", s.name, seed, r.ratio, r.evaluation.EquivalentRecords, r.gaussian, r.took)
		if limit := 4.0; r.ratio > limit {
			t.Errorf("%s: energy distance %.2f times that of two true samples, want at most %g", s.name, r.ratio, limit)
		}
		if r.evaluation.EquivalentRecords < 20*r.gaussian {
			t.Errorf("%s: %.0f equivalent records where a Gaussian has %.0f", s.name, r.evaluation.EquivalentRecords, r.gaussian)
		}
	}
}

// TestQuality is the evaluation of the default settings: 50,000 records of each
// set, the median of three seeds. SETS names some of them.
func TestQuality(t *testing.T) {
	if !long() {
		t.Skip("takes minutes: set PHASOR_LONG=1")
	}
	var c Config
	for name, v := range map[string]*int{"STEPS": &c.Steps, "SUBSET": &c.Subset, "THREADS": &c.Threads} {
		*v, _ = strconv.Atoi(os.Getenv(name))
	}
	only := os.Getenv("SETS")
	seeds, err := strconv.Atoi(os.Getenv("SEEDS"))
	if err != nil {
		seeds = 3
	}
	for _, s := range slices.Concat(plane, unseen, mixed) {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		var ratios []float64
		for seed := uint64(1); seed <= uint64(seeds); seed++ {
			c.Seed = seed
			r := s.try(t, seed, c, 0, 24)
			e := r.evaluation
			t.Logf("%-9s seed %d  ratio %.2f  %5.1fs %d steps  records %.0f (at least %v, Gaussian %.0f)  held out %.3g ± %.2g, floor %.3g, fitted %.3g, maps off %d",
				s.name, seed, r.ratio, r.took.Seconds(), r.steps, e.EquivalentRecords, e.AtLeast, r.gaussian, e.HeldOut, e.HeldOutSE, e.Floor, e.Unbiased, r.off)
			ratios = append(ratios, r.ratio)
		}
		slices.Sort(ratios)
		if median := ratios[len(ratios)/2]; median > s.limit {
			t.Errorf("%s: energy distance %.2f times that of two true samples (all: %.2f), want at most %g", s.name, median, ratios, s.limit)
		}
	}
}

// shared returns a path under the data shared with the project, or skips.
func shared(t testing.TB, elements ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(append([]string{dir, "..", "shared"}, elements...)...)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("shared data absent")
		}
		dir = up
	}
}

// skab reads the anomaly-free run of the SKAB test bench: 8 sensors.
func skab(t testing.TB) (x []float64, header []string) {
	t.Helper()
	file, err := os.Open(shared(t, "data", "skab", "data", "anomaly-free", "anomaly-free.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for _, field := range row[1:] {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				t.Fatal(err)
			}
			x = append(x, v)
		}
	}
	return x, rows[0][1:]
}

// onGrid returns the cells of the histogram's grid that records lie in.
func onGrid(m *feature.Map, x []float64) []float64 {
	y := make([]float64, len(x))
	d := m.Dim()
	q := make([]int32, d)
	for i := 0; i < len(x); i += d {
		m.Quantise(q, x[i:i+d])
		for k, v := range q {
			y[i+k] = float64(v >> 10)
		}
	}
	return y
}

// TestSensorBench fits half of the rows of a real plant, at random, and
// compares with the other half.
func TestSensorBench(t *testing.T) {
	x, header := skab(t)
	if !long() {
		t.Skip("takes a minute: set PHASOR_LONG=1")
	}
	d := len(header)
	var c Config
	c.Steps, _ = strconv.Atoi(os.Getenv("STEPS"))
	for c.Seed = 1; c.Seed <= 3; c.Seed++ {
		rng := rand.New(rand.NewPCG(c.Seed, 0))
		var half [2][]float64
		for i, j := range rng.Perm(len(x) / d) {
			side := 0
			if i >= 4700 {
				side = 1
			}
			half[side] = append(half[side], x[j*d:j*d+d]...)
		}
		begin := time.Now()
		target, err := NewTarget(accumulate(t, half[0], feature.CalibrateOptions{Names: header, Seed: c.Seed}))
		if err != nil {
			t.Fatal(err)
		}
		m := fitted(t, target, c)
		generated := m.Sample(5000, c.Seed)
		took := time.Since(begin)
		sd := deviations(x, d)
		ratio := energy(generated, half[1], sd) / energy(half[0], half[1], sd)
		// The flow takes values a thousandth apart, in one cell of the histogram:
		// a 64th of a standard unit. Distributions are compared to that resolution.
		fm, err := feature.NewMap(target.Spec())
		if err != nil {
			t.Fatal(err)
		}
		a, b := onGrid(fm, generated), onGrid(fm, half[1])
		worst, channel := 0.0, 0
		for k := range d {
			if v := kolmogorov(a, b, d, k); v > worst {
				worst, channel = v, k
			}
		}
		e := m.Evaluation()
		t.Logf("skab      seed %d  ratio %.2f  %5.1fs  largest KS %.3f (%s)  records %.0f (at least %v, Gaussian %.0f)  held out %.3g ± %.2g, floor %.3g, maps off %v",
			c.Seed, ratio, took.Seconds(), worst, header[channel], e.EquivalentRecords, e.AtLeast, Gaussian(target).EquivalentRecords, e.HeldOut, e.HeldOutSE, e.Floor, m.out.off)
		if ratio > 2 {
			t.Errorf("seed %d: energy distance %.2f times that of real rows, want at most 2", c.Seed, ratio)
		}
		if worst > 0.06 {
			t.Errorf("seed %d: Kolmogorov distance %.3f in %s, want at most 0.06", c.Seed, worst, header[channel])
		}
	}
}
