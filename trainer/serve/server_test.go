package serve

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMethodsAndTypes(t *testing.T) {
	var mu sync.Mutex
	heard := map[string]int{}
	s := newServer(t, Config{Hooks: Hooks{Request: func(endpoint string, code int, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if code == 0 || took < 0 {
			t.Errorf("%s: code %d after %v", endpoint, code, took)
		}
		heard[endpoint]++
	}}})
	refused(t, s, "GET", "/v1/sample", "", 405)
	if w := ask(s, "DELETE", "/v1/model", ""); w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("%d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	refused(t, s, "GET", "/v1/", "", 404)
	refused(t, s, "GET", "/v1/"+strings.Repeat("x", 4000), "", 404)
	for kind, want := range map[string]int{"application/json": 200, "application/json; charset=utf-8": 200, "": 200,
		"application/x-www-form-urlencoded": 200, "text/plain": 415, "application/xml": 415, ";": 415} {
		r := httptest.NewRequest("POST", "/v1/sample", strings.NewReader(`{"n":1}`))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("content type %q: %d %s", kind, w.Code, w.Body)
		}
	}
	if heard["sample"] != 7 || heard["other"] != 4 {
		t.Errorf("the hooks heard %v", heard)
	}
}

// A browser says where a request comes from; programs say nothing.
func TestPagesOfOtherSitesComputeNothing(t *testing.T) {
	s := newServer(t, Config{})
	for _, c := range []struct {
		method, path, site, origin string
		want                       int
	}{
		{"POST", "/v1/sample", "", "", 200},
		{"POST", "/v1/sample", "same-origin", "http://example.com", 200},
		{"POST", "/v1/sample", "none", "", 200},
		{"POST", "/v1/sample", "cross-site", "https://evil.example", 403},
		{"POST", "/v1/score", "same-site", "https://other.example.com", 403},
		{"POST", "/v1/sample", "", "https://evil.example", 403},
		{"GET", "/v1/model", "cross-site", "", 200}, // Which the other site cannot read.
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(`{"n":1}`))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", c.site)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want || c.want == 403 && !strings.Contains(w.Header().Get("Content-Type"), "problem+json") {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

func TestOverloadIsSaid(t *testing.T) {
	s := newServer(t, Config{Limits: Limits{Active: 1, Waiting: time.Millisecond}})
	s.turns <- struct{}{} // Somebody else's.
	w := ask(s, "POST", "/v1/sample", `{}`)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/v1/model", ""); w.Code != 200 {
		t.Errorf("what computes nothing waits too: %d", w.Code)
	}
	<-s.turns
	for range 3 {
		if w := ask(s, "POST", "/v1/sample", `{}`); w.Code != 200 {
			t.Errorf("afterwards: %d %s", w.Code, w.Body)
		}
	}
	refused(t, s, "POST", "/v1/sample", `{"n":0}`, 422)
	if len(s.turns) != 0 {
		t.Error("a turn was not given back")
	}
	s = newServer(t, Config{Limits: Limits{Time: time.Nanosecond}})
	if d := refused(t, s, "POST", "/v1/impute", `{"records":[[1,null,3]]}`, 503); !strings.Contains(d, "took too long") {
		t.Errorf("%q", d)
	}
	if len(s.turns) != 0 {
		t.Error("a turn was not given back")
	}
}

func TestDefectsAreAnswered(t *testing.T) {
	var what any
	s := newServer(t, Config{Hooks: Hooks{Panicked: func(endpoint string, v any, stack []byte) {
		if endpoint != "x" || len(stack) == 0 {
			t.Errorf("%q, %d bytes of stack", endpoint, len(stack))
		}
		what = v
	}}})
	h := s.guarded("x", func(http.ResponseWriter, *http.Request) error { panic("upside down") })
	if d := refused(t, h, "GET", "/", "", 500); strings.Contains(d, "upside") {
		t.Errorf("the client is told %q", d)
	}
	if what != "upside down" {
		t.Errorf("the hook was told %v", what)
	}
}

func TestLimitsMustMakeSense(t *testing.T) {
	f := models(t)
	source := FromModel(f.models[0], f.spec)
	for _, c := range []Config{{}, {Source: source, Poll: -1}, {Source: source, Prior: 5}, {Source: source, Prior: -1}, {Source: source, Limits: Limits{Body: -1}}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// Clients that ask without a pause see each version when it is put into force, and no request is dropped, refused or
// answered by two versions.
func TestSwapUnderLoadDropsNothing(t *testing.T) {
	store, publish := newStore(t)
	f := models(t)
	publish(f.models[0])
	var served sync.Map
	s, err := New(Config{Source: FromStore(store), Prior: 200, Poll: time.Hour, Limits: Limits{Waiting: time.Minute, Time: time.Minute},
		Hooks: Hooks{Served: func(v Version, _ time.Duration) { served.Store(v.Version, true) }, Failed: func(err error) { t.Error(err) }}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close()
	want := [2][]float64{f.models[0].Sample(5, 9), f.models[1].Sample(5, 9)}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := server.Client().Post(server.URL+"/v1/sample", "application/json", strings.NewReader(`{"n":5,"seed":9}`))
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(r.Body)
				r.Body.Close()
				var a struct {
					Version int
					Records [][]float64
				}
				if err != nil || r.StatusCode != 200 || json.Unmarshal(b, &a) != nil {
					t.Errorf("%d %s %v", r.StatusCode, b, err)
					return
				}
				var flat []float64
				for _, row := range a.Records {
					flat = append(flat, row...)
				}
				if !reflect.DeepEqual(flat, want[(a.Version-1)%2]) {
					t.Errorf("version %d answered with the records of another", a.Version)
					return
				}
				mu.Lock()
				seen[a.Version]++
				mu.Unlock()
			}
		})
	}
	const versions = 6
	for v := 2; v <= versions; v++ {
		publish(f.models[(v-1)%2])
		if err := s.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for {
			mu.Lock()
			n := seen[v]
			mu.Unlock()
			if n > 0 || t.Failed() || time.Now().After(deadline) {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	close(stop)
	wg.Wait()
	server.Client().CloseIdleConnections()
	for v := 1; v <= versions; v++ {
		if _, ok := served.Load(v); !ok || v > 1 && seen[v] == 0 {
			t.Errorf("version %d was never answered with", v)
		}
	}
	t.Logf("requests by version: %v", seen)
}

func TestBodyOfTheLimitIsTaken(t *testing.T) {
	s := newServer(t, Config{Limits: Limits{Body: 1000}})
	pad := func(n int) string { return `{"n":1` + strings.Repeat(" ", n-7) + `}` }
	if w := ask(s, "POST", "/v1/sample", pad(1000)); w.Code != 200 {
		t.Errorf("1000 bytes: %d %s", w.Code, w.Body)
	}
	refused(t, s, "POST", "/v1/sample", pad(1001), 413)
	if w := ask(s, "GET", "/v1/openapi.json", ""); !bytes.Equal(bytes.TrimSpace(w.Body.Bytes()), bytes.TrimSpace(document)) {
		t.Error("the document is not what was embedded")
	}
}
