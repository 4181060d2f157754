package serve

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// solved is what the tests read of an answer.
type solved struct {
	Version int
	Answers []struct {
		Record, SD       []float64
		Method, Warning  string
		EffectiveSamples float64 `json:"effective_samples"`
		Kernel           []float64
	}
}

type body = map[string]any

func TestImputedValuesFollowTheOthers(t *testing.T) {
	s := newServer(t, Config{})
	const seed = 5
	t.Logf("seed %d", seed)
	x := readings(rand.New(rand.NewPCG(seed, 1)), 200)
	var records []any
	for i := 0; i < len(x); i += 3 {
		records = append(records, []any{x[i], nil, x[i+2]})
	}
	a := answered[solved](t, s, "/v1/impute", body{"records": records})
	var square, spread, mean float64
	for i := 1; i < len(x); i += 3 {
		mean += x[i] / 200
	}
	for i, answer := range a.Answers {
		if answer.Record[0] != x[3*i] || answer.Record[2] != x[3*i+2] || answer.SD[0] != 0 || answer.SD[2] != 0 {
			t.Fatalf("record %d: what was there has changed: %+v", i, answer)
		}
		if !(answer.SD[1] > 0) || answer.Method == "" {
			t.Fatalf("record %d: %+v", i, answer)
		}
		square += (answer.Record[1] - x[3*i+1]) * (answer.Record[1] - x[3*i+1]) / 200
		spread += (mean - x[3*i+1]) * (mean - x[3*i+1]) / 200
	}
	t.Logf("root mean squared error %.3f, of the mean %.3f", math.Sqrt(square), math.Sqrt(spread))
	if square > .1*spread {
		t.Errorf("mean squared error %g, of the mean %g", square, spread)
	}
	// Names, another order and channels that are left out mean the same.
	named := answered[solved](t, s, "/v1/impute", body{"records": []any{body{"flow": x[2], "temperature": x[0]}}})
	if !reflect.DeepEqual(named.Answers[0], a.Answers[0]) {
		t.Errorf("by names %+v, in order %+v", named.Answers[0], a.Answers[0])
	}
	for _, m := range []string{"auto", "sampling", "gaussian", "latent", "hybrid"} {
		r := answered[solved](t, s, "/v1/impute", body{"records": records[:1], "method": m}).Answers[0]
		if math.Abs(r.Record[1]-x[1]) > 2 || m != "auto" && m != r.Method {
			t.Errorf("%s: %+v, the value was %g", m, r, x[1])
		}
	}
	none := answered[solved](t, s, "/v1/impute", body{"records": []any{[]any{x[0], x[1], x[2]}}}).Answers[0]
	if none.Method != "none" || !reflect.DeepEqual(none.Record, x[:3]) {
		t.Errorf("nothing is missing: %+v", none)
	}
}

func TestDenoisedRecordsAreNearer(t *testing.T) {
	s := newServer(t, Config{})
	const seed, n = 6, 200
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	x := readings(rng, n)
	var records [][]float64
	for i := 0; i < len(x); i += 3 {
		records = append(records, []float64{x[i] + .2*rng.NormFloat64(), x[i+1] + rng.NormFloat64(), x[i+2] + .2*rng.NormFloat64()})
	}
	a := answered[solved](t, s, "/v1/denoise", body{"records": records, "noise": body{"temperature": .2, "pressure": 1, "flow": .2}})
	var before, after float64
	for i, r := range a.Answers {
		before += (records[i][1] - x[3*i+1]) * (records[i][1] - x[3*i+1])
		after += (r.Record[1] - x[3*i+1]) * (r.Record[1] - x[3*i+1])
	}
	t.Logf("pressure: mean squared error %.3f, denoised %.3f", before/n, after/n)
	if after > .3*before {
		t.Errorf("the pressure's squared error went from %g to %g", before, after)
	}
	// One number is in standard units of each channel.
	same := answered[solved](t, s, "/v1/denoise", body{"records": records[:1], "noise": .05})
	if len(same.Answers) != 1 {
		t.Errorf("%+v", same)
	}
}

