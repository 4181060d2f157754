package status

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example is a page as `phasor run` shows it, with all that a page can hold.
func example() Page {
	return Page{Title: "Phasor", Notice: "Drift in press-line-4 since 2030-01-02T03:04:05Z: cm above its threshold; channels temperature, pressure", Sections: []Section{
		{Name: "Stream: press-line-4", Rows: []Row{
			{Name: "Records folded", Value: "18446744", Help: "since this process started"},
			{Name: "Rate", Value: "123456/s", Help: "mean since the start"},
			{Name: "Rejected", Value: "17", Help: "records that could not be folded; the log shows samples"},
			{Name: "Lag", Value: "0", Help: "records that wait in the log"},
			{Name: "Last durable snapshot", Value: "2030-01-02T03:04:05Z"},
		}},
		{Name: "Drift: press-line-4", Rows: []Row{
			{Name: "Statistic", Value: "9.146", Help: "of the newest complete pane"},
			{Name: "Threshold", Value: "5.31", Help: "above it is an alarm"},
			{Name: "p-value", Value: "–"},
			{Name: "Asked for", Value: "1 false alarm in 720h0m0s"},
			{Name: "Reference", Value: "160 panes", Help: "drift: not enough history: 19 panes where 20 are needed (0 more held too few records): wait for more panes, or lengthen the reference"},
		}},
		{Name: "Model: press-line-4", Rows: []Row{
			{Name: "Version", Value: "7", Help: "served"},
			{Name: "Equivalent records", Value: "at least 26821", Help: "true records that are as close to the stream"},
		}},
	}}
}

func get(t *testing.T, p Page, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(func() Page { return p }).ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageHasItsHeaders(t *testing.T) {
	for path, kind := range map[string]string{"/": "text/html; charset=utf-8", "/status.json": "application/json"} {
		r := get(t, example(), "GET", path)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != kind || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", path, r.StatusCode, r.Header)
		}
		csp := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "script-src 'sha256-", "style-src 'sha256-"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %q: %s", path, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: the policy is loose: %s", path, csp)
		}
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	for _, path := range []string{"/x", "/index.html", "/page.html", "/status.json/", "/status", "/..%2f"} {
		if r := get(t, example(), "GET", path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	for _, path := range []string{"/", "/status.json"} {
		if r := get(t, example(), "POST", path); r.StatusCode != 405 {
			t.Errorf("POST %s: %d", path, r.StatusCode)
		}
		if r := get(t, example(), "HEAD", path); r.StatusCode != 200 {
			t.Errorf("HEAD %s: %d", path, r.StatusCode)
		}
	}
}

func TestPageShowsAllThereIs(t *testing.T) {
	p := example()
	html := body(t, get(t, p, "GET", "/"))
	for _, s := range p.Sections {
		for _, r := range s.Rows {
			for _, text := range []string{s.Name, r.Name, r.Value, r.Help} {
				if !strings.Contains(html, text) {
					t.Errorf("the page lacks %q", text)
				}
			}
		}
	}
	if !strings.Contains(html, p.Notice) || !strings.Contains(html, "<title>Phasor</title>") {
		t.Error("the page lacks its notice or title")
	}
	p.Notice = ""
	if strings.Contains(body(t, get(t, p, "GET", "/")), `role="alert"`) {
		t.Error("a page without a notice has one")
	}
	if !strings.Contains(body(t, get(t, Page{Title: "Phasor"}, "GET", "/")), "Nothing to show yet") {
		t.Error("an empty page says nothing")
	}
}

// hostile are names that would be markup if they were not escaped.
var hostile = []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</main></table><h1>`, `&lt;b&gt;`, `{{.Title}}`, `javascript:alert(1)`, "\x00\u2028'`"}

func TestNamesAreEscaped(t *testing.T) {
	plain := strings.Count(body(t, get(t, Page{Title: "x", Notice: "x", Sections: []Section{{"x", []Row{{"x", "x", "x"}}}}}, "GET", "/")), "<")
	for _, name := range hostile {
		p := Page{Title: name, Notice: name, Sections: []Section{{name, []Row{{name, name, name}}}}}
		if html := body(t, get(t, p, "GET", "/")); strings.Count(html, "<") != plain || strings.Contains(html, "<img") {
			t.Errorf("%q has become markup: %s", name, html)
		}
	}
}

func TestJSONIsThePage(t *testing.T) {
	p := example()
	for _, name := range hostile {
		p.Sections = append(p.Sections, Section{Name: name, Rows: []Row{{name, name, name}}})
	}
	var found Page
	if err := json.NewDecoder(get(t, p, "GET", "/status.json").Body).Decode(&found); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, found); d != "" {
		t.Error(d)
	}
	if b := body(t, get(t, Page{Title: "Phasor"}, "GET", "/status.json")); !strings.Contains(b, `{"title":"Phasor","sections":[]}`) {
		t.Error(b)
	}
}
