package deploy_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"phasor/stream/embedded"
)

// buildProgram builds it into a folder of the test.
func buildProgram(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "phasor")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "phasor/cmd/phasor").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// keepRunning does what restart: unless-stopped says, until the test ends, and shows what was said if it fails.
func keepRunning(t *testing.T, name, program string, env, args []string) {
	t.Helper()
	var out bytes.Buffer
	var ended sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	ended.Go(func() {
		for ctx.Err() == nil {
			c := exec.CommandContext(ctx, program, args...)
			c.Env = append(os.Environ(), env...)
			c.Stdout, c.Stderr = &out, &out
			c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
			c.WaitDelay = 45 * time.Second
			if err := c.Run(); err != nil {
				fmt.Fprintln(&out, "ended:", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() {
		stop()
		ended.Wait()
		if t.Failed() {
			text := out.String()
			t.Logf("%s %q:\n%s", name, args, text[max(0, len(text)-4000):])
		}
	})
}

// TestServicesOfComposeWork runs what the containers of the compose file run, with their arguments, environment and
// configuration, beside an embedded Kafka and a real Prometheus: records come through to an answer of the API.
func TestServicesOfComposeWork(t *testing.T) {
	t.Parallel()
	if os.Getenv("PHASOR_LONG") == "" {
		t.Skip("set PHASOR_LONG=1: it takes a minute")
	}
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed: ", err)
	}
	dir := t.TempDir()
	program := buildProgram(t, dir)
	broker, err := embedded.Start(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })

	// What is an address or a path in a container becomes one of this machine.
	compose, w := decodeYAML[composeFile](t, "compose/compose.yaml"), watcher{t, freeAddress(t)}
	here := []string{"kafka:9092", broker.Addrs()[0], "/etc/phasor/phasor.yaml", filepath.Join(dir, "phasor.yaml"), "/var/lib/phasor", dir, "_interval: 15s", "_interval: 1s"}
	addresses := map[string]string{}
	for _, target := range targets(t) {
		name, _, _ := strings.Cut(target, ":")
		addresses[name] = freeAddress(t)
		here = append(here, target, addresses[name])
	}
	for name, address := range addresses {
		here = append(here, listens(t, compose.Services[name]), address)
	}
	local := strings.NewReplacer(here...)
	for from, to := range map[string]string{"compose/phasor.yaml": "phasor.yaml", "prometheus/prometheus.yml": "prometheus.yml",
		"prometheus/recording.yml": "rules/recording.yml", "prometheus/alerts.yml": "rules/alerts.yml"} {
		path := filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(local.Replace(read(t, from))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+w.address)
	_, image := instructions(t)
	for _, name := range compose.ours() {
		s := compose.Services[name]
		var env, args []string
		for _, e := range image["ENV"] {
			env = append(env, local.Replace(e))
		}
		for key, value := range s.Environment {
			env = append(env, key+"="+value)
		}
		for _, a := range s.Command {
			args = append(args, local.Replace(a))
		}
		keepRunning(t, name, program, env, args)
	}
	until(t, time.Minute, "Prometheus is ready", func() bool { _, err := get(t.Context(), "http://"+w.address+"/-/ready"); return err == nil })
	for name, address := range addresses {
		until(t, 4*time.Minute, name+" is ready", func() bool { _, err := get(t.Context(), "http://"+address+"/readyz"); return err == nil })
	}
	until(t, time.Minute, "the API answers", func() bool {
		r, err := http.Post("http://"+addresses["serve"]+"/v1/sample", "application/json", strings.NewReader(`{"n":3}`))
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	until(t, time.Minute, "every target is up", func() bool { return w.values("up == 1", 0) == len(addresses) })
	until(t, time.Minute, "records are counted", func() bool { return w.values("topic_sketch:phasor_sketcher_records_folded:rate5m > 0", 0) > 0 })
	if n := w.values(`ALERTS{alertstate="firing"}`, 0); n > 0 {
		t.Errorf("%d alerts fire", n)
	}
}