func TestRecoveredRecordsHaveTheMeasurements(t *testing.T) {
	s := newServer(t, Config{})
	x := readings(rand.New(rand.NewPCG(7, 1)), 20)
	matrix := [][]float64{{1, 0, 0}, {0, 1, 2}}
	var y [][]float64
	for i := 0; i < len(x); i += 3 {
		y = append(y, []float64{x[i], x[i+1] + 2*x[i+2]})
	}
	a := answered[solved](t, s, "/v1/recover", body{"matrix": matrix, "measurements": y, "noise": .01})
	for i, r := range a.Answers {
		if r.Warning != "" && strings.Contains(r.Warning, "unlike") {
			continue
		}
		if math.Abs(r.Record[0]-y[i][0]) > .1 || math.Abs(r.Record[1]+2*r.Record[2]-y[i][1]) > .1 {
			t.Errorf("record %d: %v does not have the measurements %v", i, r.Record, y[i])
		}
	}
	// Standard units are those without the scales: the same matrix in them gives the same answer.
	e := s.engine.Load()
	scaled := [][]float64{make([]float64, 3), make([]float64, 3)}
	shifted := append([]float64{}, y[0]...)
	for i, row := range matrix {
		for k, v := range row {
			scaled[i][k] = v / e.units.scale[k]
			shifted[i] -= v * e.units.offset[k]
		}
	}
	b := answered[solved](t, s, "/v1/recover", body{"matrix": scaled, "measurements": [][]float64{shifted}, "noise": .01, "units": "standard"})
	for k, v := range b.Answers[0].Record {
		if math.Abs(v-a.Answers[0].Record[k]) > 1e-6 {
			t.Errorf("in standard units %v, in physical ones %v", b.Answers[0].Record, a.Answers[0].Record)
		}
	}
}

func TestDeconvolvedSignalsAreNearer(t *testing.T) {
	s := newServer(t, Config{})
	x := readings(rand.New(rand.NewPCG(8, 1)), 20)
	kernel := []float64{.2, .6, .2}
	var y [][]float64
	for i := 0; i < len(x); i += 3 {
		a := x[i : i+3]
		y = append(y, []float64{.6*a[0] + .2*a[1], .2*a[0] + .6*a[1] + .2*a[2], .2*a[1] + .6*a[2]})
	}
	for _, r := range []body{{"measurements": y, "kernel": kernel, "noise": .05}, {"measurements": y[:4], "taps": 3, "noise": .05}} {
		a := answered[solved](t, s, "/v1/deconvolve", r)
		var before, after float64
		for i, answer := range a.Answers {
			for k, v := range answer.Record {
				before += (y[i][k] - x[3*i+k]) * (y[i][k] - x[3*i+k])
				after += (v - x[3*i+k]) * (v - x[3*i+k])
			}
			if r["taps"] != nil && len(answer.Kernel) != 3 {
				t.Errorf("the kernel is %v", answer.Kernel)
			}
		}
		t.Logf("squared error %.3g, deconvolved %.3g", before, after)
		if after > .5*before {
			t.Errorf("%v: the squared error went from %g to %g", r["taps"], before, after)
		}
	}
}

func TestOddRecordsAndSamples(t *testing.T) {
	s := newServer(t, Config{})
	type scores struct {
		Scores []struct{ Odd, Density, Distance float64 }
	}
	a := answered[scores](t, s, "/v1/score", body{"records": []any{[]float64{20, 102, 3.4}, []float64{20, 130, 3.4}}})
	if len(a.Scores) != 2 || a.Scores[0].Odd > 2 || a.Scores[1].Odd < 4 || a.Scores[1].Distance <= a.Scores[0].Distance {
		t.Errorf("%+v", a)
	}
	type sample struct{ Records [][]float64 }
	b := answered[sample](t, s, "/v1/sample", body{"n": 10, "seed": 3})
	want := models(t).models[0].Sample(10, 3)
	if len(b.Records) != 10 || !reflect.DeepEqual(b.Records[9], want[27:30]) {
		t.Errorf("%v, want %v", b.Records, want)
	}
}
