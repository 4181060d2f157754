package generator

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"phasor/sketcher/feature"
	"phasor/snapshot/safetensors"
)

// small is a cheap target: six clusters under 256 frequencies.
func small(t testing.TB, n int) *Target {
	t.Helper()
	rng := rand.New(rand.NewPCG(31, 0))
	target, err := NewTarget(accumulate(t, plane[0].records(n, rng), feature.CalibrateOptions{Names: names(2), Seed: 31, Features: 256}))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// brief is a configuration of little work that cuts batches and frequencies.
var brief = Config{Seed: 3, Steps: 60, Batch: 200, Subset: 100, Hidden: 16}

func start(t testing.TB, target *Target, c Config, warm *Model) *Fitter {
	t.Helper()
	f, err := NewFitter(target, c, warm)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// tiny returns a model of little work.
func tiny(t testing.TB) *Model { return fitted(t, small(t, 5000), brief) }

func advance(t testing.TB, f *Fitter, n int) {
	t.Helper()
	if err := f.Step(n); err != nil {
		t.Fatal(err)
	}
}

// TestFitIsReproducible: equal seeds give equal bits, however the steps are
// grouped and whatever the number of threads; another seed does not.
func TestFitIsReproducible(t *testing.T) { onEachKernel(t, fitIsReproducible) }

func fitIsReproducible(t *testing.T) {
	target := small(t, 5000)
	run := func(c Config, chunk int) []float32 {
		f := start(t, target, c, nil)
		for !f.Done() {
			advance(t, f, chunk)
		}
		return f.mean
	}
	first := run(brief, 60)
	threads, other := brief, brief
	threads.Threads = 3
	other.Seed++
	if !slices.Equal(first, run(brief, 7)) {
		t.Error("steps in groups of 7 give other bits")
	}
	if !slices.Equal(first, run(threads, 60)) {
		t.Error("three threads give other bits")
	}
	if slices.Equal(first, run(other, 60)) {
		t.Error("another seed gives the same bits")
	}
}

// TestCheckpointResumesBitForBit at several steps, after a change of budget,
// and down to the bytes of the model and the running loss.
func TestCheckpointResumesBitForBit(t *testing.T) { onEachKernel(t, checkpointResumesBitForBit) }

func checkpointResumesBitForBit(t *testing.T) {
	target := small(t, 5000)
	for _, at := range []int{0, 33} {
		f := start(t, target, brief, nil)
		advance(t, f, at)
		f.SetSteps(70)
		b, err := f.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		g, err := RestoreFitter(target, b)
		if err != nil {
			t.Fatal(err)
		}
		advance(t, f, 100)
		advance(t, g, 100)
		if f.Loss() != g.Loss() || !slices.Equal(f.flat, g.flat) {
			t.Fatalf("resumed at step %d: loss %v, uninterrupted %v", at, g.Loss(), f.Loss())
		}
		x, errX := f.Model().Encode()
		y, errY := g.Model().Encode()
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Fatalf("resumed at step %d: other model (%v, %v)", at, errX, errY)
		}
		if p, q := must(f.Checkpoint()), must(g.Checkpoint()); !bytes.Equal(p, q) {
			t.Fatalf("resumed at step %d: other checkpoint", at)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestCheckpointOfAnotherSketchIsRefused(t *testing.T) {
	target := small(t, 5000)
	b := must(start(t, target, brief, nil).Checkpoint())
	if _, err := RestoreFitter(small(t, 5001), b); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("more records: %v", err)
	}
	flipped := slices.Clone(b)
	flipped[len(b)/2] ^= 4
	if _, err := RestoreFitter(target, flipped); !errors.Is(err, ErrCheckpoint) || !errors.Is(err, safetensors.ErrCorrupt) {
		t.Errorf("a flipped bit: %v", err)
	}
	model := must(tiny(t).Encode())
	if _, err := RestoreFitter(target, model); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a model's file: %v", err)
	}
}

// TestSetSteps: a shorter budget anneals to its end, a passed one ends the fit,
// a longer one goes on.
func TestSetSteps(t *testing.T) {
	f := start(t, small(t, 2000), brief, nil)
	advance(t, f, 10)
	rate := f.schedule.At(10)
	f.SetSteps(20)
	if got := f.schedule.At(10); got != rate {
		t.Errorf("the rate jumps from %v to %v", rate, got)
	}
	advance(t, f, 1000)
	if step, total := f.Progress(); step != 20 || total != 20 || !f.Done() {
		t.Errorf("progress %d of %d", step, total)
	}
	if end := f.schedule.At(20); math.Abs(end-finalRate*f.config.LR) > 1e-12 {
		t.Errorf("ended at rate %v", end)
	}
	f.SetSteps(5)
	if step, total := f.Progress(); step != 20 || total != 20 {
		t.Errorf("a passed total: progress %d of %d", step, total)
	}
	f.SetSteps(30)
	advance(t, f, 1000)
	if step, _ := f.Progress(); step != 30 {
		t.Errorf("a longer total: %d steps", step)
	}
}

// TestEarlyFinish: on Gaussian records the start is already right, and the fit
// ends long before its steps are used up.
func TestEarlyFinish(t *testing.T) {
	skipRaced(t)
	const seed = 37
	gauss := set{"gauss", 3, 0, func(r *rand.Rand, x []float64) {
		x[0], x[1], x[2] = r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
	}}
	rng := rand.New(rand.NewPCG(seed, 0))
	target, err := NewTarget(accumulate(t, gauss.records(2000, rng), feature.CalibrateOptions{Names: names(3), Seed: seed, Features: 128}))
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, target, Config{Seed: seed, Hidden: 16}, nil)
	advance(t, f, 1<<20)
	if step, _ := f.Progress(); step > 2500 || !f.Early() {
		t.Errorf("took %d steps, early %v", step, f.Early())
	}
	if e := f.Evaluate(); e.EquivalentRecords < 1000 {
		t.Errorf("%.0f equivalent records", e.EquivalentRecords)
	}
	f = start(t, target, Config{Seed: seed, Hidden: 16, Steps: 700, Full: true}, nil)
	advance(t, f, 1<<20)
	if step, _ := f.Progress(); step != 700 || f.Early() {
		t.Errorf("full fit took %d steps, early %v", step, f.Early())
	}
}

// TestWarmStart: a good model starts with a low rate and few steps and does not
// get worse; a useless one, and one of another map, starts from the moments.
func TestWarmStart(t *testing.T) {
	skipRaced(t)
	target := small(t, 10000)
	c := Config{Seed: 1, Steps: 400, Hidden: 32}
	good := fitted(t, target, c)
	f := start(t, target, Config{Seed: 2, Hidden: 32}, good)
	if _, total := f.Progress(); !f.Warm() || total != warmSteps || f.config.LR != warmRate {
		t.Errorf("warm %v, %d steps at %v; the model has %.0f records", f.Warm(), total, f.config.LR, good.Evaluation().EquivalentRecords)
	}
	f.SetSteps(150)
	advance(t, f, 150)
	if before, after := Evaluate(target, good, 9), Evaluate(target, f.Model(), 9); after.HeldOut > before.HeldOut+2*before.HeldOutSE {
		t.Errorf("held-out loss rose from %.3g ± %.2g to %.3g", before.HeldOut, before.HeldOutSE, after.HeldOut)
	}
	poor := start(t, target, c, nil).Model()
	if f := start(t, target, Config{Hidden: 32}, poor); f.Warm() {
		t.Errorf("started from a model of %.0f records", poor.Evaluation().EquivalentRecords)
	}
	other := *good
	other.fingerprint = "another"
	if f := start(t, target, Config{Hidden: 32}, &other); f.Warm() {
		t.Error("started from a model of another map")
	}
}

func TestDivergenceIsReported(t *testing.T) {
	f := start(t, small(t, 2000), brief, nil)
	advance(t, f, 3)
	f.flat[0] = float32(math.NaN())
	if err := f.Step(1); !errors.Is(err, ErrDiverged) {
		t.Fatalf("a NaN weight: %v", err)
	}
	if err := f.Step(1); !errors.Is(err, ErrDiverged) {
		t.Errorf("the error did not stay: %v", err)
	}
	if _, err := f.Checkpoint(); !errors.Is(err, ErrDiverged) {
		t.Errorf("a checkpoint of a diverged fit: %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	target := small(t, 2000)
	for name, c := range map[string]Config{
		"negative steps": {Steps: -1}, "one record": {Batch: 1}, "few latents": {Latent: 1},
		"NaN rate": {LR: math.NaN()}, "large rate": {LR: 2}, "negative threads": {Threads: -2},
	} {
		if _, err := NewFitter(target, c, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDegenerateRecords: nothing that a stream may bring makes a fit fail or a
// sample leave the range of the records.
func TestDegenerateRecords(t *testing.T) {
	const seed = 41
	t.Logf("seed %d", seed)
	for _, s := range []struct {
		set
		n int
	}{
		{set{"one channel", 1, 0, func(r *rand.Rand, x []float64) { x[0] = r.ExpFloat64() }}, 3000},
		{set{"one record", 3, 0, func(r *rand.Rand, x []float64) { x[0], x[1], x[2] = 1, 2, 3 }}, 1},
		{set{"two records", 2, 0, func(r *rand.Rand, x []float64) { x[0], x[1] = r.NormFloat64(), 7 }}, 2},
		{set{"all constant", 2, 0, func(r *rand.Rand, x []float64) { x[0], x[1] = -4, 1e9 }}, 500},
		{set{"two values", 1, 0, func(r *rand.Rand, x []float64) { x[0] = float64(r.IntN(2)) }}, 2000},
		{set{"identical channels", 3, 0, func(r *rand.Rand, x []float64) {
			x[0] = r.NormFloat64()
			x[1], x[2] = x[0], -1000*x[0]
		}}, 2000},
		{set{"constant among others", 3, 0, func(r *rand.Rand, x []float64) { x[0], x[1], x[2] = r.NormFloat64(), 5, r.NormFloat64() }}, 2000},
		{set{"wild scales", 2, 0, func(r *rand.Rand, x []float64) { x[0], x[1] = 1e-12*r.NormFloat64(), 1e12*r.NormFloat64() }}, 2000},
		{set{"infinite variance", 1, 0, func(r *rand.Rand, x []float64) { x[0] = math.Tan(math.Pi * (r.Float64() - .5)) }}, 3000},
	} {
		rng := rand.New(rand.NewPCG(seed, 0))
		x := s.records(s.n, rng)
		target, err := NewTarget(accumulate(t, x, feature.CalibrateOptions{Names: names(s.dim), Seed: seed, Features: 64}))
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		f := start(t, target, Config{Steps: 40, Hidden: 16, Seed: seed}, nil)
		if err := f.Step(40); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		m := f.Model()
		e := m.Evaluation()
		for _, v := range e.fields() {
			if math.IsNaN(*v) || math.IsInf(*v, 0) {
				t.Errorf("%s: evaluation %+v", s.name, e)
				break
			}
		}
		base := Gaussian(target)
		for _, v := range base.fields() {
			if math.IsNaN(*v) || math.IsInf(*v, 0) {
				t.Errorf("%s: baseline %+v", s.name, base)
				break
			}
		}
		lo, hi := slices.Repeat([]float64{math.Inf(1)}, s.dim), slices.Repeat([]float64{math.Inf(-1)}, s.dim)
		for i, v := range x {
			lo[i%s.dim], hi[i%s.dim] = min(lo[i%s.dim], v), max(hi[i%s.dim], v)
		}
		for i, v := range m.Sample(500, 1) {
			k := i % s.dim
			slack := 1e-4*(hi[k]-lo[k]) + 1e-6*math.Abs(hi[k])
			if m.out.off[k] {
				continue
			}
			if !(v >= lo[k]-slack && v <= hi[k]+slack) && s.name != "infinite variance" {
				t.Errorf("%s: sample %v of channel %d, records %v to %v", s.name, v, k, lo[k], hi[k])
				break
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s: sample %v", s.name, v)
				break
			}
		}
		if _, err := DecodeModel(must(m.Encode())); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}
