package status

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"phasor/trainer"
)

// now is the time of the example.
var now = time.Date(2030, 1, 2, 3, 30, 0, 0, time.UTC)

// example is a page with all that a page can hold, as a run of a plant in drift shows it.
func example() Page {
	channels := []string{"temperature", "pressure", "flow", "vibration"}
	alarm := Alarm{Alarm: trainer.Alarm{Detector: "scan", Pane: now.Add(-5 * time.Minute).UnixMilli(), Change: now.Add(-7 * time.Minute).UnixMilli(), Group: "cm",
		Window: 3, Statistic: 37.25, Threshold: 7.91, Channels: channels[:2], Moves: []trainer.Move{{Channel: "temperature", Aspect: "mean", Up: true}, {Channel: "pressure", Aspect: "scale"}}},
		What: "temperature mean up, pressure scale down"}
	answered := alarm
	answered.Pane, answered.Change, answered.Ended, answered.Answered = now.Add(-40*time.Minute).UnixMilli(), now.Add(-42*time.Minute).UnixMilli(), now.Add(-35*time.Minute), 2
	s := Stream{Topics: []string{"plant.sensors"}, Folded: 18446744, Durable: 20446744, Rate: 8123.4, Lag: 1234, Rejected: 17, Reasons: []Count{{"decode", 12}, {"schema", 5}},
		Late: 3, Early: 2, Duplicate: 8, Clamped: 99, Missing: 4, Gaps: []Count{{"retention", 1}}, Features: 1024, Dimension: 4, Bytes: 43000, Saved: now.Add(-3 * time.Second)}
	d := Drift{Detector: "scan", Statistic: 37.25, Threshold: 7.91, PValue: 1e-9, Ratio: .8, RunLength: 30 * 24 * time.Hour, Seconds: 30 * 86400, Reference: 160,
		Pane: now.UnixMilli(), Latched: &alarm, Alarms: []Alarm{alarm, answered}, Raised: 2}
	for i := range 120 {
		at := now.Add(time.Duration(i-120) * time.Minute)
		s.History = append(s.History, Flow{at.UnixMilli(), Number(8000 + 400*math.Sin(float64(i)/5)), Number(i % 3), Number(i * 10)})
		v := Verdict{at.UnixMilli(), Number(2 + math.Sin(float64(i)/3)), 7.91}
		if i > 113 {
			v.Statistic += Number(6 * (i - 113))
		}
		if i < 10 {
			v.Statistic, v.Threshold = undefined, undefined
		}
		d.History = append(d.History, v)
	}
	for i := range 3 {
		s.Partitions = append(s.Partitions, Partition{"plant.sensors", i, int64(6148914 + i), int64(6148000 + i), int64(6148925 + i), 11, int64(i), now.Add(-3 * time.Second)})
	}
	m := Model{Version: 3, Published: now.Add(-time.Hour), Records: 5_000_000, Loss: 1.2e-5, HeldOut: 1.3e-5, Floor: 1e-5, Equivalent: 26821, AtLeast: true, Fitting: true,
		Fits: []Count{{"published", 3}, {"rejected", 1}}}
	for i := range 3 {
		m.Versions = append(m.Versions, Version{Version: 3 - i, Served: i == 0, Before: i == 1, Written: now.Add(-time.Duration(i+1) * time.Hour), Records: 5_000_000,
			Loss: 1e-5, HeldOut: Number(1.3e-5 * float64(1+i)), Floor: 1e-5, Gaussian: 4e-4, Equivalent: Number(26821 / (1 + i)), AtLeast: i == 0, Seconds: 12, Answers: map[bool]int64{true: answered.Pane}[i == 1]})
	}
	shapes := Shapes{From: now.Add(-16 * time.Minute).UnixMilli(), To: now.UnixMilli(), Records: 65000, Version: 3, Generated: 4096}
	for k, name := range channels {
		d.Divergence = append(d.Divergence, Divergence{name, Number(.5 / float64(k+1))})
		c := Marginal{Channel: name, Low: Number(-3 * (k + 1)), High: Number(100 * (k + 1)), Overlap: .93}
		for i := range bars {
			x := float64(i-bars/2) / 8
			c.Observed = append(c.Observed, Number(rounded(math.Exp(-x*x/2)/20, 3)))
			c.Generated = append(c.Generated, Number(rounded(math.Exp(-(x-.3)*(x-.3)/2)/20, 3)))
		}
		shapes.Channels = append(shapes.Channels, c)
	}
	for k := range 3 {
		p := Pair{X: channels[k], Y: channels[k+1], Observed: .72, Generated: .65, Centre: [2]Number{.5, .5}, Spread: [3]Number{.02, .015, .02}}
		for i := range 200 {
			sin, cos := math.Sincos(float64(i))
			p.Dots = append(p.Dots, [2]Number{Number(rounded(.5+.2*cos*float64(i%7)/4, 3)), Number(rounded(.5+.2*sin*float64(i%7)/4, 3))})
		}
		shapes.Pairs = append(shapes.Pairs, p)
	}
	return Page{Title: "Phasor", Role: "run", Version: "v1.2.3", Time: now, Started: now.Add(-26 * time.Hour), API: true,
		Notices:  []Notice{{LevelAlarm, "press-line-4", "Drift since 03:23:00: temperature mean up, pressure scale down"}, {LevelError, "press-line-4", "the store is away"}},
		Sketches: []Sketch{{Name: "press-line-4", Stream: &s, Drift: &d, Model: &m, Shapes: &shapes}}}
}

