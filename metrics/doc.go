// Package metrics names everything that Phasor tells Prometheus, and feeds it from the hooks of the packages that do
// the work.
//
// The rules: base units; time stamps instead of ages; the values of enumerated labels exist from the start; no label
// has an unbounded set of values, so there is no offset, key or version in one; the series of a partition go when the
// partition goes; histograms are both native and classic.
//
// Each role has a constructor that registers its families with a Registerer: [NewSketcher], [NewTrainer], which also has
// those of drift, [NewServe], and [NewStore]. A process that plays several roles calls several. The constructors are the
// list of all families, with their labels and help texts.
package metrics

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// family is the part of a metric's options that all of them share.
type family struct {
	reg  prometheus.Registerer
	role string // The middle of the name: phasor_<role>_….
}

func (f family) name(s string) string { return prometheus.BuildFQName("phasor", f.role, s) }

func (f family) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.name(name), Help: help}, labels)
	f.reg.MustRegister(v)
	return v
}

func (f family) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.name(name), Help: help}, labels)
	f.reg.MustRegister(v)
	return v
}

func (f family) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: f.name(name), Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
	}, labels)
	f.reg.MustRegister(v)
	return v
}

// Build is what a binary knows of itself.
type Build struct{ Version, Revision, GoVersion string }

// ReadBuild asks the running binary.
func ReadBuild() Build {
	b := Build{Version: "unknown", Revision: "unknown", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" {
		b.Version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

func (f family) build() {
	b := ReadBuild()
	f.gauge("build_info", "Build information; constant 1.", "version", "revision", "goversion").
		WithLabelValues(b.Version, b.Revision, b.GoVersion).Set(1)
}

// seconds are the classic bounds of durations, from 100 µs to 100 s.
var seconds = []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100}

// lateness are the classic bounds of how old a record is when it is folded: from 1 ms to a week.
var lateness = []float64{.001, .01, .1, .5, 1, 5, 10, 60, 300, 3600, 6 * 3600, 86400, 7 * 86400}
