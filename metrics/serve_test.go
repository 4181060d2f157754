package metrics

import (
	"testing"
	"time"

	"phasor/trainer/serve"
)

func TestServeHooksFeedTheirSeries(t *testing.T) {
	r := newRig()
	h := r.serve.Hooks()
	h.Request("impute", 200, 250*time.Millisecond)
	h.Request("impute", 200, 500*time.Millisecond)
	h.Request("impute", 422, 250*time.Millisecond)
	h.Request("other", 404, 125*time.Millisecond)
	r.expect(t, "phasor_serve_", map[string]float64{
		"phasor_serve_requests_total{code=200,endpoint=impute}":        2,
		"phasor_serve_requests_total{code=422,endpoint=impute}":        1,
		"phasor_serve_requests_total{code=404,endpoint=other}":         1,
		"phasor_serve_request_duration_seconds{endpoint=impute} count": 3,
		"phasor_serve_request_duration_seconds{endpoint=impute} sum":   1,
		"phasor_serve_request_duration_seconds{endpoint=other} count":  1,
		"phasor_serve_request_duration_seconds{endpoint=other} sum":    .125,
	})
}

// Every endpoint has its series before the first request.
func TestServeEndpointsExistFromTheStart(t *testing.T) {
	r := newRig()
	have := r.values(t)
	for _, e := range serve.Endpoints() {
		if _, ok := have["phasor_serve_request_duration_seconds{endpoint="+e+"} count"]; !ok {
			t.Errorf("%s has no histogram", e)
		}
		if _, ok := have["phasor_serve_requests_total{code=200,endpoint="+e+"}"]; ok == (e == "other") {
			t.Errorf("%s: the counter of successes exists: %v", e, ok)
		}
	}
	if n := len(serve.Endpoints()); n != 9 {
		t.Errorf("%d endpoints", n)
	}
}
