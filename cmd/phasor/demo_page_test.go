package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"phasor/metrics/status"
	"phasor/metrics/status/browsertest"
)

// running is a demo in this process.
type running struct {
	t   *testing.T
	url string
	log *lockedText
}

type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startDemo runs a demo until the test ends.
func startDemo(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	d := &running{t: t, log: &lockedText{}}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"demo", "--listen", "127.0.0.1:0", "--store", filepath.Join(t.TempDir(), "store")}, args...), strings.NewReader(""), io.Discard, d.log)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(d.log)
		}
	})
	address := regexp.MustCompile(`Page: (http://\S+)/`)
	d.until("the page's address", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the demo has ended: %v\n%s", err, d.log)
		default:
		}
		m := address.FindStringSubmatch(d.log.String())
		if m != nil {
			d.url = m[1]
		}
		return m != nil
	})
	return d
}

// until waits for a condition.
func (d *running) until(what string, holds func() bool) {
	d.t.Helper()
	for began := time.Now(); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > 4*time.Minute {
			d.t.Fatalf("%s: not within four minutes", what)
		}
	}
}

func (d *running) get(path string) string {
	d.t.Helper()
	r, err := http.Get(d.url + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: %d %v: %s", path, r.StatusCode, err, b)
	}
	return string(b)
}

func (d *running) page() (p status.Page) {
	d.t.Helper()
	if err := json.Unmarshal([]byte(d.get("/status.json")), &p); err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (d *running) post(url string, header ...string) int {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, url, strings.NewReader(`{"n":3}`))
	if err != nil {
		d.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// A fresh reader of the demo's page sees the count, the alarm of the planted change and the refit that answers it, and
// promotes and rolls back; every family of metrics has a sensible value by then.
func TestDemoOnItsPage(t *testing.T) {
	t.Parallel()
	began := time.Now()
	d := startDemo(t, "--rate", "3000")
	b := browsertest.Open(t)
	open := func() { b.Show(d.url, 1280, 800, "light") }
	open()
	b.Wait(`document.getElementById('state').textContent === 'live'`)
	b.Wait(`Number(document.querySelector('[data-figure=folded]').textContent.replaceAll(',', '')) > 1000`)
	d.until("a first version", func() bool { return d.page().Sketches[0].Model.Version > 0 })
	b.Wait(`document.querySelector('[data-figure=version]').textContent.startsWith('version ')`)

	// The planted change: seen by who looks already, and by who opens the page then.
	d.until("the alarm", func() bool { return d.page().Sketches[0].Drift.Latched != nil })
	t.Logf("alarm after %v", time.Since(began).Round(time.Second))
	checkValues(t, d.get("/metrics"), duringDrift)
	b.Wait(`document.querySelector('.notice') && document.querySelector('ol.alarms li')`)
	b.Keep("demo-drift")
	open()
	if text := browsertest.Eval[string](b, `document.querySelector('ol.alarms').textContent`); !strings.Contains(text, "temperature_c") && !strings.Contains(text, "pressure_bar") {
		t.Errorf("the alarm does not name a channel that moved: %s", text)
	}

	var p status.Page
	d.until("the refit", func() bool {
		p = d.page()
		return len(p.Sketches[0].Drift.Alarms) > 0 && p.Sketches[0].Drift.Alarms[len(p.Sketches[0].Drift.Alarms)-1].Answered > 0
	})
	t.Logf("refit after %v", time.Since(began).Round(time.Second))
	b.Show(d.url, 360, 740, "dark")
	b.Keep("demo-phone")
	b.Wait(`document.querySelector('ol.alarms').textContent.includes('answered by version')`)
	b.Show(d.url, 1280, 800, "dark")
	b.Wait(`document.querySelectorAll('.grid figure').length >= 8 && document.querySelector('.pairs path.observed')`)
	b.Keep("demo-refit")
	if n := browsertest.Eval[int](b, `document.querySelectorAll('svg[role=img]').length`); n < 15 {
		t.Errorf("%d pictures", n)
	}
	s := p.Sketches[0]
	if s.Stream.Folded < 10_000 || len(s.Stream.Partitions) != demoPartitions || len(s.Drift.History) < 20 || s.Shapes == nil || len(s.Shapes.Channels) != 8 {
		t.Errorf("%+v", s)
	}
	b.Quiet()

	// A roll-back and a promotion, by the buttons; a page of another site may do neither.
	served := s.Model.Version
	evil := httptest.NewServer(http.NotFoundHandler())
	defer evil.Close()
	for _, path := range []string{"/models/roll-back?sketch=demo", "/models/promote?sketch=demo&version=1", "/drift/acknowledge"} {
		if code := d.post(d.url+path, "Sec-Fetch-Site", "cross-site", "Origin", evil.URL); code != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, code)
		}
	}
	press := func(button string) {
		b.Wait(`document.querySelector('` + button + `')`)
		browsertest.Eval[bool](b, `document.querySelector('`+button+`').click(), document.getElementById('yes').click(), true`)
		b.Wait(`document.getElementById('said').textContent === 'Done.'`)
	}
	press(`[id$=-back]`)
	d.until("the roll-back", func() bool { return d.page().Sketches[0].Model.Version < served })
	now := d.page().Sketches[0].Model.Version
	press(`[data-do^="models/promote"]`)
	d.until("the promotion", func() bool { return d.page().Sketches[0].Model.Version != now })
	if code := d.post(d.url + "/v1/sample"); code != http.StatusOK {
		t.Errorf("POST /v1/sample: %d", code)
	}
	checkValues(t, d.get("/metrics"), afterRefit)
	b.Quiet()
}
