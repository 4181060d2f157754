package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"phasor/trainer/serve"
)

// Serve feeds the families of the role that answers requests with a model.
type Serve struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewServe registers the families of the serving role.
func NewServe(reg prometheus.Registerer) *Serve {
	f := family{reg, "serve"}
	f.build()
	m := &Serve{
		requests: f.counter("requests_total", "Requests answered.", "endpoint", "code"),
		seconds:  f.histogram("request_duration_seconds", "Their duration.", latencies, "endpoint"),
	}
	for _, e := range serve.Endpoints() {
		if e != "other" { // What there is not is never answered with success.
			m.requests.WithLabelValues(e, "200")
		}
		m.seconds.WithLabelValues(e)
	}
	return m
}

// Hooks returns the hooks of a server. What it logs is the business of the role.
func (m *Serve) Hooks() serve.Hooks {
	return serve.Hooks{Request: func(endpoint string, code int, took time.Duration) {
		m.requests.WithLabelValues(endpoint, strconv.Itoa(code)).Inc()
		m.seconds.WithLabelValues(endpoint).Observe(took.Seconds())
	}}
}

// latencies are the classic bounds of how long a request takes, from 1 ms to 10 s.
var latencies = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}
