package serve

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
	"phasor/trainer/generator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// readings are records of three channels: two temperatures of a machine that is on or off, and a pressure that follows.
func readings(rng *rand.Rand, n int) []float64 {
	x := make([]float64, 0, 3*n)
	for range n {
		t := 20 + rng.NormFloat64()
		if rng.IntN(3) == 0 {
			t = 60 + 5*rng.NormFloat64()
		}
		x = append(x, t, 100+t/10+.2*rng.NormFloat64(), 3+.5*math.Sin(t)+.1*rng.NormFloat64())
	}
	return x
}

// fixture is a sketch and two models of it, which all tests share.
type fixture struct {
	spec   *feature.Spec
	models [2]*generator.Model
}

var shared = sync.OnceValues(func() (*fixture, error) { return newFixture(5000, 256, 400) })

// newFixture calibrates and fits, with so many records, frequencies and steps.
func newFixture(records, features, steps int) (*fixture, error) {
	x := readings(rand.New(rand.NewPCG(1, 1)), records)
	spec, _, err := feature.Calibrate(x, feature.CalibrateOptions{Names: []string{"temperature", "pressure", "flow"}, Seed: 1, Features: features})
	if err != nil {
		return nil, err
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		return nil, err
	}
	a, q := sketch.New(m), make([]int32, 3)
	for i := 0; i < len(x); i += 3 {
		m.Quantise(q, x[i:i+3])
		a.Fold(q)
	}
	target, err := generator.NewTarget(a)
	if err != nil {
		return nil, err
	}
	f := &fixture{spec: spec}
	for i := range f.models {
		fit, err := generator.NewFitter(target, generator.Config{Seed: uint64(i + 1), Steps: steps}, nil)
		if err != nil {
			return nil, err
		}
		if err := fit.Step(steps); err != nil {
			return nil, err
		}
		f.models[i] = fit.Model()
	}
	return f, nil
}

func models(t testing.TB) *fixture {
	t.Helper()
	f, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// prepared is the engine of the first model, which takes a moment to make.
var prepared = sync.OnceValues(func() (*engine, error) {
	f, err := shared()
	if err != nil {
		return nil, err
	}
	c, err := Config{Source: FromModel(f.models[0], f.spec), Prior: 2000}.withDefaults()
	if err != nil {
		return nil, err
	}
	return newEngine(&Version{Model: f.models[0], Spec: f.spec}, c)
})

// newServer returns a server that serves the first model.
func newServer(t testing.TB, c Config) *Server {
	t.Helper()
	f := models(t)
	c.Source = FromModel(f.models[0], f.spec)
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	e, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	own := *e
	own.solvers = newCache(s.cfg.Limits.Cache)
	s.engine.Store(&own)
	return s
}

// newStore returns a store with an epoch, and what puts a model into force.
func newStore(t testing.TB) (s *snapshot.Store, publish func(m *generator.Model) int) {
	t.Helper()
	f := models(t)
	s = snapshot.Open(mem.New(), "line")
	ep, err := s.CreateSpec(t.Context(), f.spec)
	if err != nil {
		t.Fatal(err)
	}
	return s, func(m *generator.Model) int {
		t.Helper()
		b, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		v, err := ep.SaveModel(t.Context(), b, []byte(`{"sketch":"line"}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ep.Publish(t.Context(), v, "test"); err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// ask sends a request straight to the handler.
func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader([]byte(body)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// answered posts a request that must be answered, and reads the answer.
func answered[T any](t testing.TB, h http.Handler, path string, request any) T {
	t.Helper()
	b, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	w := ask(h, "POST", path, string(b))
	body, _ := io.ReadAll(w.Body)
	if w.Code != http.StatusOK {
		t.Fatalf("POST %s %.200s: %d %s", path, b, w.Code, body)
	}
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("POST %s: %v in %.200s", path, err, body)
	}
	return v
}

// refused sends a request that must be answered with a problem, and returns its detail.
func refused(t testing.TB, h http.Handler, method, path, body string, status int) string {
	t.Helper()
	w := ask(h, method, path, body)
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Status != status || p.Detail == "" || p.Title == "" ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s %.100q: %d %s (%v), want %d", method, path, body, w.Code, w.Body, err, status)
	}
	return p.Detail
}
