package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
)

// eight fits a model of eight channels that depend on each other.
func eight(t testing.TB, rng *rand.Rand) (*generator.Model, *feature.Spec, []float64) {
	t.Helper()
	const d = 8
	var x []float64
	state := make([]float64, 3)
	for range 6000 {
		for i := range state {
			state[i] = .9*state[i] + rng.NormFloat64()
		}
		for k := range d {
			x = append(x, state[k%3]+.5*state[(k+1)%3]*float64(k%2)+.2*rng.NormFloat64())
		}
	}
	var names []string
	for k := range d {
		names = append(names, fmt.Sprint("channel ", k))
	}
	spec, _, err := feature.Calibrate(x, feature.CalibrateOptions{Names: names, Seed: 1})
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
	f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: 300}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Step(300); err != nil {
		t.Fatal(err)
	}
	return f.Model(), spec, x
}

// Fifty requests a second to fill in one to four of eight channels, any of them, by the clock, with client and server on
// one core. What it prints are figures of this machine; it fails only if a request does.
func TestLatencyOfImpute(t *testing.T) {
	if os.Getenv("PHASOR_LONG") == "" {
		t.Skip("half a minute by the clock: set PHASOR_LONG=1")
	}
	const seed, perSecond, seconds = 21, 50, 20
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	model, spec, x := eight(t, rng)
	s, err := New(Config{Source: FromModel(model, spec)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	server := httptest.NewServer(s)
	defer server.Close()
	took := make([]time.Duration, perSecond*seconds)
	var wg sync.WaitGroup
	began := time.Now()
	for i := range took {
		record := make([]any, 8)
		for k := range record {
			record[k] = x[rng.IntN(1000)*8+k]
		}
		for _, k := range rng.Perm(8)[:1+rng.IntN(4)] {
			record[k] = nil
		}
		b, err := json.Marshal(body{"records": []any{record}})
		if err != nil {
			t.Fatal(err)
		}
		due := began.Add(time.Duration(i) * time.Second / perSecond)
		time.Sleep(time.Until(due))
		wg.Go(func() {
			r, err := server.Client().Post(server.URL+"/v1/impute", "application/json", bytes.NewReader(b))
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Body.Close()
			if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != 200 {
				t.Errorf("%d, %v", r.StatusCode, err)
			}
			took[i] = time.Since(due)
		})
	}
	wg.Wait()
	server.Client().CloseIdleConnections()
	report := func(name string, d []time.Duration) {
		d = slices.Sorted(slices.Values(d))
		t.Logf("%s: median %v, 90 %% %v, 99 %% %v, longest %v", name, d[len(d)/2], d[len(d)*9/10], d[len(d)*99/100], d[len(d)-1])
	}
	report("all", took)
	report("first five seconds", took[:5*perSecond])
	report("last five seconds", took[len(took)-5*perSecond:])
}

func BenchmarkImpute(b *testing.B) {
	model, spec, x := eight(b, rand.New(rand.NewPCG(1, 0)))
	s, err := New(Config{Source: FromModel(model, spec)})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Look(b.Context()); err != nil {
		b.Fatal(err)
	}
	request := func(missing int) string {
		record := make([]any, 8)
		for k := range record {
			record[k] = x[k]
		}
		for k := range missing {
			record[k] = nil
		}
		v, err := json.Marshal(body{"records": []any{record}})
		if err != nil {
			b.Fatal(err)
		}
		return string(v)
	}
	b.Run("prepared", func(b *testing.B) {
		r := request(2)
		for b.Loop() {
			ask(s, "POST", "/v1/impute", r)
		}
	})
	b.Run("unprepared", func(b *testing.B) {
		r := request(2)
		for b.Loop() {
			s.engine.Load().solvers = newCache(1 << 28)
			ask(s, "POST", "/v1/impute", r)
		}
	})
}
