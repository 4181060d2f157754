package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/trainer/generator"
	"phasor/trainer/serve"
)

// client asks a model over HTTP.
type client struct {
	http *http.Client
	base string // As http://127.0.0.1:9466.
}

// post sends a request and reads the answer to it, or the problem that the server has with it.
func (c client) post(ctx context.Context, path string, request, answer any) error {
	b, err := json.Marshal(request)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Detail string }
		if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
			return fmt.Errorf("%s: %s", path, resp.Status)
		}
		return errors.New(problem.Detail)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

// A pressure sensor is dead: its values follow from the temperature, whose records the model was fitted to the sketch of.
func Example() {
	model, spec, err := boiler()
	if err != nil {
		panic(err)
	}
	s, err := serve.New(serve.Config{Source: serve.FromModel(model, spec)})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := s.Look(ctx); err != nil {
		panic(err)
	}
	server := httptest.NewServer(s)
	defer server.Close()

	c := client{server.Client(), server.URL}
	var filled struct {
		Channels []string
		Answers  []struct{ Record, SD []float64 }
	}
	request := map[string]any{"records": []any{map[string]any{"temperature": 150}}}
	if err := c.post(ctx, "/v1/impute", request, &filled); err != nil {
		panic(err)
	}
	a := filled.Answers[0]
	fmt.Printf("at 150 degrees the %s is about %.0f bar, known to a bar: %v\n", filled.Channels[1], a.Record[1], a.SD[1] < 1)
	err = c.post(ctx, "/v1/impute", map[string]any{"records": []any{[]any{1}}}, &filled)
	fmt.Println(err)
	// Output:
	// at 150 degrees the pressure is about 5 bar, known to a bar: true
	// record 0 has 1 values, the model has 2 channels: ["temperature" "pressure"]
}

// boiler fits a model to records of a boiler whose pressure follows its temperature.
func boiler() (*generator.Model, *feature.Spec, error) {
	rng := rand.New(rand.NewPCG(1, 1))
	var x []float64
	for range 5000 {
		t := 100 + 100*rng.Float64()
		x = append(x, t, t/30+.2*rng.NormFloat64())
	}
	spec, _, err := feature.Calibrate(x, feature.CalibrateOptions{Names: []string{"temperature", "pressure"}, Seed: 1, Features: 256})
	if err != nil {
		return nil, nil, err
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		return nil, nil, err
	}
	a, q := sketch.New(m), make([]int32, 2)
	for i := 0; i < len(x); i += 2 {
		m.Quantise(q, x[i:i+2])
		a.Fold(q)
	}
	target, err := generator.NewTarget(a)
	if err != nil {
		return nil, nil, err
	}
	f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: 300}, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := f.Step(300); err != nil {
		return nil, nil, err
	}
	return f.Model(), spec, nil
}
