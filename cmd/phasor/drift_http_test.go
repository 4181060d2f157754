package main

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
	"phasor/trainer"
)

func TestDriftRoutes(t *testing.T) {
	b := mem.New()
	defer b.Close()
	s, err := trainer.New(trainer.Config{Store: snapshot.Open(b, "line")})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for pattern, h := range driftRoutes([]string{"line"}, []*trainer.Service{s}) {
		mux.Handle(pattern, h)
	}
	ask := func(method, path, origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		if origin != "" {
			r.Header.Set("Sec-Fetch-Site", origin)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	w := ask("GET", "/drift.json", "")
	var got struct{ Sketches []map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Sketches) != 1 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if d := got.Sketches[0]; d["sketch"] != "line" || d["detector"] != trainer.ModeScan || d["statistic"] != nil || d["why"] == "" {
		t.Errorf("%v", d)
	}
	for path, want := range map[string]int{"/drift/acknowledge": 202, "/drift/acknowledge?sketch=line": 202, "/drift/acknowledge?sketch=other": 404} {
		if w := ask("POST", path, ""); w.Code != want {
			t.Errorf("POST %s: %d %s", path, w.Code, strings.TrimSpace(w.Body.String()))
		}
	}
	if w := ask("GET", "/drift/acknowledge", ""); w.Code != 405 {
		t.Errorf("GET acknowledges: %d", w.Code)
	}
	if w := ask("POST", "/drift/acknowledge", "cross-site"); w.Code != 403 {
		t.Errorf("a page of another origin acknowledges: %d", w.Code)
	}
	if d := newDriftState("line", trainer.DriftStatus{Statistic: math.NaN(), Channels: []string{"a"}, Divergence: []float64{.25}}); d.Statistic != nil || d.Divergence["a"] != .25 {
		t.Errorf("%+v", d)
	}
}

// Before the first pane the series of the configured mode are there, and no other's.
func TestDriftSeriesAreOfTheMode(t *testing.T) {
	base, _ := startRole(t, "trainer", "--name", "line", "--store", t.TempDir(), "--listen", "127.0.0.1:0", "--drift.mode", trainer.ModeRolling)
	_, body, _ := send(t, http.DefaultClient, base, request{method: "GET", path: "/metrics"})
	if !strings.Contains(body, `phasor_drift_alarm{detector="rolling",sketch="line"} 0`) || strings.Contains(body, `detector="scan"`) {
		t.Errorf("the series of drift.mode rolling:\n%s", body)
	}
}
