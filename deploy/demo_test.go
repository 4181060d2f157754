package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// freeAddress is one that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs a program until the test ends, and shows what it said if the test fails.
func start(t *testing.T, program string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	c := exec.CommandContext(t.Context(), program, args...)
	c.Stdout, c.Stderr = &out, &out
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Wait()
		if t.Failed() {
			text := out.String()
			t.Logf("%s %s:\n%s", filepath.Base(program), args[0], text[max(0, len(text)-4000):])
		}
	})
}

// get returns the body of an answer of 200.
func get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", r.Status, b)
	}
	return b, err
}

// until waits for a condition.
func until(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("%s: not within %v", what, limit)
		}
		time.Sleep(300 * time.Millisecond)
	}
	t.Logf("%s after %v", what, time.Since(began).Round(time.Second))
}

// watcher asks a Prometheus.
type watcher struct {
	t       *testing.T
	address string
}

// values counts the samples that are numbers in the answer to a query, an instant one or, with a span, one over a range.
func (w watcher) values(expr string, span time.Duration) int {
	w.t.Helper()
	path, form := "query", url.Values{"query": {expr}}
	if span > 0 {
		now := time.Now()
		path = "query_range"
		form.Set("start", fmt.Sprint(now.Add(-span).Unix()))
		form.Set("end", fmt.Sprint(now.Unix()))
		form.Set("step", "2")
	}
	b, err := get(w.t.Context(), "http://"+w.address+"/api/v1/"+path+"?"+form.Encode())
	if err != nil {
		w.t.Fatalf("%s: %v", expr, err)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value  []any
				Values [][]any
			}
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		w.t.Fatalf("%s: %v in %s", expr, err, b)
	}
	n := 0
	for _, r := range answer.Data.Result {
		for _, v := range append(r.Values, r.Value) {
			if len(v) == 2 && v[1] != "NaN" {
				n++
			}
		}
	}
	return n
}

const scrape = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q, %q]
scrape_configs:
  - {job_name: phasor-demo, static_configs: [{targets: [%q]}]}
  - {job_name: phasor-serve, static_configs: [{targets: [%q]}]}
`

// TestDashboardsShowTheDemo scrapes a demo with a real Prometheus that has the shipped rules: the drift alert fires after the
// planted change and resolves after the refit, and every query of every panel has an answer.
func TestDashboardsShowTheDemo(t *testing.T) {
	t.Parallel()
	if os.Getenv("PHASOR_LONG") == "" {
		t.Skip("set PHASOR_LONG=1: a demo of some minutes")
	}
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed: ", err)
	}
	dir := t.TempDir()
	store, phasor := filepath.Join(dir, "store"), buildProgram(t, dir)
	var paths []string
	for _, f := range []string{"recording.yml", "alerts.yml"} {
		p, err := filepath.Abs(filepath.Join("prometheus", f))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	demo, serve, w := freeAddress(t), freeAddress(t), watcher{t, freeAddress(t)}
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, scrape, paths[0], paths[1], demo, serve), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	start(t, prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+w.address)
	start(t, phasor, "demo", "--listen", demo, "--store", store, "--rate", "2000")
	until(t, time.Minute, "the store is there", func() bool { _, err := os.Stat(store); return err == nil })
	start(t, phasor, "serve", "--store", store, "--name", "demo", "--listen", serve)
	until(t, time.Minute, "Prometheus is ready", func() bool { _, err := get(t.Context(), "http://"+w.address+"/-/ready"); return err == nil })
	until(t, 2*time.Minute, "a model is served", func() bool {
		r, err := http.Post("http://"+serve+"/v1/sample", "application/json", strings.NewReader(`{"n":3}`))
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	const firing = `ALERTS{alertname="PhasorDriftDetected",alertstate="firing"}`
	if w.values(firing, 0) > 0 {
		t.Error("PhasorDriftDetected fires before the change")
	}
	until(t, 4*time.Minute, "PhasorDriftDetected fires", func() bool { return w.values(firing, 0) > 0 })
	until(t, 4*time.Minute, "PhasorDriftDetected is resolved", func() bool { return w.values(firing, 0) == 0 })
	until(t, 4*time.Minute, "three minutes are over", func() bool { return time.Since(began) > 3*time.Minute })
	if n := w.values(`ALERTS{alertname!="PhasorDriftDetected",alertstate="firing"}`, 3*time.Minute); n > 0 {
		t.Errorf("%d times another alert fired on a demo", n)
	}
	for _, d := range dashboards {
		for _, p := range d.panels {
			for _, q := range p.queries {
				if w.values(variablesOut(q.expr, "10s"), 3*time.Minute) == 0 {
					t.Errorf("%s: %s is empty: %s", d.title, p.title, q.expr)
				}
			}
		}
	}
	for _, r := range rules(t, "prometheus/recording.yml") {
		if !strings.Contains(r.Expr, "[1h]") && w.values(r.Record, 3*time.Minute) == 0 {
			t.Errorf("%s is never recorded", r.Record)
		}
	}
}
