package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"phasor/sketcher"
	"phasor/sketcher/drift"
	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
	"phasor/stream"
	"phasor/stream/decode"
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
	for query, want := range map[string]string{"": "409 sketch \"line\": trainer: no alarm is latched", "?sketch=line&pane=1700000000000": "409 sketch \"line\": trainer: no alarm is latched",
		"?sketch=other": "404 no sketch is named \"other\"", "?pane=": "400 pane is \"\"", "?pane=0": "400 pane is \"0\"", "?pane=null": "400 pane is \"null\""} {
		w := ask("POST", "/drift/acknowledge"+query, "")
		if got := fmt.Sprint(w.Code, " ", w.Body); !strings.HasPrefix(got, want) {
			t.Errorf("POST /drift/acknowledge%s: %s, wanted %s", query, got, want)
		}
	}
	if w := ask("GET", "/drift/acknowledge", ""); w.Code != 405 {
		t.Errorf("GET acknowledges: %d", w.Code)
	}
	if w := ask("POST", "/drift/acknowledge", "cross-site"); w.Code != 403 {
		t.Errorf("a page of another origin acknowledges: %d", w.Code)
	}
	if d := newDriftState("line", trainer.DriftStatus{Statistic: math.NaN(), Fixed: true, Channels: []string{"a"}, Divergence: []float64{.25}}); d.Statistic != nil || !d.Fixed || d.Divergence["a"] != .25 {
		t.Errorf("%+v", d)
	}
}

// The alarm that a request names is let go, and no other one.
func TestAcknowledgeByHTTP(t *testing.T) {
	const panes, perPane = 70, 32
	b, rng := mem.New(), rand.New(rand.NewPCG(1, 2))
	defer b.Close()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	pilot := make([]float64, 2000)
	for i := range pilot {
		pilot[i] = rng.NormFloat64()
	}
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: []string{"a"}, Features: 64, Seed: 1})
	must(err)
	e, err := snapshot.Open(b, "line").CreateSpec(t.Context(), spec)
	must(err)
	fold, err := sketcher.NewFold(sketcher.FoldConfig{Map: e.Map(), Topics: []string{"t"}, Isolation: "read_committed", Length: time.Second, Lateness: time.Second,
		Decode: decode.Config{Format: "csv", Channels: []decode.Channel{{Name: "a"}}}}, stream.PartitionID{Topic: "t", TopicID: "id"}, 0)
	must(err)
	for i := range int64(panes * perPane) {
		x := rng.NormFloat64()
		if i >= panes*perPane-10*perPane {
			x += 3
		}
		record := stream.Record{Offset: i, Time: 1_700_000_000_000 + i*1000/perPane, Value: fmt.Append(nil, x)}
		fold.Batch(stream.Batch{Records: []stream.Record{record}, Next: i + 1})
	}
	cut := fold.Cut()
	for i := range cut.Panes {
		must(e.SavePane(t.Context(), &cut.Panes[i]))
	}
	must(e.SaveState(t.Context(), cut.State))

	s, err := trainer.New(trainer.Config{Store: snapshot.Open(b, "line"), Poll: 10 * time.Millisecond, Settle: 1000, FalseAlarms: 1000 * time.Second, Drift: drift.Options{Seed: 1, Simulations: 100}})
	must(err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { stop(); must(<-ended) }()
	wait := func(latched bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); (s.Status().Drift.Alarm != nil) != latched; time.Sleep(2 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited in vain for latched to be %v: %+v", latched, s.Status())
			}
		}
	}
	wait(true)
	h := driftRoutes([]string{"line"}, []*trainer.Service{s})["POST /drift/acknowledge"]
	ask := func(pane int64) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", fmt.Sprint("/drift/acknowledge?sketch=line&pane=", pane), nil))
		return w.Code, w.Body.String()
	}
	pane := s.Status().Drift.Alarm.Pane
	if code, text := ask(pane - 1000); code != 409 || !strings.Contains(text, "the latched alarm is of the pane at 2023-11-14T22:14:") {
		t.Errorf("the pane before: %d %s", code, text)
	}
	if code, text := ask(pane); code != 202 {
		t.Errorf("the latched alarm: %d %s", code, text)
	}
	wait(false)
}

// Before the first pane the series of the configured mode are there, and no other's.
func TestDriftSeriesAreOfTheMode(t *testing.T) {
	base, _ := startRole(t, "trainer", "--name", "line", "--store", t.TempDir(), "--listen", "127.0.0.1:0", "--drift.mode", trainer.ModeRolling)
	_, body, _ := send(t, http.DefaultClient, base, request{method: "GET", path: "/metrics"})
	if !strings.Contains(body, `phasor_drift_alarm{detector="rolling",sketch="line"} 0`) || strings.Contains(body, `detector="scan"`) {
		t.Errorf("the series of drift.mode rolling:\n%s", body)
	}
}
