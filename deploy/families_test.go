package deploy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"phasor/metrics"
)

// family is what a query may ask of a metric.
type family struct {
	kind   string // counter, gauge or histogram; empty if it is not known.
	labels []string
}

// recorder is a Registerer that only writes down what is registered.
type recorder map[string]family

var desc = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .*variableLabels: \{([^}]*)\}\}$`)

// Register writes down the families of c.
func (r recorder) Register(c prometheus.Collector) error {
	kind := ""
	switch c.(type) {
	case *prometheus.CounterVec:
		kind = "counter"
	case *prometheus.GaugeVec:
		kind = "gauge"
	case *prometheus.HistogramVec:
		kind = "histogram"
	}
	ch := make(chan *prometheus.Desc)
	go func() {
		c.Describe(ch)
		close(ch)
	}()
	var err error
	for d := range ch {
		m := desc.FindStringSubmatch(d.String())
		if m == nil {
			err = fmt.Errorf("a descriptor of another form: %s", d)
			continue
		}
		labels := slices.DeleteFunc(strings.Split(m[2], ","), func(s string) bool { return s == "" })
		r.add(m[1], kind, labels)
	}
	return err
}

// add writes down a family under the names of its series.
func (r recorder) add(name, kind string, labels []string) {
	labels = append(slices.Clone(labels), "job", "instance", "namespace")
	r[name] = family{kind, labels}
	if kind == "histogram" {
		r[name+"_bucket"] = family{"counter", append(slices.Clone(labels), "le")}
		r[name+"_sum"], r[name+"_count"] = family{"counter", labels}, family{"counter", labels}
	}
}

// MustRegister is Register for several.
func (r recorder) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// Unregister does nothing.
func (recorder) Unregister(prometheus.Collector) bool { return false }

// known is every series that a target of Prometheus has when it is a role of Phasor.
func known() recorder {
	r := recorder{}
	metrics.NewSketcher(r)
	metrics.NewTrainer(r)
	metrics.NewStore(r)
	metrics.NewServe(r)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.add("up", "gauge", nil)
	for name, f := range r {
		if f.kind == "" && strings.HasSuffix(name, "_total") {
			r[name] = family{"counter", f.labels}
		}
	}
	return r
}

// recordedLabels are in the name of a recorded series: topic_sketch:… has topic and sketch.
func recordedLabels(name string) []string {
	level, _, _ := strings.Cut(name, ":")
	return append(strings.Split(level, "_"), "namespace")
}

// withRules adds the series that the recording rules make.
func withRules(t *testing.T, r recorder) recorder {
	for _, x := range rules(t, "prometheus/recording.yml") {
		r[x.Record] = family{"gauge", recordedLabels(x.Record)}
	}
	return r
}

func TestKnownFamilies(t *testing.T) {
	r := known()
	for name, want := range map[string]string{
		"phasor_sketcher_records_folded_total":         "counter topic,sketch,job,instance,namespace",
		"phasor_drift_alarm":                           "gauge sketch,detector,job,instance,namespace",
		"phasor_sketcher_fold_duration_seconds_bucket": "counter topic,job,instance,namespace,le",
		"process_cpu_seconds_total":                    "counter job,instance,namespace",
	} {
		if got := r[name].kind + " " + strings.Join(r[name].labels, ","); got != want {
			t.Errorf("%s is %q, wanted %q", name, got, want)
		}
	}
}