// bare is a page before anything has happened.
func bare() Page {
	return Page{Title: "Phasor", Role: "run", Time: now, Started: now, Notices: []Notice{}, Sketches: []Sketch{{Name: "line", Stream: newStreamLog([]string{"t"}).describe(),
		Drift: &Drift{Statistic: undefined, Threshold: undefined, PValue: undefined, Ratio: undefined, Why: "no panes yet"}, Model: newModel()}}}
}

func get(t *testing.T, b *Board, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Result()
}

func TestPageHasItsHeaders(t *testing.T) {
	b := New(Config{Title: "Phasor"})
	for path, kind := range map[string]string{"/": "text/html; charset=utf-8", "/status.json": "application/json"} {
		r := get(t, b, "GET", path)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != kind || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", path, r.StatusCode, r.Header)
		}
		csp := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "script-src 'sha256-", "style-src 'sha256-"} {
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
	b := New(Config{Guard: Guard{Loopback: true}})
	for _, path := range []string{"/x", "/index.html", "/page.html", "/status.json/", "/status", "/..%2f", "/models", "/models/other"} {
		if r := get(t, b, "GET", path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	for _, path := range []string{"/", "/status.json", "/events"} {
		if r := get(t, b, "POST", path); r.StatusCode != 405 {
			t.Errorf("POST %s: %d", path, r.StatusCode)
		}
	}
	for _, path := range []string{"/models/promote?sketch=a&version=1", "/models/roll-back?sketch=a"} {
		if r := get(t, b, "GET", path); r.StatusCode != 405 {
			t.Errorf("GET %s: %d", path, r.StatusCode)
		}
	}
}

// What is shown stands in the page as it is served, before any script has run.
func TestPageShowsAllThereIs(t *testing.T) {
	html := string(document(example()))
	for _, text := range []string{"<title>▲ drift: Phasor</title>", "press-line-4", "18,446,744", "8,123", "1,234", "decode 12", "schema 5", "37.25 of 7.91", "4.71", "temperature mean up, pressure scale down",
		"answered by version 2", "version 3", "≥ 26.8k", "3 published", "1 rejected", "plant.sensors/2", "6,148,916", "6,148,002", "1 gap by retention", "3 late", "99 values beyond", "93 %", "r 0.72", "generated 0.65",
		"Roll back", "Promote", "Acknowledge", "the store is away", "running for 1 d 2 h", "30 d"} {
		if !strings.Contains(html, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	if n := strings.Count(html, `role="alert"`); n != 2 {
		t.Errorf("%d notices, wanted 2", n)
	}
	if html := string(document(bare())); strings.Contains(html, `role="alert"`) || !strings.Contains(html, "No version yet") || !strings.Contains(html, "learning what is normal") {
		t.Error("a page before the first record has a notice, or says nothing")
	}
	if !strings.Contains(string(document(Page{Title: "Phasor"})), "Nothing to show yet") {
		t.Error("an empty page says nothing")
	}
	if html := string(document(bare())); strings.Contains(html, "NaN") || strings.Contains(html, "Inf") || strings.Contains(string(document(example())), "NaN") {
		t.Error("the page shows NaN")
	}
}

// Without the right to change anything there is no button, and the reason is said.
func TestButtonsNeedTheRight(t *testing.T) {
	p := example()
	p.Refusal = "this address is open to other hosts and asks for no password"
	html := string(document(p))
	if strings.Contains(html, "data-do=\"") || !strings.Contains(html, "read-only: "+p.Refusal) {
		t.Error("there are buttons, or no reason")
	}
}

// The button says what becomes of the reference.
func TestAcknowledgeSaysWhatFollows(t *testing.T) {
	const next, stays = "becomes the new normal", "The reference stays as drift.against gives it"
	for fixed, want := range map[bool]string{false: next, true: stays} {
		p := example()
		p.Sketches[0].Drift.Fixed = fixed
		if html := string(document(p)); !strings.Contains(html, want) || strings.Contains(html, next) == fixed {
			t.Errorf("with a fixed reference %v the page does not say %q, or says the other", fixed, want)
		}
	}
}

// hostile are names that would be markup if they were not escaped.
var hostile = []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</main></table><h1>`, `&lt;b&gt;`, `{{.Title}}`, `javascript:alert(1)`, "\x00\u2028'`"}

// named is the example with one name for everything that has one.
func named(name string) Page {
	p := example()
	p.Title = name
	s := &p.Sketches[0]
	s.Name = name
	for i := range p.Notices {
		p.Notices[i].Sketch, p.Notices[i].Text = name, name
	}
	s.Stream.Topics = []string{name}
	for i := range s.Stream.Partitions {
		s.Stream.Partitions[i].Topic = name
	}
	for _, list := range [][]Count{s.Stream.Reasons, s.Stream.Gaps, s.Model.Fits} {
		for i := range list {
			list[i].Name = name
		}
	}
	s.Drift.Detector, s.Drift.Why = name, name
	for i := range s.Drift.Alarms {
		s.Drift.Alarms[i].What = name
	}
	for i := range s.Drift.Divergence {
		s.Drift.Divergence[i].Channel = name
	}
	for i := range s.Shapes.Channels {
		s.Shapes.Channels[i].Channel = name
	}
	for i := range s.Shapes.Pairs {
		s.Shapes.Pairs[i].X, s.Shapes.Pairs[i].Y = name, name
	}
	return p
}

func TestNamesAreEscaped(t *testing.T) {
	plain := strings.Count(string(document(named("x"))), "<")
	for _, name := range hostile {
		if html := string(document(named(name))); strings.Count(html, "<") != plain || strings.Contains(html, "<img") {
			t.Errorf("%q has become markup", name)
		}
	}
}

func TestJSONIsThePage(t *testing.T) {
	for _, p := range []Page{example(), bare(), named(hostile[0])} {
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var found Page
		if err := json.Unmarshal(b, &found); err != nil {
			t.Fatal(err)
		}
		same := cmp.Comparer(func(a, b Number) bool {
			return a == b || !a.Defined() && !b.Defined() || math.Abs(float64(a-b)) < 1e-5*math.Abs(float64(a))
		})
		if d := cmp.Diff(p, found, same, cmpopts.IgnoreFields(Drift{}, "RunLength"), cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
		if strings.Contains(string(b), "null") && !strings.Contains(string(b), `"statistic":null`) {
			t.Errorf("a list is null: %s", b)
		}
	}
}

func TestFiguresAreForPeople(t *testing.T) {
	for want, have := range map[string]string{"–": figure(undefined), "0": figure(0), "12.35": figure(12.3456), "1,235": figure(1234.56), "1e-05": figure(1e-5), "0.0012": figure(.0012),
		"−1,234,567": grouped(-1234567), "999": grouped(999), "12.5k": short(12500), "1.23M": short(1234567), "1,234": short(1234), "1.3e-5": short(1.3e-5),
		"0 s": span(-time.Second), "59 s": span(59 * time.Second), "1 min": span(time.Minute), "1 h 1 min": span(61 * time.Minute), "2 d 3 h": span(51 * time.Hour), "never": ago(now, time.Time{}),
		"1 pane": plural(1, "pane"), "2 panes": plural(2, "pane"), "93 %": percent(.93), "03:30:00": moment(now, now), "2030-01-01 03:30": moment(now, now.Add(-24*time.Hour)),
		"25 KiB": bytesOf(25000), "2.0 MiB": bytesOf(2 << 20)} {
		if have != want {
			t.Errorf("%q, wanted %q", have, want)
		}
	}
	if have := fmt.Sprint(nice(0), nice(1.01), nice(7), nice(1000)); have != "1 2 10 1000" {
		t.Error(have)
	}
}
